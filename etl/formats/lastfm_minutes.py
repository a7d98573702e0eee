"""Reads the CSV files of benjaminbenben's lastfm-to-csv: artist, album, track and the minute, without a header.

The old version of the tool removed commas and quotes from names and quoted nothing; the new one writes RFC 4180. Both
repeat the track that is playing now, without a date, at the top of each page that they fetch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions, finish
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE
from etl.formats.lastfm_csv import with_skips, with_times
from etl.formats.lastfm_times import DATE_IN_WORDS
from etl.formats.scrobble_rows import with_verdicts
from etl.formats.table_header import kind_of_table
from etl.parsers import Delimited, Dialect
from etl.parsers.delimited_split import cut, is_blank

if TYPE_CHECKING:
    import polars as pl

LAYOUT = Delimited(Dialect(("artist", "album", "track", "date")))

_DATE = re.compile(DATE_IN_WORDS)


def read_minutes(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``."""
    table = LAYOUT.read(data)
    frame = with_verdicts(with_times(table.frame, ["date"]), ["date"])
    return finish(with_skips(frame, ["date"], undated_is_playing=True), table.broken)


def is_minutes(peek: Peek) -> bool:
    """Say whether a third of the first lines have four fields, the last a date or, for the playing track, blank."""
    lines = peek.first_lines
    dates = [fields[3] for line in lines if (fields := cut(line, LAYOUT.dialect)[0]) is not None and len(fields) == 4]
    dated = sum(1 for date in dates if _DATE.fullmatch(date))
    fit = dated + sum(1 for date in dates if is_blank(date))
    return dated > 0 and 3 * fit >= len(lines) and kind_of_table(peek) is None


FORMAT = Format(
    name="lastfm-minutes",
    source="lastfm",
    title="Last.fm CSV without a header, dates to the minute",
    file_names=("<user>.csv",),
    how_to_get="benjaminbenben.com/lastfm-to-csv. Give the file unchanged.",
    sample="lastfm/minutes",
    recognise=is_minutes,
    read=read_minutes,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
    caveat=(
        "gives times to the minute, and the tool that wrote it removed commas and quotes from names. "
        "lastfm.ghan.nl/export keeps both"
    ),
)
