"""Reads the listening history in Deezer's data package: the workbook as it comes, or its sheet saved as CSV.

``Listening Time`` is how many seconds were played, or -1 if unknown. A play of at least 30 s is a listen, as in
Spotify's account data: neither has the length of the track. A play of unknown length counts as a listen.

``Artist`` names all artists with commas between them, and commas are in names too ("Tyler, The Creator"). It stays one
text, as Koito keeps it; ``--artist-separators`` can divide it. Likely doubles are found either way.

``Date`` has no zone (``--timezone`` gives one), and whether it is the start of a play is not documented. Plays of an
offline device have the time at which it synchronised.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from etl.core.reasons import SkipReason
from etl.formats.base import (
    Format,
    Peek,
    ReadOptions,
    finish,
    name_matches,
    utc_times,
)
from etl.formats.local_times import localized
from etl.formats.scrobble_rows import with_verdicts
from etl.formats.table_header import SEPARATOR, columns_named, columns_of, header_of, with_needed
from etl.parsers import Delimited, Dialect
from etl.parsers.workbook import is_workbook, sheet_as_csv, sheet_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.parsers.delimited import Table

CLIENT = "deezer"
# After the scrobblers, which record the start of a play for certain.
PREFERENCE = 70
HEARD_SECONDS = 30

TITLE, ARTIST, ALBUM, PLAYED, DATE = "Song Title", "Artist", "Album Title", "Listening Time", "Date"
# The order of the columns in the export, in every language.
_IN_ORDER = (TITLE, ARTIST, None, ALBUM, None, PLAYED, None, None, DATE)
_NEEDED = (TITLE, ARTIST, PLAYED, DATE)
_FILE_NAMES = ("deezer-data_*.xlsx",)
_HISTORY_SHEET = re.compile(r"\d*_?listeninghistory", re.IGNORECASE)


def _read_header(line: str) -> Dialect:
    return with_needed(_columns(line), _NEEDED, "Give the data package as Deezer sent it")


def _columns(line: str) -> Dialect:
    """Read a header in any language: one that is not English is recognised by ISRC, the third of nine columns."""
    cells, delimiter = columns_of(line)
    if len(cells) == len(_IN_ORDER) and cells[2].lower() == "isrc":
        return Dialect(_IN_ORDER, delimiter)
    return columns_named(line, (*_NEEDED, ALBUM))


class _History(Delimited, frozen=True):
    """The table of plays, in a workbook or as CSV. Records of a workbook have no position in the file."""

    def read(self, data: bytes) -> Table:
        return super().read(_as_csv(data))

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        found = super().locate(_as_csv(data), rows)
        if not is_workbook(data):
            return found
        return found.with_columns(pl.lit(None, pl.Int64).alias(name) for name in ("offset", "length"))


LAYOUT = _History(Dialect((TITLE, ARTIST, ALBUM, PLAYED, DATE)), _read_header, SEPARATOR)


def _as_csv(data: bytes) -> bytes:
    if not is_workbook(data):
        return data
    sheet = next(filter(_HISTORY_SHEET.fullmatch, sheet_names(data)), "10_listeningHistory")
    return sheet_as_csv(data, sheet)


def read_history(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one history. Columns out: ``EXTRACTED``. Raises ``BrokenFileError`` for another workbook or table."""
    table = LAYOUT.read(data)
    seconds = pl.col(PLAYED).str.strip_chars().cast(pl.Float64, strict=False)
    frame = table.frame.with_columns(
        *_times(table.frame[DATE], options.timezone),
        track=TITLE,
        artist=ARTIST,
        album=ALBUM,
        client=pl.lit(CLIENT),
        skip=pl.when(seconds.is_between(0, HEARD_SECONDS, closed="left")).then(pl.lit(str(SkipReason.TOO_SHORT))),
    )
    return finish(with_verdicts(frame, [DATE]), table.broken)


def _times(texts: pl.Series, zone: str | None) -> tuple[pl.Series, pl.Series]:
    """Return ``listened_at`` and ``local_time``. Deezer writes no zone; a spreadsheet may have added one."""
    times = utc_times(texts)
    has_zone = texts.str.contains(r"(?:[Zz]|[+-]\d{2}:?\d{2})\s*$")
    local = localized(times.dt.replace_time_zone(None), zone)
    return (
        times.zip_with(has_zone.fill_null(value=False), local["time"]).alias("listened_at"),
        local["local_time"].set(has_zone, None).alias("local_time"),
    )


def _is_history(peek: Peek) -> bool:
    if peek.sheets:
        return any(map(_HISTORY_SHEET.fullmatch, peek.sheets))
    if is_workbook(peek.head):  # a damaged one, whose sheets are not known
        return name_matches(peek.name, _FILE_NAMES)
    header = header_of(peek)
    return header is not None and set(_NEEDED) <= set(_columns(header).names)


FORMAT = Format(
    name="deezer-history",
    source="deezer",
    title="Deezer listening history",
    file_names=_FILE_NAMES,
    how_to_get=(
        "deezer.com > Account settings > My information > My personal data. Give the workbook as it is, or its sheet "
        "10_listeningHistory saved as CSV."
    ),
    sample="deezer/history",
    recognise=_is_history,
    read=read_history,
    layout=LAYOUT,
    earliest=datetime(2007, 8, 1, tzinfo=UTC),
    client=CLIENT,
    preference=PREFERENCE,
)
