"""Reads the JSON of lastfmstats.com: names and times in milliseconds, without MBIDs."""

from __future__ import annotations

import msgspec
import polars as pl

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions
from etl.formats.lastfm import CLIENT, FIELDS, PREFERENCE, SERVICE, as_text, read_fields
from etl.parsers import JsonList


class StatsScrobble(msgspec.Struct, gc=False):
    """A scrobble; ``date`` is in Unix milliseconds."""

    track: str | None = None
    artist: str | None = None
    album: str | None = None
    date: int | float | str | None = None


LAYOUT = JsonList(StatsScrobble, ("scrobbles",))


def read_stats(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``."""
    scrobbles = LAYOUT.read(data)
    rows = scrobbles.rows
    columns = {
        "artist": [row.artist for row in rows],
        "track": [row.track for row in rows],
        "album": [row.album for row in rows],
        "moment": [as_text(row.date) for row in rows],
    }
    unknown = dict.fromkeys(FIELDS.names() - columns.keys(), [None] * len(rows))
    return read_fields(
        pl.DataFrame({**columns, **unknown}, schema=FIELDS), scrobbles.broken, ("date",), per_second=1000
    )


def _is_stats(peek: Peek) -> bool:
    """Say whether a file is of this format. Maloja's export also has its listens under "scrobbles"."""
    names = {"username", "scrobbles"}
    scrobble = {"artist", "track", "date"}
    return peek.shape == "{" and names <= peek.keys and (scrobble <= peek.keys or names == peek.keys)


FORMAT = Format(
    name="lastfm-stats",
    source="lastfm",
    title="lastfmstats.com export (JSON)",
    file_names=("lastfmstats-*.json",),
    how_to_get="lastfmstats.com > enter your Last.fm name > wait until all is loaded > Export > JSON.",
    sample="lastfm/stats",
    recognise=_is_stats,
    read=read_stats,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
