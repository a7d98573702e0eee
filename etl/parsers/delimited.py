"""Reads delimited text, such as CSV: decodes its records, finds them again, writes a file of them.

A sound file with one record per line is read at once. Any other is split line by line, which tells the broken records;
``etl.parsers.delimited_split`` has the rules.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import polars as pl

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.core.schema import LOCATIONS
from etl.parsers.delimited_fast import read_well_formed
from etl.parsers.delimited_split import Dialect, is_blank, split_table, whole_table
from etl.parsers.records import Broken
from etl.parsers.utf8 import UTF16_MARKS, to_utf8

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence


class Table(msgspec.Struct, frozen=True):
    """The records of a file."""

    frame: pl.DataFrame
    """One text column for each name of the layout; null if a field is empty or the row is broken."""
    columns: frozenset[str]
    """The names of the columns in the file."""
    broken: dict[int, Broken]
    """Why a record cannot be read, by row number from 1."""


class _Opened(NamedTuple):
    """The records of a file, and how they are written."""

    body: bytes
    """The file as UTF-8."""
    at: int
    """The position in ``body`` of the first record, after the header."""
    shift: int | None
    """Add it to a position in ``body`` to get the position in the file; ``None`` if the file is UTF-16."""
    dialect: Dialect

    @property
    def text(self) -> str:
        """The records, with half a surrogate pair for each byte that is not UTF-8."""
        return self.body[self.at :].decode("utf-8", "surrogateescape")


class Delimited(msgspec.Struct, frozen=True):
    """One record per line, with a delimiter between its fields."""

    dialect: Dialect
    """The dialect of a file without a header, and of what ``document`` writes. It names every column that is read."""
    header: Callable[[str], Dialect] | None = None
    """Reads the header line, if files have one; it must understand the names in ``dialect``.

    Raises ``BrokenFileError`` for the header of something else.
    """
    preamble: re.Pattern[str] | None = None
    """Matches the beginning of a line in front of the header that is not the header."""

    def read(self, data: bytes) -> Table:
        """Decode the records. Raises ``BrokenFileError`` if the header is missing or that of something else."""
        opened = self._open(data)
        columns = frozenset(name for name in opened.dialect.names if name)
        sound = read_well_formed(opened.body, opened.at, opened.dialect)
        if sound is not None:
            names = [name for name in self.dialect.names if name]
            absent = [pl.lit(None, pl.String).alias(name) for name in names if name not in columns]
            return Table(sound.with_columns(absent).select(names), columns, {})
        rows, broken = _rows(opened)
        return Table(self._frame(rows, opened.dialect.names), columns, broken)

    def _frame(self, rows: list[list[str]], names: Sequence[str | None]) -> pl.DataFrame:
        width = len(names)
        if any(len(fields) < width for fields in rows):
            rows = [fields + [""] * (width - len(fields)) for fields in rows]
        values: dict[str | None, Sequence[str]] = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
        nothing = [None] * len(rows)
        columns = {name: pl.Series(values.get(name, nothing), dtype=pl.String) for name in self.dialect.names if name}
        return pl.DataFrame(columns).with_columns(pl.when(pl.all() != "").then(pl.all()))

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        opened = self._open(data)
        text, dialect = opened.text, opened.dialect
        shift = None if opened.shift is None else opened.shift + opened.at
        wanted = set(rows)
        found: dict[int, tuple[int, int | None, int | None, str | None]] = {}
        here = offset = 0
        for row, piece in enumerate(split_table(text, 0, dialect), start=1):
            if row not in wanted:
                continue
            offset += _bytes(text[here : piece.start])
            here = piece.start
            locate_rows = (None, None) if shift is None else (offset + shift, _bytes(text[here : piece.end]))
            found[row] = (row, *locate_rows, _as_json(piece.fields, dialect))
        return pl.DataFrame([found[row] for row in rows if row in found], schema=LOCATIONS, orient="row")

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``. The header, if files have one, names the columns that any of the records has."""
        named = [json.loads(record) for record in records]
        names: list[str | None] = list(self.dialect.names)
        if self.header and named:
            names = [name for name in names if any(name in record for record in named)]
        rows = [[record.get(name, "") for name in names] for record in named]
        table: list[list[str | None]] = [names, *rows] if self.header else rows
        if not self.dialect.quoting:
            return "".join(f"{self.dialect.delimiter.join(map(str, fields))}\n" for fields in table).encode()
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self.dialect.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows(table)
        return out.getvalue().encode()

    def _open(self, data: bytes) -> _Opened:
        is_cut = data.startswith(UTF16_MARKS) and len(data) % 2 == 1
        utf8 = to_utf8(data[:-1] if is_cut else data)
        # Half a UTF-16 character at the end makes the last record broken, not the file.
        body = utf8.body + b"\xff" if is_cut else utf8.body
        if self.header is None:
            return _Opened(body, 0, utf8.shift, self.dialect)
        at = 0
        while at < len(body):
            feed = body.find(b"\n", at)
            end = feed if feed >= 0 else len(body)
            line = body[at:end].decode("utf-8", "surrogateescape").rstrip("\r")
            at = end + 1
            if not is_blank(line) and not (self.preamble and self.preamble.match(line)):
                return _Opened(body, min(at, len(body)), utf8.shift, self.header(line))
        raise BrokenFileError("the file is empty", "Its first line should name the columns: export it again")


def _rows(opened: _Opened) -> tuple[list[list[str]], dict[int, Broken]]:
    """Return the fields of all records (none of a broken one), and why records are broken, by row number from 1."""
    text, dialect = opened.text, opened.dialect
    broken: dict[int, Broken] = {}
    rows = whole_table(text, dialect)
    if rows is None:
        rows = []
        for row, piece in enumerate(split_table(text, 0, dialect), start=1):
            rows.append(piece.fields or [])
            if problem := _not_utf8(text[piece.start : piece.end]):
                broken[row] = problem
            elif piece.fields is None:
                broken[row] = Broken(RejectReason.MALFORMED, piece.problem)
    elif _not_utf8(text):
        broken = {row: problem for row, fields in enumerate(rows, start=1) if (problem := _not_utf8("".join(fields)))}
    for row in broken:
        rows[row - 1] = []
    return rows, broken


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def _not_utf8(text: str) -> Broken | None:
    """Say which byte of ``text`` was not UTF-8; ``surrogateescape`` has turned it into half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return Broken(RejectReason.BAD_ENCODING, f"byte 0x{ord(text[error.start]) - 0xDC00:02x} is not UTF-8")
    return None


def _as_json(fields: list[str] | None, dialect: Dialect) -> str | None:
    """Return a JSON object of the columns that are read."""
    if fields is None or _not_utf8("".join(fields)):
        return None
    record = {name: value for name, value in zip(dialect.names, fields, strict=False) if name}
    return json.dumps(record, ensure_ascii=False)
