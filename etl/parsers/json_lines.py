"""Reads JSON Lines: one record per line, of any length.

A line that is not a record is rejected, and affects no other. So is the last line of a file that was cut off inside
it: the lines before it are complete, and are loaded. (A cut between two lines cannot be seen, except in a zip, which
has a checksum.)

Files that were joined may have blank lines, byte order marks and, if a file did not end with a line feed, two records
on one line; all of this is read. Pure: bytes in, records and positions out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic

import msgspec

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.parsers.decoders import json_decoder
from etl.parsers.json_split import UNREADABLE, end_of_value, syntax
from etl.parsers.locate import locate_rows, mapped_fields
from etl.parsers.records import BREAKS_OFF, Broken, Record, Records, decode_pieces
from etl.parsers.utf8 import UTF16_MARKS, Span, Text, to_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

_BLANK = b" \t\r\xef\xbb\xbf"  # white space, and byte order marks of files that were joined
_BLANKS = re.compile(rb"[ \t\r\xef\xbb\xbf]*")
_JOINED = re.compile(rb"\}[ \t\r\xef\xbb\xbf]*\{")


class JsonLines(msgspec.Struct, Generic[Record], frozen=True):
    """One JSON object per line."""

    record: type[Record]

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records; every field of ``record`` needs a default.

        Raises ``BrokenFileError`` for a file in which each record takes several lines.
        """
        text = _text(data)
        rows = _whole(text.body, self.record)
        if rows is not None:
            return Records(rows, {})
        spans = _split(text.body)
        records = decode_pieces(text, spans, self.record)
        if len(records.broken) == len(spans) > 1 and text.body[slice(*spans[0])] == b"{":
            raise BrokenFileError(
                "its records run over several lines", "Write each of them on a line of its own, as jq -c does"
            )
        last = records.broken.get(len(spans))
        if last is not None and last.detail == BREAKS_OFF and not text.body.endswith(b"\n"):
            where = f"the file ends at byte {len(data)}, inside this record: it was cut off"
            records.broken[len(spans)] = Broken(RejectReason.MALFORMED, where)
        return records

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        text = _text(data)
        return locate_rows(text, _split(text.body), rows, mapped_fields(self.record))

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``."""
        return "".join(f"{record}\n" for record in records).encode()


def _text(data: bytes) -> Text:
    """Return the text of a file, without half a UTF-16 character at its end, where the last line was cut off."""
    return to_utf8(data[: len(data) // 2 * 2] if data.startswith(UTF16_MARKS) else data)


@lru_cache
def _decoder(record: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return json_decoder(record)


def _whole(body: bytes, record: type[Record]) -> list[Record] | None:
    """Decode all records at once; ``None`` if one is broken, or if lines and records are not the same.

    The decoder takes any white space between JSON values, so the lines are counted.
    """
    lines = body.count(b"\n") + (not body.endswith(b"\n") and body != b"")
    if body.count(b"\n{") + body.startswith(b"{") != lines:
        return None
    try:
        rows: list[Record] = _decoder(record).decode_lines(body)
    except UNREADABLE:
        return None
    return rows if len(rows) == lines else None


def _split(body: bytes) -> list[Span]:
    """Return the bounds of the records in ``body``."""
    return [span for line in _lines(body) for span in _values(body, *line)]


def _lines(body: bytes) -> Iterator[Span]:
    """Yield the bounds of the lines that are not blank, without surrounding blanks."""
    start = 0
    while start < len(body):
        feed = body.find(b"\n", start)
        end = feed if feed >= 0 else len(body)
        line = body[start:end].rstrip(_BLANK)
        if first := line.lstrip(_BLANK):
            yield start + len(line) - len(first), start + len(line)
        start = end + 1


def _values(body: bytes, start: int, end: int) -> Iterator[Span]:
    """Yield the bounds of the JSON values on a line, and of what remains after them."""
    while _JOINED.search(body, start, end):
        stop = end_of_value(body, start, end)
        if stop is None or syntax(body[start:stop]) is not None:
            break
        yield start, stop
        gap = _BLANKS.match(body, stop, end)
        start = gap.end() if gap else stop
    if start < end:
        yield start, end
