"""Tables are read by the names of their columns: twice, in another order, in another spelling, below Excel's line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from etl.formats import FORMATS, Format, ReadOptions, peek_at, recognise
from tests.formats.test_golden import SAMPLES, files_of

if TYPE_CHECKING:
    import polars as pl

Rows: TypeAlias = list[list[str]]
Change: TypeAlias = Callable[[Rows], Rows]

BY_NAME = ["applemusic-activity", "deezer-history", "lastfm-csv", "panoscrobbler-csv", "spotify-csv"]
TABLES = [fmt for fmt in FORMATS if fmt.name in BY_NAME]


def doubled(rows: Rows) -> Rows:
    """Return the table with each column twice; the second ones hold other values."""
    return [rows[0] * 2, *(row + ["x"] * len(row) for row in rows[1:])]


def reversed_columns(rows: Rows) -> Rows:
    return [row[::-1] for row in rows]


def upper_header(rows: Rows) -> Rows:
    return [[cell.upper() for cell in rows[0]], *rows[1:]]


def below_separator(rows: Rows) -> Rows:
    return [["sep=,"], *rows]


def table_of(fmt: Format) -> tuple[str, Rows]:
    """Return the name and the rows of the format's first sample that has commas between its columns."""
    for path in files_of(fmt):
        text = path.read_text("utf-8-sig") if SAMPLES in path.parents and path.suffix == ".csv" else ""
        if "," in text.partition("\n")[0]:
            return path.name, list(csv.reader(io.StringIO(text, newline="")))
    raise AssertionError(fmt.name)


def read_rows(fmt: Format, rows: Rows, name: str) -> pl.DataFrame:
    """Read a table as the format that it is recognised as, which must be ``fmt``."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode()
    assert recognise(peek_at(name, data)) == fmt
    return fmt.read(data, ReadOptions())


@pytest.mark.parametrize("change", [doubled, reversed_columns, upper_header, below_separator])
@pytest.mark.parametrize("fmt", TABLES, ids=lambda fmt: fmt.name)
def test_changed_columns_read_as_before(fmt: Format, change: Change) -> None:
    name, rows = table_of(fmt)
    assert read_rows(fmt, change(rows), name).equals(read_rows(fmt, rows, name))
