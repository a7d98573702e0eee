"""Splits the list of a JSON document into records without parsing them, so that a broken record affects no other.

In damaged JSON brackets cannot be trusted. There, text like ``, {"ts":`` begins a record: an object whose first key is
one that records have. So the next record is found even if the one before it has lost a quote or a bracket. (If a
broken record held an array of such objects, each of them would count as a record; no format has one.)
Pure: bytes in, positions out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import BrokenFileError
from etl.parsers.utf8 import Span, Text, byte_number, cut_off

if TYPE_CHECKING:
    from collections.abc import Collection

NESTED_STARTS = 16  # a sound record may hold this many objects that look like the start of a record
LAST_BRACKETS = 64  # of the last brackets in a file, this many are tried as the end of a broken last record

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*(?:' + _STRING + rb'[^"{}\[\]]*)*', re.DOTALL)
_SCALAR = re.compile(_STRING + rb'|[^\s,\[\]{}"]+', re.DOTALL)
KEY = re.compile(rb"\s*(" + _STRING + rb")\s*:\s*", re.DOTALL)
_FIRST_KEY = re.compile(rb"\s*\{\s*(" + _STRING + rb")\s*:", re.DOTALL)
_SPACE = re.compile(rb"\s*")
_SEPARATOR_BYTES = b", \t\r\n"
_SEPARATORS = re.compile(rb"[\s,]*")
_BOUNDARY = re.compile(rb"\s*[,\]{]")
_ANOTHER = re.compile(rb"\]\s*\}?\s*[\[{]")  # another document after the end of this one


def split(text: Text, path: tuple[str, ...], keys: Collection[str]) -> list[Span]:
    """Split the list under ``path`` into records, without parsing them. Returns their bounds in ``text.body``.

    The result is exact for a well-formed document. In any other, a record ends at the latest where the next one
    starts, which begins with one of ``keys``. Blanks between two commas are not a record. Raises ``BrokenFileError``
    as ``read_records`` does.
    """
    opening = b'{"":[' if path else b"["
    spans, close = split_list(text, _open_list(text.body, path), opening, keys)
    rest = (opening + text.body[close:]).decode("utf-8", "replace")  # a key may hold anything
    if path and not msgspec.json.decode(rest, type=dict[str, msgspec.Raw]).keys().isdisjoint(path):
        raise two_lists(path)
    return spans


def split_list(text: Text, at: int, opening: bytes, keys: Collection[str], before: int = 0) -> tuple[list[Span], int]:
    """Split the list whose first record is at ``at``. Returns the bounds of its records and where it closes.

    ``opening`` followed by the text from there on is the document without its records. ``before`` counts the records
    before these, for messages. Raises ``BrokenFileError`` as ``read_records`` does.
    """
    body = text.body
    starts = RecordStarts(body, at, keys)
    is_json = syntax(body) is None
    spans: list[Span] = []
    while True:
        at = _end(_SEPARATORS, body, at)
        limit = starts.after(at)
        if limit < len(body):
            piece = body[at:limit].rstrip(_SEPARATOR_BYTES)
            if syntax(piece) is None:  # most records are sound, even in a broken file
                spans.append((at, at + len(piece)))
                at = limit
                continue
        if is_json:
            limit = len(body)
        if at == len(body) or (body[at] == ord("]") and _ends_here(body, at, opening, limit)):
            check_tail(text, at, opening, before + len(spans))
            return spans, at
        end = _end_of_record(text, at, limit, starts, opening, before + len(spans))
        spans.append((at, at + len(body[at:end].rstrip(_SEPARATOR_BYTES))))
        at = end


def _end_of_record(text: Text, at: int, limit: int, starts: RecordStarts, opening: bytes, before: int) -> int:
    """Return where the record at ``at`` ends: at ``limit``, where the next one starts, or before; or later if sound."""
    body = text.body
    end = end_of_value(body, at, limit)
    if end is None and limit < len(body):  # an object inside a sound record may look like the start of one
        further = limit
        for _ in range(NESTED_STARTS):
            further = starts.after(further)
        end = end_of_value(body, at, further)
        end = end if end is not None and syntax(body[at:end]) is None else None
    if end is None or not _BOUNDARY.match(body, end):
        return limit if limit < len(body) else _end_of_last(text, at, opening, before + 1)
    if limit == len(body) and body[at : at + 1] == b"{" and body[end - 1 : end] == b"]":
        return _close_behind(body, at, opening) or end  # it may have lost its brace and taken the list's bracket
    return end


class RecordStarts:
    """Finds where records start: objects after a comma or bracket whose first key is one of ``keys``.

    The first key of the first record counts, too. With ``lines``, an object that begins a line is one as well.
    """

    def __init__(self, body: bytes, at: int, keys: Collection[str], *, lines: bool = False) -> None:
        self._lines = lines
        alternatives = {b'"%s"' % re.escape(key.encode()) for key in keys}
        if first := _FIRST_KEY.match(body, at):
            alternatives.add(re.escape(first[1]))
        self._begin = re.compile(rb"\{\s*(?:" + b"|".join(sorted(alternatives)) + rb")\s*:")
        self._body = body
        self._none_between = (0, 0)

    def after(self, at: int) -> int:
        """Return the first start after ``at``, or the end of the body if there is none."""
        since, found = self._none_between
        if not since <= at < found:
            match = self._begin.search(self._body, at + 1)
            while match and not self._is_between_records(match.start()):
                match = self._begin.search(self._body, match.start() + 1)
            found = match.start() if match else len(self._body)
            self._none_between = (at, found)
        return found

    def _is_between_records(self, at: int) -> bool:
        """Say whether a comma or bracket precedes ``at``: a pattern that begins with it takes ten times as long."""
        at -= 1
        if self._lines and self._body[at : at + 1] == b"\n":
            return True
        while self._body[at : at + 1].isspace():
            at -= 1
        return self._body[at : at + 1] in (b"[", b",", b"}")


def _open_list(body: bytes, path: tuple[str, ...]) -> int:
    """Return the position after the bracket that opens the list."""
    at = _end(_SPACE, body, 0)
    if body[at : at + 1] != (b"{" if path else b"["):
        raise not_found(body, path)
    at += 1
    wanted = {b'"%s"' % key.encode() for key in path}
    while path:
        key = KEY.match(body, at)
        if key is None:
            raise not_found(body, path)
        if key[1] in wanted and body[key.end() : key.end() + 1] == b"[":
            return key.end() + 1
        end = end_of_value(body, key.end(), len(body))
        if end is None:
            raise not_found(body, path)
        at = _end(_SEPARATORS, body, end)
    return at


def end_of_value(body: bytes, at: int, limit: int) -> int | None:
    """Return where the value at ``at`` ends, by its brackets outside strings; ``None`` if not before ``limit``."""
    if body[at : at + 1] not in (b"{", b"["):
        scalar = _SCALAR.match(body, at, limit)
        return scalar.end() if scalar else None
    depth = 0
    while True:
        at = _end(_TO_BRACKET, body, at, limit)
        if at == limit or body[at] == ord('"'):
            return None
        depth += 1 if body[at] in b"{[" else -1
        at += 1
        if depth == 0:
            return at


def _end_of_last(text: Text, at: int, opening: bytes, row: int) -> int:
    """Return where the unclosed last record ends: at the list's own bracket, if the file has it.

    A record that is malformed before its end is broken. One that is well-formed up to the end of the file was cut off,
    perhaps with others, so the file is refused; up to the end of a page that others follow, it is broken: a list inside
    it has taken the brackets of the page.
    """
    problem = syntax(text.body[at:])
    close = _close_behind(text.body, at, opening)
    if close is not None and (problem == "malformed" or text.has_more):
        return close
    raise cut_off(text, "after" if problem is None else "inside", row)


def _close_behind(body: bytes, at: int, opening: bytes) -> int | None:
    """Return the first bracket after the last record that can close the list, as the text from it on shows."""
    brackets = [at + bracket.start() for bracket in re.finditer(rb"\]", body[at:])]
    return next((close for close in brackets[-LAST_BRACKETS:] if _tail_problem(body, close, opening) is None), None)


def _ends_here(body: bytes, at: int, opening: bytes, limit: int) -> bool:
    """Say whether the bracket at ``at`` ends the list. If more records follow, it belongs to a broken record."""
    return limit == len(body) or _ANOTHER.match(body, at) is not None or _tail_problem(body, at, opening) is None


def check_tail(text: Text, at: int, opening: bytes, records: int) -> None:
    """Raise ``BrokenFileError`` unless only the rest of its document follows the list, which ends at ``at``."""
    problem = _tail_problem(text.body, at, opening)
    if problem == "cut":
        raise cut_off(text, "after", records)
    if problem == "malformed":
        raise BrokenFileError(
            f"something follows the end of the list, at byte {byte_number(text, at + 1)} after record {records}",
            "Two files may have been joined, or one was damaged: export it again",
        )


def _tail_problem(body: bytes, at: int, opening: bytes) -> str | None:
    return "cut" if at >= len(body) else syntax(opening + body[at:])


def syntax(document: bytes) -> str | None:
    """Return ``None`` for well-formed JSON, "cut" for JSON that was cut off, "malformed" for anything else."""
    try:
        msgspec.json.decode(document, type=msgspec.Raw)
    except UNREADABLE as error:
        return "cut" if "truncated" in str(error) or isinstance(error, RecursionError) else "malformed"
    return None


def _end(pattern: re.Pattern[bytes], body: bytes, at: int, limit: int | None = None) -> int:
    """Return the end of the match of ``pattern`` at ``at``; it matches everywhere, if only the empty string."""
    match = pattern.match(body, at, len(body) if limit is None else limit)
    return match.end() if match else at


def not_found(body: bytes, path: tuple[str, ...]) -> BrokenFileError:
    """Return the error for a document without the list."""
    where = "under " + " or ".join(f'"{key}"' for key in path) if path else "at the top of the file"
    what = f"there is no list of records {where}" if body.strip() else "the file is empty"
    return BrokenFileError(what, "It may be another file under this name, or one that was cut off: export it again")


def two_lists(path: tuple[str, ...]) -> BrokenFileError:
    """Return the error for a document with several of the lists, of which only one would be read."""
    names = " and ".join(f'"{key}"' for key in path)
    return BrokenFileError(f"the file holds more than one of the lists {names}", "Put each into a file of its own")
