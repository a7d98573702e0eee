"""Reads the CSV export of Pano Scrobbler, whichever version wrote it: columns are found by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions, finish
from etl.formats.panoscrobbler import CLIENT, FIELDS, HOW_TO_GET, PREFERENCE, SERVICE, rows_of
from etl.formats.table_header import SEPARATOR, ColumnKind, columns_named, kind_of_table, with_needed
from etl.parsers import Delimited, Dialect

if TYPE_CHECKING:
    import polars as pl

_NEEDED = ("timeMs", "artist", "track")


def _header(line: str) -> Dialect:
    return with_needed(columns_named(line, FIELDS), _NEEDED, "Export it again from Pano Scrobbler")


LAYOUT = Delimited(Dialect(FIELDS), _header, SEPARATOR)


def read_csv(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``. Raises ``BrokenFileError`` without a needed column."""
    table = LAYOUT.read(data)
    return finish(rows_of(table.frame), table.broken)


def _is_csv(peek: Peek) -> bool:
    return kind_of_table(peek) is ColumnKind.PANOSCROBBLER


FORMAT = Format(
    name="panoscrobbler-csv",
    source="panoscrobbler",
    title="Pano Scrobbler export (CSV)",
    file_names=("pano_scrobbler*.csv", "scrobbles_log_*.csv"),
    how_to_get=HOW_TO_GET.format("CSV"),
    sample="panoscrobbler/csv",
    recognise=_is_csv,
    read=read_csv,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
