"""Reads the scrobbles.json of Last.fm's own Data Exporter, which existed from 2009 to 2014."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions
from etl.formats.lastfm import CLIENT, FIELDS, PREFERENCE, SERVICE, as_text, mbid_of, read_fields
from etl.parsers import JsonList


class Timestamp(msgspec.Struct, gc=False):
    """The start of the play, in two forms."""

    unixtimestamp: str | int | float | None = None
    iso: str | None = None


class Named(msgspec.Struct, gc=False):
    """An artist or album. An ``mbid`` that is not a text is ignored."""

    name: str | None = None
    mbid: Any = None


class ExporterTrack(msgspec.Struct, gc=False):
    """A track."""

    name: str | None = None
    mbid: Any = None
    artist: Named | None = None


class ExporterScrobble(msgspec.Struct, gc=False):
    """A scrobble. ``track`` has the names corrected by Last.fm; ``uncorrectedTrack``, as submitted, is not read."""

    timestamp: Timestamp | None = None
    track: ExporterTrack | None = None
    album: Named | None = None


LAYOUT = JsonList(ExporterScrobble)


def read_exporter(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``."""
    scrobbles = LAYOUT.read(data)
    rows = scrobbles.rows
    tracks = [row.track or ExporterTrack() for row in rows]
    artists = [track.artist or Named() for track in tracks]
    albums = [row.album or Named() for row in rows]
    times = [row.timestamp or Timestamp() for row in rows]
    frame = pl.DataFrame(
        {
            "artist": [artist.name for artist in artists],
            "artist_mbid": [mbid_of(artist) for artist in artists],
            "track": [track.name for track in tracks],
            "recording_mbid": [mbid_of(track) for track in tracks],
            "album": [album.name for album in albums],
            "release_mbid": [mbid_of(album) for album in albums],
            "moment": [as_text(time.unixtimestamp) for time in times],
            "words": [time.iso for time in times],
        },
        schema=FIELDS,
    )
    return read_fields(frame, scrobbles.broken, ("unixtimestamp", "iso"))


def _is_exporter(peek: Peek) -> bool:
    return peek.shape == "[" and {"timestamp", "unixtimestamp", "track"} <= peek.keys


FORMAT = Format(
    name="lastfm-exporter",
    source="lastfm",
    title="Last.fm Data Exporter (scrobbles.json)",
    file_names=("scrobbles.json",),
    how_to_get=(
        "Last.fm gave it to subscribers from 2009 to 2014, with scrobbles.tsv next to it: load one of the two. For "
        "what came after, see lastfm.ghan.nl/export."
    ),
    sample="lastfm/exporter",
    recognise=_is_exporter,
    read=read_exporter,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
