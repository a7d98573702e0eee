"""Reads Maloja's exports (with and without albums) and saved pages of its scrobble API, versions 1 and 2."""

from __future__ import annotations

from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.core.reasons import RejectReason
from etl.formats.base import (
    LASTFM_FOUNDED,
    Format,
    Peek,
    ReadOptions,
    durations,
    epoch_times,
    finish,
    first_reason,
    missing_names,
    name_lists,
)
from etl.formats.page_totals import of_maloja
from etl.formats.scrobble_rows import wrong_unit
from etl.parsers import Broken, JsonList, Records
from etl.parsers.records import decode_pieces
from etl.parsers.utf8 import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTS = ("scrobbles", "list")  # the key in an export, and in the API
JOINER = " • "  # YouTube Music clients join all artists of a track into one name
CLIENT = "maloja"
PREFERENCE = 40


class MalojaAlbum(msgspec.Struct, gc=False):
    """An album; the API may have ``name`` for ``albumtitle``."""

    albumtitle: str | None = None
    name: str | None = None


class MalojaTrack(msgspec.Struct, gc=False):
    """A track; ``length`` is in seconds."""

    artists: list[str] | None = None
    title: str | None = None
    album: MalojaAlbum | None = None
    length: float | None = None


class MalojaScrobble(msgspec.Struct, gc=False):
    """A listen; ``time`` is in Unix seconds. ``duration``, the seconds listened, is not read.

    Version 2 of the API has the fields of a track here; they are read only if ``track`` is missing.
    """

    time: int | float | None = None
    track: MalojaTrack | None = None
    artists: Any = None
    title: Any = None
    album: Any = None


LAYOUT = JsonList(MalojaScrobble, LISTS)


def read_export(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one export or saved API page. Columns out: ``EXTRACTED``."""
    scrobbles = LAYOUT.read(data)
    tracks, broken = _tracks(scrobbles)
    times = [scrobble.time for scrobble in scrobbles.rows]
    listened_at = epoch_times(times)
    artists = name_lists([split_credit(track.artists) for track in tracks])
    frame = pl.DataFrame(
        {
            "listened_at": listened_at,
            "time": _time_texts(times, listened_at),
            "artists": artists,
            "artist": artists.list.join(", "),
            "track": pl.Series([track.title for track in tracks], dtype=pl.String),
            "album": pl.Series([_album(track.album) for track in tracks], dtype=pl.String),
            "length": pl.Series([track.length for track in tracks], dtype=pl.Float64),
        }
    )
    verdicts, detail = _verdicts()
    rows = frame.lazy().with_columns(verdicts)
    return finish(rows.with_columns(detail) if listened_at.null_count() else rows, broken)


@cache  # a history may have thousands of small files, and making these expressions takes longer than using them
def _verdicts() -> tuple[list[pl.Expr], pl.Expr]:
    """Return the columns that follow from the others, and the detail, which follows from these."""
    bad_time = pl.col("listened_at").is_null()
    no_time = bad_time & pl.col("time").is_null()
    rejects: list[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (no_time, RejectReason.MISSING_TIME),
        (bad_time, RejectReason.BAD_TIME),
    ]
    unit = wrong_unit(pl.col("time")).fill_null(" is not a Unix time in seconds")
    is_bad = pl.col("reject") == RejectReason.BAD_TIME
    verdicts = [
        durations("length"),
        first_reason(rejects).alias("reject"),
        pl.lit(CLIENT).alias("client"),
        pl.lit(None, pl.String).alias("skip"),
    ]
    return verdicts, pl.when(is_bad).then(pl.format("time: {}{}", "time", unit)).alias("detail")


def _time_texts(times: Sequence[float | None], listened_at: pl.Series) -> pl.Series:
    """Return the invalid times as texts, for messages; null for valid ones."""
    texts: list[str | None] = [None] * len(times)
    for row in listened_at.is_null().arg_true():
        texts[row] = None if times[row] is None else str(times[row])[:40]
    return pl.Series(texts, dtype=pl.String)


def _tracks(scrobbles: Records[MalojaScrobble]) -> tuple[list[MalojaTrack], dict[int, Broken]]:
    """Return the track of each scrobble, and what is broken, by row number from 1."""
    nothing = MalojaTrack()
    tracks = [scrobble.track or nothing for scrobble in scrobbles.rows]
    broken = dict(scrobbles.broken)
    flat = [row for row, scrobble in enumerate(scrobbles.rows, start=1) if scrobble.track is None and row not in broken]
    pieces = [_flat_track(scrobbles.rows[row - 1]) for row in flat]
    ends = [0, *accumulate(map(len, pieces))]
    read = decode_pieces(Text(b"".join(pieces), None), list(pairwise(ends)), MalojaTrack)
    for number, (row, track) in enumerate(zip(flat, read.rows, strict=True), start=1):
        tracks[row - 1] = track
        if number in read.broken:
            broken[row] = read.broken[number]
    return tracks, broken


def _flat_track(scrobble: MalojaScrobble) -> bytes:
    """Return the track of a scrobble of version 2 as JSON; its album may be a name or an object."""
    album = {"name": scrobble.album} if isinstance(scrobble.album, str) else scrobble.album
    return msgspec.json.encode({"artists": scrobble.artists, "title": scrobble.title, "album": album})


def split_credit(artists: list[str] | None) -> list[str] | None:
    """Return the names of a credit, base artist first, each once; ``None`` if there are none.

    Maloja lists artists in no order. If one name is really several, joined by " • ", these are in the order of the
    release, so they come first.
    """
    if not artists:
        return None
    if len(artists) == 1 and JOINER not in artists[0]:
        name = artists[0].strip()
        return [name] if name else None
    joined = next((name for name in artists if JOINER in name), None)
    if joined is not None:
        rest = list(artists)
        rest.remove(joined)
        artists = [part for name in (joined, *rest) for part in name.split(JOINER)]
    names = [trimmed for name in artists if (trimmed := name.strip())]
    if len(names) > 1:
        spellings: dict[str, str] = {}
        for name in names:
            spellings.setdefault(name.lower(), name)
        names = list(spellings.values())
    return names or None


def _album(album: MalojaAlbum | None) -> str | None:
    if album is None:
        return None
    return album.albumtitle if album.albumtitle is not None else album.name


def _is_export(peek: Peek) -> bool:
    if peek.shape != "{" or peek.keys.isdisjoint(LISTS):
        return False
    return any(keys <= peek.keys for keys in ({"maloja", "scrobbles"}, {"time", "track"}, {"time", "artists", "title"}))


FORMAT = Format(
    name="maloja-export",
    source="maloja",
    title="Maloja export",
    file_names=("maloja_export_*.json",),
    how_to_get="Maloja > Administration > Export, or save /apis/mlj_1/scrobbles.",
    sample="maloja/export",
    recognise=_is_export,
    read=read_export,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    totals=of_maloja,
)
