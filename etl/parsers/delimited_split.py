"""Splits delimited text into records and a record into its fields, so that a broken record affects no other.

A record is a line. A line ends at a line feed (and the carriage returns before it) only, because names hold other
characters that are line ends elsewhere. A quoted field may contain line ends. Then the record has several lines, of
which only the first may be a complete record on its own. Any other line is a broken record, and the next record starts
on the next line: a quote that is never closed breaks only its own line. A quote inside a field that does not begin
with one is an ordinary character. Blank lines and comments are ignored. Pure: text in, positions and fields out.
"""

from __future__ import annotations

import csv
import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DELIMITERS = ",;\t"
MOST_LINES = 50  # the most lines of one record

_OPEN = re.compile(r'"[^"]*(?:""[^"]*)*\Z')
_NOT_CLOSED = "a quote is not closed"


class Dialect(msgspec.Struct, frozen=True):
    """How the lines of a file are written."""

    names: tuple[str | None, ...]
    """Our names of the columns, from left to right; ``None`` for a column that is not read."""
    delimiter: str = ","
    quoting: bool = True
    """Whether a field may be in quotes (RFC 4180). If not, a quote is an ordinary character."""
    at_least: int | None = None
    """The least number of columns in a record, if the last ones may be missing."""
    comment: re.Pattern[str] | None = None
    """Matches the beginning of a line that is a comment of the program that wrote the file, not a record."""

    @property
    def width(self) -> str:
        """The number of columns in a record, for messages."""
        most = str(len(self.names))
        return most if self.at_least is None else f"{self.at_least} to {most}"

    def fits(self, count: int) -> bool:
        """Say whether a record may have ``count`` fields."""
        return (self.at_least or len(self.names)) <= count <= len(self.names)

    def is_comment(self, line: str) -> bool:
        """Say whether a line is a comment, and so not a record."""
        return self.comment is not None and self.comment.match(line) is not None


class Piece(NamedTuple):
    """A record and its bounds in the text. A broken one has no fields, and ``problem`` says why."""

    start: int
    end: int
    fields: list[str] | None
    problem: str = ""


def whole_table(text: str, dialect: Dialect) -> list[list[str]] | None:
    """Return the records of a sound text with one record per line; ``None`` for any other text."""
    reader = csv.reader(
        io.StringIO(text, newline="\n"),
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_MINIMAL if dialect.quoting else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        rows = list(reader)
    except csv.Error:
        return None
    if reader.line_num != len(rows):
        return None
    rows = [row for row in rows if row and not dialect.is_comment(row[0])]
    return rows if all(map(dialect.fits, set(map(len, rows)))) else None


def split_table(text: str, at: int, dialect: Dialect) -> Iterator[Piece]:
    """Yield the records of any text from position ``at`` on."""
    lines = list(_lines(text, at))
    number = 0
    while number < len(lines):
        start, end = lines[number]
        number += 1
        if is_blank(text[start:end]) or dialect.is_comment(text[start:end]):
            continue
        fields, problem = cut(text[start:end], dialect)
        if problem == _NOT_CLOSED:
            further = _join(text, lines[number - 1 : number - 1 + MOST_LINES], dialect)
            if further is not None:
                number += further.lines
                yield further.piece
                continue
        if fields is not None and not dialect.fits(len(fields)):
            problem = f"{len(fields)} fields instead of {dialect.width}"
        yield Piece(start, end, fields if not problem else None, problem)


def is_blank(line: str) -> bool:
    """Say whether a line is blank, and so not a record."""
    return not line.strip(" \r")


def cut(record: str, dialect: Dialect, *, strict: bool = False) -> tuple[list[str] | None, str]:
    """Return the fields of a record, whatever their number; or ``None`` and what is wrong with it.

    ``strict`` forbids quotes in a field that does not begin with one.
    """
    if not dialect.quoting or '"' not in record:
        return record.split(dialect.delimiter), ""
    field = _field(dialect.delimiter, strict=strict)
    fields: list[str] = []
    at = 0
    while found := field.match(record, at):
        quoted = found[1]
        fields.append((found[2] or "") if quoted is None else quoted.replace('""', '"'))
        if not found[3]:
            return fields, ""
        at = found.end()
    return None, _NOT_CLOSED if _OPEN.match(record, at) else f"field {len(fields) + 1} goes on after its closing quote"


@lru_cache
def _field(delimiter: str, *, strict: bool) -> re.Pattern[str]:
    others = rf'[^"\n{delimiter}]' if strict else rf"[^\n{delimiter}]"
    return re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^"\n{delimiter}]{others}*)?)({delimiter}|\Z)')


def _lines(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of the lines, without their ends."""
    while at < len(text):
        feed = text.find("\n", at)
        stop = feed if feed >= 0 else len(text)
        end = stop
        while end > at and text[end - 1] == "\r":
            end -= 1
        yield at, end
        at = stop + 1


class _Joined(NamedTuple):
    piece: Piece
    lines: int
    """How many lines the record has after the first."""


def _join(text: str, lines: Sequence[tuple[int, int]], dialect: Dialect) -> _Joined | None:
    """Return the record that begins on the first of ``lines``, which ends inside quotes, and ends on a later line."""
    start = lines[0][0]
    for further, (begin, end) in enumerate(lines[1:], start=1):
        line = text[begin:end]
        if _reads_alone(line, dialect):
            return None
        if '"' in line:
            fields, problem = cut(text[start:end], dialect)
            if fields is not None and dialect.fits(len(fields)):
                return _Joined(Piece(start, end, fields), further)
            if problem != _NOT_CLOSED:
                return None
    return None


def _reads_alone(line: str, dialect: Dialect) -> bool:
    fields, _ = cut(line, dialect, strict=True)
    return fields is not None and dialect.fits(len(fields))


def split_header(line: str) -> tuple[list[str], str]:
    """Return the cells of a header, and its delimiter: the most frequent one of ``DELIMITERS``."""
    delimiter = max(DELIMITERS, key=line.count)
    fields, _ = cut(line, Dialect((), delimiter))
    return fields if fields is not None else line.split(delimiter), delimiter
