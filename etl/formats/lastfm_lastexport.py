"""Reads the exported_tracks.txt of lastexport.py: time, title, artist, album and three MBIDs, without a header.

The script fetches scrobbles from Last.fm or, with an option, from Libre.fm, and its file does not say which. Last.fm is
its default, and what people used it for, so that is the source. Trailing tabs may have been trimmed.
"""

from __future__ import annotations

import polars as pl

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions, finish
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE, credit_mbids
from etl.formats.scrobble_rows import with_verdicts
from etl.formats.timed_lines import LASTEXPORT_NAMES, Writer, writer_of
from etl.formats.unix_times import unix_times
from etl.parsers import Delimited, Dialect

_NAMES = ("time", "track", "artist", "album", "recording_mbid", "artist_mbid", "release_mbid")

LAYOUT = Delimited(Dialect(_NAMES, "\t", quoting=False, at_least=3))


def read_tracks(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``."""
    table = LAYOUT.read(data)
    frame = table.frame.with_columns(
        credit_mbids(table.frame),
        unix_times(table.frame["time"]).alias("listened_at"),
        client=pl.lit(CLIENT),
        skip=pl.lit(None, pl.String),
    )
    return finish(with_verdicts(frame, ["time"]), table.broken)


def _is_lastexport(peek: Peek) -> bool:
    return writer_of(peek) is Writer.LASTEXPORT


FORMAT = Format(
    name="lastfm-lastexport",
    source="lastfm",
    title="Table of lastexport.py (exported_tracks.txt)",
    file_names=LASTEXPORT_NAMES,
    how_to_get=(
        "lastexport.py -u NAME. What it fetched from Libre.fm (-s libre.fm) counts as Last.fm's; its loved and banned "
        "tracks (-t) are not listens: leave them out."
    ),
    sample="lastfm/lastexport",
    recognise=_is_lastexport,
    read=read_tracks,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
