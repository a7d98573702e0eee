"""Owns the cutting of a JSON document's list into records, without parsing them, so that one in trouble stays alone.

Where the brackets do not tell, text like ``, {"ts":`` does: an object that begins with one of a record's own keys
begins a record, even where the one before it has lost a quote or a bracket. (Inside a broken record that has an array
of such objects, each of them would count; no format has.) Pure: bytes in, positions out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from etl.errors import BrokenFileError

if TYPE_CHECKING:
    from collections.abc import Collection

Span = tuple[int, int]

NESTED_STARTS = 16  # how many objects that look like a record's start a sound record may hold

EXPORT_AGAIN = "The download or copy was interrupted: export it again"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*(?:' + _STRING + rb'[^"{}\[\]]*)*', re.DOTALL)
_SCALAR = re.compile(_STRING + rb'|[^\s,\[\]{}"]+', re.DOTALL)
_KEY = re.compile(rb"\s*(" + _STRING + rb")\s*:\s*", re.DOTALL)
_FIRST_KEY = re.compile(rb"\s*\{\s*(" + _STRING + rb")\s*:", re.DOTALL)
_SPACE = re.compile(rb"\s*")
_SEPARATORS = re.compile(rb"[\s,]*")
_BOUNDARY = re.compile(rb"\s*[,\]{]")
_ANOTHER = re.compile(rb"\]\s*\}?\s*[\[{]")  # another document behind the end of this one


class Text(NamedTuple):
    """A document as UTF-8, and what to add to a position in it to get one in the file (``None``: no such number)."""

    body: bytes
    shift: int | None


def to_utf8(data: bytes) -> Text:
    """Take a byte order mark off ``data`` and turn UTF-16 into UTF-8.

    Half a surrogate pair in UTF-16 becomes bytes that are not UTF-8, and so the trouble of its own record alone.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        return Text(data[3:], 3)
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Text(data, 0)
    try:
        return Text(data.decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass"), None)
    except UnicodeDecodeError as error:
        raise BrokenFileError("the file ends in the middle of a UTF-16 character", EXPORT_AGAIN) from error


def split(text: Text, path: tuple[str, ...], keys: Collection[str]) -> list[Span]:
    """Cut the list that ``path`` names into records: their bounds in ``text.body``, without parsing them.

    Exact on a well-formed document. Elsewhere a record ends at the latest where the next one, which begins with one
    of ``keys``, starts. Blank places between commas are no records. Raises as ``read_records``.
    """
    body = text.body
    at = _open_list(body, path)
    starts = [len(body)] if _syntax(body) is None else [*_record_starts(body, at, keys), len(body)]
    spans: list[Span] = []
    upcoming = 0
    while True:
        at = _end(_SEPARATORS, body, at)
        while starts[upcoming] <= at < len(body):
            upcoming += 1
        limit = starts[upcoming]
        if at == len(body) or (body[at] == ord("]") and _ends_here(body, at, path, limit)):
            _check_tail(text, at, path, len(spans))
            return spans
        end = _end_of_value(body, at, limit)
        if end is None and limit < len(body):  # an object inside a sound record may look like the start of one
            end = _end_of_value(body, at, starts[min(upcoming + NESTED_STARTS, len(starts) - 1)])
            end = end if end is not None and _syntax(body[at:end]) is None else None
        if end is None or not _BOUNDARY.match(body, end):
            end = limit if limit < len(body) else _end_of_last(text, at, path, len(spans) + 1)
        spans.append((at, at + len(body[at:end].rstrip(b", \t\r\n"))))
        at = end


def _open_list(body: bytes, path: tuple[str, ...]) -> int:
    """Return the position behind the bracket that opens the list."""
    at = _end(_SPACE, body, 0)
    if body[at : at + 1] != (b"{" if path else b"["):
        raise not_found(body, path)
    at += 1
    wanted = {b'"%s"' % key.encode() for key in path}
    while path:
        key = _KEY.match(body, at)
        if key is None:
            raise not_found(body, path)
        if key[1] in wanted and body[key.end() : key.end() + 1] == b"[":
            return key.end() + 1
        end = _end_of_value(body, key.end(), len(body))
        if end is None:
            raise not_found(body, path)
        at = _end(_SEPARATORS, body, end)
    return at


def _record_starts(body: bytes, at: int, keys: Collection[str]) -> list[int]:
    """Return where objects begin, behind a comma or bracket, with one of ``keys`` or the first record's first key."""
    alternatives = {b'"%s"' % re.escape(key.encode()) for key in keys}
    if first := _FIRST_KEY.match(body, at):
        alternatives.add(re.escape(first[1]))
    begin = rb"[\[,}]\s*(?=\{\s*(?:" + b"|".join(sorted(alternatives)) + rb")\s*:)"
    return [match.end() for match in re.compile(begin).finditer(body, at - 1)]


def _end_of_value(body: bytes, at: int, limit: int) -> int | None:
    """Return where the value at ``at`` ends, counting brackets outside strings; ``None`` if not before ``limit``."""
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


def _end_of_last(text: Text, at: int, path: tuple[str, ...], row: int) -> int:
    """Return where the last record, which does not close, ends: at the list's own bracket, if the file has it.

    A record that is wrong before its end is broken; one that is right as far as it goes was cut off, and with it
    perhaps others, so the file is refused.
    """
    close = text.body.rfind(b"]", at)
    if close >= 0 and _tail_trouble(text.body, close, path) is None and _syntax(text.body[at:]) != "cut":
        return close
    where = "after" if _syntax(text.body[at:]) is None else "inside"
    raise BrokenFileError(f"the file ends at byte {_size(text)} {where} record {row}", EXPORT_AGAIN)


def _ends_here(body: bytes, at: int, path: tuple[str, ...], limit: int) -> bool:
    """Say whether the bracket at ``at`` ends the list; one between records, with more to come, is part of a wreck."""
    return limit == len(body) or _ANOTHER.match(body, at) is not None or _tail_trouble(body, at, path) is None


def _check_tail(text: Text, at: int, path: tuple[str, ...], records: int) -> None:
    """Raise unless the list ends at ``at`` and nothing but the rest of its document follows."""
    trouble = _tail_trouble(text.body, at, path)
    if trouble == "cut":
        raise BrokenFileError(f"the file ends at byte {_size(text)} after record {records}", EXPORT_AGAIN)
    if trouble == "malformed":
        raise BrokenFileError(
            f"something follows the end of the list, at byte {at + 1 + (text.shift or 0)} after record {records}",
            "Two files may have been joined, or one was damaged: export it again",
        )


def _tail_trouble(body: bytes, at: int, path: tuple[str, ...]) -> str | None:
    if at >= len(body):
        return "cut"
    if not path:
        return "malformed" if body[at + 1 :].strip() else None
    rest = b'{"":[' + body[at:]
    trouble = _syntax(rest)
    if trouble is None and not msgspec.json.decode(rest, type=dict[str, msgspec.Raw]).keys().isdisjoint(path):
        raise two_lists(path)
    return trouble


def _syntax(document: bytes) -> str | None:
    """Return ``None`` for JSON, "cut" for JSON that breaks off, "malformed" for anything else."""
    try:
        msgspec.json.decode(document, type=msgspec.Raw)
    except UNREADABLE as error:
        return "cut" if "truncated" in str(error) or isinstance(error, RecursionError) else "malformed"
    return None


def _end(pattern: re.Pattern[bytes], body: bytes, at: int, limit: int | None = None) -> int:
    """Return where ``pattern``, which matches anywhere, stops matching."""
    match = pattern.match(body, at, len(body) if limit is None else limit)
    return match.end() if match else at


def _size(text: Text) -> int:
    return len(text.body) + (text.shift or 0)


def not_found(body: bytes, path: tuple[str, ...]) -> BrokenFileError:
    """Return the error for a document that does not hold the list."""
    place = "under " + " or ".join(f'"{key}"' for key in path) if path else "at the top of the file"
    what = f"there is no list of records {place}" if body.strip() else "the file is empty"
    return BrokenFileError(what, "It may be another file under this name, or one that was cut off: export it again")


def two_lists(path: tuple[str, ...]) -> BrokenFileError:
    """Return the error for a document that holds several of the lists, of which only one would be read."""
    names = " and ".join(f'"{key}"' for key in path)
    return BrokenFileError(f"the file holds more than one of the lists {names}", "Put each into a file of its own")
