"""Splits a file of pages into records without parsing them, as ``json_split`` splits one list.

Pages are found as records are: by their brackets if they are sound, else by the key that a page begins with. If a page
was cut off, or is damaged before its list, the file is refused, because the number of missing records is unknown.
Pure: bytes in, positions out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from etl.core.errors import BrokenFileError
from etl.parsers.json_split import (
    KEY,
    LAST_BRACKETS,
    NESTED_STARTS,
    check_tail,
    end_of_value,
    not_found,
    split_list,
    syntax,
    two_lists,
)
from etl.parsers.utf8 import EXPORT_AGAIN, Text, byte_number, cut_off

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from etl.parsers.utf8 import Span

KeyPaths = tuple[tuple[str, ...], ...]

_GAP = re.compile(rb"[, \t\r\n]*")
_PAGE_END = b", \t\r\n[]"  # what may be between two pages
_BRACKET = re.compile(rb"[\[\]{}]")


class Node(NamedTuple):
    """A point on the key paths of a page: the records may be here (``is_end``), or an object with these keys."""

    is_end: bool
    children: dict[bytes, Node]


class Page(NamedTuple):
    """The bounds of a page. ``is_well_formed`` if it is JSON; ``depth`` counts the open brackets before it."""

    start: int
    end: int
    is_well_formed: bool
    depth: int = 0


class RecordPosition(NamedTuple):
    """The position of a page's records. ``opening`` is the JSON around them up to there, without other keys."""

    at: int
    opening: bytes
    is_list: bool


def split_pages(text: Text, paths: KeyPaths, keys: Collection[str]) -> list[Span]:
    """Return the bounds in ``text.body`` of the records of all pages; each page has them at one of ``paths``.

    In damaged JSON, a record begins with one of ``keys``. A sound page without any of ``paths`` is taken as a record.
    Raises ``BrokenFileError`` as ``read_records`` does.
    """
    node = _tree(paths)
    pages, depth = _pages(text.body, node)
    spans: list[Span] = []
    without_list = 0
    for page in pages:
        found = _records_of(text, page, node, keys, len(spans))
        if found is None:
            without_list += 1
            found = [(page.start, page.end)]
        spans += found
    if without_list == len(pages) and (pages or not text.body.strip()):
        raise not_found(text.body, _names(node))
    if depth:
        raise cut_off(text, "after", len(spans))
    return spans


def _tree(paths: KeyPaths) -> Node:
    keys = dict.fromkeys(path[0] for path in paths if path)
    children = {b'"%s"' % key.encode(): _tree(tuple(path[1:] for path in paths if path[:1] == (key,))) for key in keys}
    return Node(() in paths, children)


def _pages(body: bytes, node: Node) -> tuple[list[Page], int]:
    """Return the pages, and the number of brackets around them that are not closed."""
    starts = [*_page_starts(body, node), len(body)]
    pages: list[Page] = []
    at = depth = upcoming = 0
    while (at := _skip_gap(body, at)) < len(body):
        bracket = body[at]
        if bracket == ord("[") or (bracket == ord("]") and depth):
            depth += 1 if bracket == ord("[") else -1
            at += 1
            continue
        while starts[upcoming] <= at:
            upcoming += 1
        page = _page_at(body, at, starts, upcoming)
        if page.end == len(body) and bracket == ord("{") and not page.is_well_formed:
            page, depth = page._replace(depth=depth), 0
        pages.append(page)
        at = page.end
    return pages, depth


def _page_starts(body: bytes, node: Node) -> list[int]:
    """Return where objects begin whose first key leads to the records, or is the first key of the first page."""
    alternatives = {re.escape(key) for key in node.children}
    first = re.match(rb"[\s\[]*\{", body)
    if first and (key := KEY.match(body, first.end())):
        alternatives.add(re.escape(key[1]))
    # Possessive quantifiers read a run of blanks once, not again from each of them: there may be a million.
    begin = rb"(?:\A\s*+|[\[\],}]\s*+|(?<!\s)[^\S\n]*+\n\s*+)(?=\{\s*(?:" + b"|".join(sorted(alternatives)) + rb")\s*:)"
    return [match.end() for match in re.compile(begin).finditer(body)]


def _page_at(body: bytes, at: int, starts: list[int], upcoming: int) -> Page:
    """Return the page that begins at ``at``; one that is not JSON ends where the next one begins."""
    limit = starts[upcoming]
    if body[at] != ord("{"):
        end = end_of_value(body, at, limit) or at + max(1, len(body[at:limit].rstrip(_PAGE_END)))
        return Page(at, end, is_well_formed=False)
    end = at + len(body[at:limit].rstrip(_PAGE_END))
    if syntax(body[at:end]) is None:
        return Page(at, end, is_well_formed=True)
    # A page of another kind may follow, and a sound page may contain what looks like the start of one.
    further = end_of_value(body, at, starts[min(upcoming + NESTED_STARTS, len(starts) - 1)])
    if further is not None and syntax(body[at:further]) is None:
        return Page(at, further, is_well_formed=True)
    return Page(at, end if limit < len(body) else limit, is_well_formed=False)


def _records_of(text: Text, page: Page, node: Node, keys: Collection[str], before: int) -> list[Span] | None:
    """Return the bounds of a page's records; ``None`` for something that has no list of records."""
    part = Text(text.body[page.start : page.end], text.shift, page.start, has_more=page.end < len(text.body))
    is_empty = False
    position = None
    for position in _record_positions(part.body, 0, node, b""):
        if position is not None:
            break
        is_empty = True
    if position is None:
        if part.body.startswith(b"{") and not page.is_well_formed:
            raise _lost_list(part, before)
        return [] if is_empty else None
    around = b"[" * page.depth + position.opening
    if position.is_list:
        spans, close = split_list(part, position.at + 1, around, keys, before)
    else:
        close = _end_of_single(part, position.at, around, before + 1)
        spans = [(position.at, close)]
    rest = position.opening + (b"" if position.is_list else b"null") + part.body[close:]
    if any(_record_positions(rest, 0, node, b"")):
        raise two_lists(_names(node))
    return [(page.start + start, page.start + end) for start, end in spans]


def _record_positions(body: bytes, at: int, node: Node, opening: bytes) -> Iterator[RecordPosition | None]:
    """Yield the positions of records in the object at ``at``, as far as it can be read; ``None`` for an empty one."""
    opening += b"{"
    while key := KEY.match(body, at + 1):
        at = key.end()
        child = node.children.get(key[1])
        if child is not None:
            first = body[at : at + 1]
            if first == b"[" and child.is_end:
                yield RecordPosition(at, opening + b'"":[', is_list=True)
            elif first == b"{" and child.children:
                yield None
                yield from _record_positions(body, at, child, opening + key[1] + b":")
            elif first == b"{":
                yield RecordPosition(at, opening + b'"":', is_list=False)
            elif body.startswith(b"null", at):
                yield None
        end = end_of_value(body, at, len(body))
        if end is None or body[end : end + 1] == b"}":
            return
        at = _skip_gap(body, end) - 1


def _end_of_single(part: Text, at: int, around: bytes, row: int) -> int:
    """Return where a page's only record ends; a broken one ends where the text that follows completes the page."""
    body = part.body
    around += b"null"
    end = end_of_value(body, at, len(body))
    if (
        end is not None
        and syntax(body[at:end]) is None
        and not (part.has_more and syntax(around + body[end:]) == "cut")
    ):
        check_tail(part, end, around, row)
        return end
    if part.has_more or syntax(body[at:]) == "malformed":
        edges = sorted({edge for bracket in _BRACKET.finditer(body, at + 1) for edge in bracket.span()})
        for edge in edges[-2 * LAST_BRACKETS :]:
            if syntax(around + body[edge:]) is None:
                return edge
    raise cut_off(part, "inside", row)


def _lost_list(part: Text, before: int) -> BrokenFileError:
    if syntax(part.body) == "cut":
        return cut_off(part, "after", before)
    where = f"the page at byte {byte_number(part, 0)}, after record {before},"
    return BrokenFileError(f"{where} is damaged before its list of records", EXPORT_AGAIN)


def _names(node: Node, above: str = "") -> tuple[str, ...]:
    """Return the key paths in dotted form, for messages."""
    found = [above] if node.is_end else []
    for key, child in node.children.items():
        found += _names(child, f"{above}.{key.decode()[1:-1]}".removeprefix("."))
    return tuple(found)


def _skip_gap(body: bytes, at: int) -> int:
    gap = _GAP.match(body, at)
    return gap.end() if gap else at
