"""Reads Spotify's extended streaming history: one row per play, with the time at which it ended.

A row that would not be loaded anyway is skipped, whatever else is wrong with it; only the others are checked for
defects. So these are checked in this order: whether it is a track, how long it was played, its names, its time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.reasons import SkipReason
from etl.core.schema import TIME
from etl.formats.base import Format, Peek, ReadOptions, Scan, finish, utc_times
from etl.formats.spotify import (
    BARE_NAMES,
    CLIENT,
    CLOCK,
    FOUNDED,
    HEARD_MS,
    NO_ARTIST,
    NO_TRACK,
    PREFERENCE,
    UNPAUSED_START,
    Milliseconds,
    verdicts,
)
from etl.parsers import JsonJoined

if TYPE_CHECKING:
    from collections.abc import Sequence

# offline_timestamp is in milliseconds from about 2016 to October 2022, and in seconds before and after.
MILLISECONDS_FROM = 1e11
CLOCK_TOLERANCE = pl.duration(seconds=-30)

_TO_END = (pl.col("reason_end") == "trackdone").fill_null(value=False)
_PLAYED = pl.duration(milliseconds="played_ms")


class ExtendedPlay(msgspec.Struct, gc=False):
    """A play; every version of the export has some of these fields."""

    ts: str | None = None
    ms_played: Milliseconds | None = None
    master_metadata_track_name: str | None = None
    master_metadata_album_artist_name: str | None = None
    master_metadata_album_album_name: str | None = None
    spotify_track_uri: str | None = None
    episode_name: str | None = None
    spotify_episode_uri: str | None = None
    audiobook_title: str | None = None
    audiobook_uri: str | None = None
    audiobook_chapter_uri: str | None = None
    audiobook_chapter_title: str | None = None
    reason_end: str | None = None
    offline_timestamp: float | None = None


LAYOUT = JsonJoined(ExtendedPlay)


def scan_extended(data: bytes, options: ReadOptions) -> Scan:
    """Read one file of the extended streaming history, with the locations of its broken rows."""
    plays = LAYOUT.read(data)
    bare, columns = _columns(options)
    rows = to_frame(plays.rows).lazy().with_columns(bare).select(columns)
    return Scan(finish(rows, plays.broken), LAYOUT.locations(data, plays))


def read_extended(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one file of the extended streaming history. Columns out: ``EXTRACTED``."""
    return scan_extended(data, options).rows


def to_frame(plays: Sequence[ExtendedPlay]) -> pl.DataFrame:
    """Return the columns ``ts``, ``ms_played``, ``offline``, names, ``reason_end``, ``nameless``.

    ``nameless`` is the reason to skip the row if it has neither track nor artist; only rows without a track have it.
    """
    text = pl.String
    tracks = pl.Series([play.master_metadata_track_name for play in plays], dtype=text)
    untitled = tracks.str.contains(r"^\s*$").fill_null(value=True).arg_true()
    nameless: list[str | None] = [None] * len(plays)
    for row in untitled:
        nameless[row] = _nameless(plays[row])
    return pl.DataFrame(
        {
            "ts": pl.Series([play.ts for play in plays], dtype=text),
            "ms_played": pl.Series([play.ms_played for play in plays], dtype=pl.Int64),
            "offline": pl.Series([play.offline_timestamp for play in plays], dtype=pl.Float64),
            "track": tracks,
            "artist": pl.Series([play.master_metadata_album_artist_name for play in plays], dtype=text),
            "album": pl.Series([play.master_metadata_album_album_name for play in plays], dtype=text),
            "reason_end": pl.Series([play.reason_end for play in plays], dtype=text),
            "nameless": pl.Series(nameless, dtype=text),
        }
    )


@lru_cache
def _columns(options: ReadOptions) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """Return the expressions that turn a file's fields into columns, in two steps; the same for every file."""
    started = _started_at()
    made = {
        "started_at": started,
        "listened_at": pl.col("ended_at") if options.spotify_time == "end" else started,
        # The time played is the track's duration only if it was played to the end.
        "duration": pl.when(_TO_END & (pl.col("played_ms") >= 1000)).then((pl.col("played_ms") // 1000).cast(pl.Int32)),
        "client": pl.lit(CLIENT),
        "skip": pl.when(NO_ARTIST & NO_TRACK).then("nameless").otherwise(_unheard(options)),
        **verdicts("ts"),
    }
    bare = {
        "ended_at": pl.col("ts").map_batches(utc_times, return_dtype=TIME),
        "played_ms": pl.col("ms_played").fill_null(0),
        **BARE_NAMES,
    }
    kept = [pl.col("artist", "track", "album", "ended_at", "played_ms")]
    return [value.alias(name) for name, value in bare.items()], kept + [
        value.alias(name) for name, value in made.items()
    ]


def _started_at() -> pl.Expr:
    """Return the best estimate of a play's start.

    That is ``offline_timestamp`` if it is plausible (at most 30 s late for an uninterrupted play that ends at
    ``ended_at``), else the end minus the time played, which is late by the pauses.
    """
    offline, end = pl.col("offline"), pl.col("ended_at")
    scale = pl.when(offline > MILLISECONDS_FROM).then(1_000).otherwise(1_000_000)
    known = offline.is_finite() & (offline > 0)
    began = pl.when(known).then(offline * scale).cast(pl.Int64, strict=False).cast(TIME)
    plausible = (began <= end) & (end - began - _PLAYED >= CLOCK_TOLERANCE)
    return pl.when(plausible).then(began).otherwise(UNPAUSED_START)


def _unheard(options: ReadOptions) -> pl.Expr:
    """Return the reason to skip a row because of how it was played."""
    if options.spotify_plays == "trackdone":
        return pl.when(~_TO_END).then(pl.lit(str(SkipReason.NOT_PLAYED_TO_END)))
    heard = (pl.col("played_ms") >= HEARD_MS) | (_TO_END & (pl.col("played_ms") > 0))
    return pl.when(~heard).then(pl.lit(str(SkipReason.TOO_SHORT)))


def _nameless(play: ExtendedPlay) -> str:
    """Return the reason to skip a row without track and artist; one with a track's URI is always a track."""
    if not play.spotify_track_uri:
        if play.episode_name or play.spotify_episode_uri:
            return SkipReason.PODCAST.value
        if play.audiobook_title or play.audiobook_uri or play.audiobook_chapter_title or play.audiobook_chapter_uri:
            return SkipReason.AUDIOBOOK.value
    return SkipReason.NOT_A_TRACK.value


def _is_extended(peek: Peek) -> bool:
    return peek.shape != "" and "ts" in peek.keys and not peek.keys.isdisjoint({"ms_played", "spotify_track_uri"})


FORMAT = Format(
    name="spotify-extended",
    source="spotify",
    title="Spotify extended streaming history",
    file_names=(
        "Streaming_History_Audio_*.json",
        "Streaming_History_Video_*.json",
        "endsong*.json",
        "endvideo*.json",
    ),
    how_to_get=(
        "spotify.com > Account > Privacy > Download your data > Extended streaming history. It takes up to 30 days; "
        "give the zip as it is."
    ),
    sample="spotify/extended",
    recognise=_is_extended,
    read=read_extended,
    scan=scan_extended,
    layout=LAYOUT,
    earliest=FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    clock=CLOCK,
)
