"""Owns JSON Lines: one record on each line, however long it is.

A line that is no record costs itself alone. So does the last one where the file was cut off inside it: unlike a
document, lines need no end to make sense, and what stands before the cut is loaded. The piece that is left is a
rejected row that says so. (A cut between two lines leaves no trace; in a zip the checksum tells.)

Files that were joined may have blank lines, byte order marks and, where a file did not end in a line feed, two
records on one line; each of these is a record. Pure: bytes in, records and positions out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic

import msgspec

from etl.core.errors import BrokenFileError
from etl.core.schema import RejectReason
from etl.parsers.json_split import UNREADABLE, Span, end_of_value, syntax, to_utf8
from etl.parsers.locate import mapped_fields, place
from etl.parsers.records import BREAKS_OFF, Broken, Record, Records, decode_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from etl.parsers.json_split import Text

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BLANK = b" \t\r\xef\xbb\xbf"  # white space, and byte order marks of files that were joined
_BLANKS = re.compile(rb"[ \t\r\xef\xbb\xbf]*")
_JOINED = re.compile(rb"\}[ \t\r\xef\xbb\xbf]*\{")


@dataclass(frozen=True)
class JsonLines(Generic[Record]):
    """One JSON object on each line."""

    record: type[Record]

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records, of which every field needs a default.

        Raises ``BrokenFileError`` for a file in which each record runs over several lines.
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
        return place(text, _split(text.body), rows, mapped_fields(self.record))

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``."""
        return "".join(f"{record}\n" for record in records).encode()


def _text(data: bytes) -> Text:
    """Return the text of a file; half a UTF-16 character at its end belongs to a line that was cut off."""
    return to_utf8(data[: len(data) // 2 * 2] if data.startswith(_UTF16) else data)


@lru_cache
def _decoder(record: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(record, strict=False)


def _whole(body: bytes, record: type[Record]) -> list[Record] | None:
    """Decode all records in one go; ``None`` where one is broken, or not each line is a record.

    The decoder reads JSON values whatever stands between them, so the lines are counted.
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
    """Yield the bounds of the lines that are not blank, without the blanks around them."""
    start = 0
    while start < len(body):
        feed = body.find(b"\n", start)
        end = feed if feed >= 0 else len(body)
        line = body[start:end].rstrip(_BLANK)
        if first := line.lstrip(_BLANK):
            yield start + len(line) - len(first), start + len(line)
        start = end + 1


def _values(body: bytes, start: int, end: int) -> Iterator[Span]:
    """Yield the bounds of the JSON values on a line; what is left where they end is one more."""
    while _JOINED.search(body, start, end):
        stop = end_of_value(body, start, end)
        if stop is None or syntax(body[start:stop]) is not None:
            break
        yield start, stop
        gap = _BLANKS.match(body, stop, end)
        start = gap.end() if gap else stop
    if start < end:
        yield start, end
