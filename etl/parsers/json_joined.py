"""Reads a JSON list, or several that a user has joined or wrapped with ``cat``, ``jq -s`` or a script.

It reads lists one after the other, a list of lists, objects one after the other (JSON Lines, or a single object), and
an object that holds a list under any key. Row numbers continue across lists. A plain list is read as by ``JsonList``,
and as fast.

The records of a joined file are found by their brackets. In a damaged part they are found as in ``json_split``: a
record begins with one of the keys that records have. Pure: bytes in, records and positions out.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from etl.core.errors import BrokenFileError
from etl.parsers.base import JsonList
from etl.parsers.json_split import KEY, NESTED_STARTS, RecordStarts, end_of_value, not_found, split, syntax
from etl.parsers.locate import locate_rows, mapped_fields
from etl.parsers.records import Record, Records, decode_pieces, decode_whole
from etl.parsers.utf8 import byte_number, cut_off, to_utf8

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl

    from etl.parsers.utf8 import Span, Text

# White space, commas, and byte order marks of files that were joined.
_GAP = re.compile(rb"(?:[\s,]|\xef\xbb\xbf)*")
_NO_PLAIN_START = re.compile(rb"\s*(?:\{|\[\s*\[)")
_JOINT = re.compile(rb"\](?:\s|\xef\xbb\xbf)*\[\s*[\]{]")  # begins with a literal: the search can skip, which is faster
_CLOSING = {b"[": b"]", b"{": b"}"}
_NO_RECORD = b", \t\r\n[]\xef\xbb\xbf"
_STRUCTURE = re.compile(rb"(?:[\s,\[\]{}]|\xef\xbb\xbf)*")


class JsonJoined(JsonList[Record], frozen=True):
    """A list of JSON objects, or several of them in one file."""

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records. Raises ``BrokenFileError`` as ``read_records`` does."""
        text = to_utf8(data)
        rows = decode_whole(text.body, (), self.record)
        if rows is not None:
            return Records(rows, {})
        return decode_pieces(text, self._spans(text), self.record)

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        text = to_utf8(data)
        return locate_rows(text, self._spans(text), rows, mapped_fields(self.record))

    def _spans(self, text: Text) -> list[Span]:
        keys = mapped_fields(self.record)
        is_joined = _NO_PLAIN_START.match(text.body) or _JOINT.search(text.body)
        return split_joined(text, keys) if is_joined else split(text, (), keys)


def split_joined(text: Text, keys: Collection[str]) -> list[Span]:
    """Return the bounds in ``text.body`` of the records of all lists, in their order.

    Raises ``BrokenFileError`` if there is no list and no record, if the file was cut off, or if something else is
    between the lists.
    """
    body = text.body
    names = {b'"%s"' % key.encode() for key in keys}
    spans: list[Span] = []
    open_brackets: list[bytes] = []
    starts = RecordStarts(body, 0, keys, lines=True)
    at, has_list = _skip(body, 0), False
    while at < len(body):
        sign = body[at : at + 1]
        kind = _kind_of_object(body, at, names) if sign == b"{" else None
        if open_brackets and sign == _CLOSING[open_brackets[-1]]:
            open_brackets.pop()
            at += 1
        elif sign == b"[" or kind is _Object.WRAPPER:
            if kind and spans and _has_taken_brackets(body, spans[-1], at, open_brackets, starts):
                break
            open_brackets.append(sign)
            has_list = has_list or sign == b"["
            at += 1
        elif open_brackets[-1:] == [b"{"]:
            at = _after_key(text, at, len(spans))
        elif kind is _Object.RECORD or (open_brackets and sign not in b"]}"):
            end = end_of_value(body, at, len(body))
            if end is None or syntax(body[at:end]) is not None:
                return [*spans, *_split_by_keys(text, at, keys, names, open_brackets, len(spans))]
            spans.append((at, end))
            at = end
        else:
            raise _unexpected(text, at, len(spans)) if spans or has_list else not_found(body, ())
        at = _skip(body, at)
    if spans and _has_taken_brackets(body, spans[-1], at, open_brackets, starts):
        *spans, (broken, _) = spans
        return [*spans, *_split_by_keys(text, broken, keys, names, open_brackets, len(spans))]
    if open_brackets:
        raise cut_off(text, "after", len(spans))
    if not (spans or has_list):
        raise not_found(body, ())
    return spans


def _has_taken_brackets(
    body: bytes, record: Span, at: int, open_brackets: Sequence[bytes], starts: RecordStarts
) -> bool:
    """Say whether a record that looks sound was cut inside a list, and ends with the brackets of its wrapper.

    Then it holds the records after it, and the end of the file or another wrapper follows: its place is ``at``.
    """
    begin, end = record
    if b"{" not in open_brackets or _skip(body, end) != at:
        return False
    inner = starts.after(begin)
    while inner < end and _sign_before(body, inner) != b",":
        inner = starts.after(inner)
    return inner < end


def _sign_before(body: bytes, at: int) -> bytes:
    at -= 1
    while body[at : at + 1].isspace():
        at -= 1
    return body[at : at + 1]


def _split_by_keys(
    text: Text,
    at: int,
    keys: Collection[str],
    names: Collection[bytes],
    open_brackets: Sequence[bytes],
    before: int,
) -> list[Span]:
    """Return the bounds of the broken record at ``at`` and of those after it; ``before`` counts the ones before it.

    From a broken record on, brackets cannot be trusted: a record begins with one of ``keys``.
    """
    body = text.body
    starts = RecordStarts(body, at, keys, lines=True)
    spans: list[Span] = []
    while at < len(body):
        limit = starts.after(at)
        end = _end_of_sound(body, at, starts)
        if end is not None and limit < end and _is_wrapper_or_end(body, following := _skip(body, end), names):
            end = None if _has_taken_brackets(body, (at, end), following, open_brackets, starts) else end
        if end is None:
            if limit == len(body) and syntax(body[at:]) == "cut":
                raise cut_off(text, "inside", before + len(spans) + 1)
            end = at + max(1, len(body[at:limit].rstrip(_NO_RECORD)))
        elif end > limit:
            limit = starts.after(end - 1)
        spans.append((at, end))
        at = limit if _is_structure(body, end, limit, names) else _skip(body, end)
    if body.rstrip()[-1:] not in (b"]", b"}"):
        raise cut_off(text, "after", before + len(spans))
    return spans


def _is_wrapper_or_end(body: bytes, at: int, names: Collection[bytes]) -> bool:
    return at == len(body) or (body[at : at + 1] == b"{" and _kind_of_object(body, at, names) is _Object.WRAPPER)


def _is_structure(body: bytes, at: int, limit: int, names: Collection[bytes]) -> bool:
    """Say whether there are only brackets between two records, and the other keys of a wrapper."""
    while (gap := _STRUCTURE.match(body, at, limit)) and gap.end() < limit:
        key = KEY.match(body, gap.end(), limit)
        if key is None or key[1] in names:
            return False
        is_list = body[key.end() : key.end() + 1] == b"["
        end = key.end() if is_list else end_of_value(body, key.end(), limit)
        if end is None:
            return False
        at = end
    return True


def _end_of_sound(body: bytes, at: int, starts: RecordStarts) -> int | None:
    """Return where the value at ``at`` ends; ``None`` if it is broken."""
    further = starts.after(at)
    for _ in range(NESTED_STARTS):
        further = starts.after(further)
    end = end_of_value(body, at, further)
    return end if end is not None and syntax(body[at:end]) is None else None


class _Object(Enum):
    """What kind of object is found between brackets."""

    RECORD = auto()
    WRAPPER = auto()
    """It holds a list of records, or several."""
    OTHER = auto()


def _kind_of_object(body: bytes, at: int, names: Collection[bytes]) -> _Object:
    """Say what the object at ``at`` is by its keys: a record has one of ``names``, a wrapper a list before any."""
    at += 1
    while key := KEY.match(body, at):
        if key[1] in names:
            return _Object.RECORD
        if body[key.end() : key.end() + 1] == b"[":
            return _Object.WRAPPER
        end = end_of_value(body, key.end(), len(body))
        if end is None:
            break
        at = _skip(body, end)
    return _Object.OTHER if body[at : at + 1] == b"}" else _Object.RECORD


def _after_key(text: Text, at: int, records: int) -> int:
    """Return where a list in a wrapper begins, or where another value of it ends; a key is at ``at``."""
    key = KEY.match(text.body, at)
    if key is None:
        raise _unexpected(text, at, records)
    if text.body[key.end() : key.end() + 1] == b"[":
        return key.end()
    end = end_of_value(text.body, key.end(), len(text.body))
    if end is None:
        raise cut_off(text, "after", records)
    return end


def _skip(body: bytes, at: int) -> int:
    gap = _GAP.match(body, at)
    return gap.end() if gap else at


def _unexpected(text: Text, at: int, records: int) -> BrokenFileError:
    return BrokenFileError(
        f"something other than a list follows record {records}, at byte {byte_number(text, at)}",
        "Not all files that were joined to this one are exports: give them one by one",
    )
