"""Reads the tables that Libre.fm and other GNU FM servers export: artist, track, album, time, with comments in front.

The header may be in any case, without the album, and with the user's number, which is not read. Times are Unix seconds.
"""

from __future__ import annotations

import re

import polars as pl

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions, finish
from etl.formats.scrobble_rows import with_verdicts
from etl.formats.table_header import COMMENT, SEPARATOR, ColumnKind, columns_named, kind_of_table, with_needed
from etl.formats.unix_times import unix_times
from etl.parsers import Delimited, Dialect

CLIENT = "librefm"

_NAMES = ("artist", "track", "album", "time")
_NEEDED = ("artist", "track", "time")


def _header(line: str) -> Dialect:
    return with_needed(columns_named(line, _NAMES), _NEEDED, "Export it again from Libre.fm")


LAYOUT = Delimited(Dialect(_NAMES), _header, re.compile(f"{SEPARATOR.pattern}|{COMMENT.pattern}", re.IGNORECASE))


def read_table(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``. Raises ``BrokenFileError`` without a needed column."""
    table = LAYOUT.read(data)
    frame = table.frame.with_columns(
        unix_times(table.frame["time"]).alias("listened_at"), client=pl.lit(CLIENT), skip=pl.lit(None, pl.String)
    )
    return finish(with_verdicts(frame, ["time"]), table.broken)


def _is_table(peek: Peek) -> bool:
    return kind_of_table(peek) is ColumnKind.LIBREFM


FORMAT = Format(
    name="librefm-table",
    source="librefm",
    title="Libre.fm or GNU FM export (CSV or TSV)",
    file_names=("librefm*.csv", "librefm*.tsv"),
    how_to_get="libre.fm > Edit profile > Export your tracks; the same on any GNU FM server.",
    sample="librefm/table",
    recognise=_is_table,
    read=read_table,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=36,  # it records when a play began, but has neither MBIDs nor lengths
    service="Libre.fm",
)
