"""Reads pages of Last.fm's API in JSON, as lastfm.ghan.nl exports them and scripts save them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE, LastfmScrobble, read_tracks
from etl.formats.page_totals import name_error_pages, of_lastfm_json
from etl.parsers import JsonPages

if TYPE_CHECKING:
    import polars as pl

LAYOUT = JsonPages(LastfmScrobble, (("recenttracks", "track"), ("track",)))


def read_pages(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one or several pages. Columns out: ``EXTRACTED``."""
    return read_tracks(name_error_pages(LAYOUT.read(data), of_lastfm_json(data)))


def _is_pages(peek: Peek) -> bool:
    """Say whether a file has scrobbles. The API's top tracks have play counts, its loved tracks no albums."""
    keys = peek.keys
    if not peek.shape or "playcount" in keys:
        return False
    return "recenttracks" in keys or (
        {"track", "artist", "album", "name"} <= keys and bool(keys & {"uts", "nowplaying"})
    )


FORMAT = Format(
    name="lastfm-pages",
    source="lastfm",
    title="Last.fm API pages (JSON)",
    file_names=("recenttracks-*.json",),
    how_to_get=(
        "Last.fm has no export of its own. lastfm.ghan.nl/export > JSON, or save the answers of the API's "
        "user.getRecentTracks, one file per page or all in one."
    ),
    sample="lastfm/pages",
    recognise=_is_pages,
    read=read_pages,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
    totals=of_lastfm_json,
)
