"""Reads Spotify's extended streaming history: one row per play, with the time at which it ended.

A row that would not be loaded anyway is skipped, whatever else is wrong with it; only what is left is looked at for
defects. So the order is: what it is (a track?), how long it was played, its names, its time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import polars as pl

from etl.decode import JsonList, Records
from etl.schema import RejectReason, SkipReason
from etl.sources.base import (
    Format,
    Peek,
    ReadOptions,
    finish,
    first_reason,
    is_blank,
    missing_names,
    quoted,
    utc_times,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

HEARD_MS = 30_000
TEN_YEARS_MS = 315_576_000_000
PLAYED_TO_END = "trackdone"
UNKNOWN = {"artist": "Unknown Artist", "track": "Unknown Track"}

# From about 2016 to October 2022 offline_timestamp counts milliseconds, before and after seconds.
MILLISECONDS_FROM = 1e11
CLOCK_TOLERANCE = pl.duration(seconds=-30)


class Play(msgspec.Struct, gc=False):
    """The fields that are read. Every generation of the export has a subset of them."""

    ts: str | None = None
    ms_played: Annotated[int, msgspec.Meta(ge=0, le=TEN_YEARS_MS)] | None = None
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


LAYOUT = JsonList(Play)


def read_extended(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one file of the extended streaming history. Columns out: ``EXTRACTED``."""
    plays = LAYOUT.read(data)
    frame = with_times(to_frame(plays), options)
    frame = with_verdicts(frame, options).with_columns(
        client=pl.lit("spotify"),
        # How long a track was played is its length only if it was played to the end.
        duration=pl.when((pl.col("reason_end") == PLAYED_TO_END) & (pl.col("ms_played") >= 1000)).then(
            (pl.col("ms_played") // 1000).cast(pl.Int32)
        ),
    )
    return finish(frame, plays.broken)


def to_frame(plays: Records[Play]) -> pl.DataFrame:
    """Columns out: ``ts``, ``end``, ``ms_played`` (0 where absent), ``offline``, names, ``reason_end``, ``nameless``.

    ``nameless`` is the skip reason that holds if the row names neither a track nor an artist.
    """
    rows = plays.rows
    text = pl.String
    frame = pl.DataFrame(
        {
            "ts": pl.Series([r.ts for r in rows], dtype=text),
            "ms_played": pl.Series([r.ms_played or 0 for r in rows], dtype=pl.Int64),
            "offline": pl.Series([r.offline_timestamp for r in rows], dtype=pl.Float64),
            "track": pl.Series([r.master_metadata_track_name for r in rows], dtype=text),
            "artist": pl.Series([r.master_metadata_album_artist_name for r in rows], dtype=text),
            "album": pl.Series([r.master_metadata_album_album_name for r in rows], dtype=text),
            "reason_end": pl.Series([r.reason_end for r in rows], dtype=text),
            "nameless": pl.Series([_nameless(r) for r in rows], dtype=text),
        }
    )
    return frame.with_columns(utc_times(frame["ts"]).alias("end"))


def _nameless(play: Play) -> str:
    """Return the skip reason of a row without track and artist names; a track's URI goes before everything else."""
    if not play.spotify_track_uri:
        if play.episode_name or play.spotify_episode_uri:
            return SkipReason.PODCAST.value
        if play.audiobook_title or play.audiobook_uri or play.audiobook_chapter_title or play.audiobook_chapter_uri:
            return SkipReason.AUDIOBOOK.value
    return SkipReason.NOT_A_TRACK.value


def with_times(frame: pl.DataFrame, options: ReadOptions) -> pl.DataFrame:
    """Add ``listened_at``: the end of the play, or its start.

    The start is ``offline_timestamp`` where that is believable (at most 30 s late for an uninterrupted play that ends
    at ``end``), else the end less the time played, which is late by the pauses.
    """
    if options.spotify_time == "end":
        return frame.with_columns(listened_at="end")
    played = pl.duration(milliseconds="ms_played")
    offline, end = pl.col("offline"), pl.col("end")
    scale = pl.when(offline > MILLISECONDS_FROM).then(1_000).otherwise(1_000_000)
    known = offline.is_finite() & (offline > 0)
    began = (pl.when(known).then(offline * scale)).cast(pl.Int64, strict=False).cast(pl.Datetime("us", "UTC"))
    believable = (began <= end) & (end - began - played >= CLOCK_TOLERANCE)
    return frame.with_columns(listened_at=pl.when(believable).then(began).otherwise(end - played))


def with_verdicts(frame: pl.DataFrame, options: ReadOptions) -> pl.DataFrame:
    """Add ``skip``, ``reject`` and ``detail``."""
    to_end = (pl.col("reason_end") == PLAYED_TO_END).fill_null(value=False)
    if options.spotify_plays == "heard":
        heard = (pl.col("ms_played") >= HEARD_MS) | (to_end & (pl.col("ms_played") > 0))
        keep = (~heard, SkipReason.TOO_SHORT)
    else:
        keep = (~to_end, SkipReason.NOT_PLAYED_TO_END)
    time_is_bad = pl.col("end").is_null()
    unknown = {column: pl.col(column).str.strip_chars() == name for column, name in UNKNOWN.items()}
    rejects: Sequence[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (unknown["artist"], RejectReason.MISSING_ARTIST),
        (unknown["track"], RejectReason.MISSING_TRACK),
        (is_blank("ts"), RejectReason.MISSING_TIME),
        (time_is_bad, RejectReason.BAD_TIME),
    ]
    return frame.with_columns(
        skip=pl.coalesce(
            pl.when(is_blank("track") & is_blank("artist")).then("nameless"),
            pl.when(keep[0]).then(pl.lit(keep[1].value)),
        ),
        reject=first_reason(rejects),
    ).with_columns(
        detail=pl.when(pl.col("reject") == RejectReason.BAD_TIME)
        .then(pl.format("ts: {}", quoted(pl.col("ts"))))
        .when((pl.col("reject") == RejectReason.MISSING_ARTIST) & unknown["artist"])
        .then(pl.lit('Spotify wrote "Unknown Artist"'))
        .when((pl.col("reject") == RejectReason.MISSING_TRACK) & unknown["track"])
        .then(pl.lit('Spotify wrote "Unknown Track"'))
    )


def _is_extended(peek: Peek) -> bool:
    return peek.shape == "[" and "ts" in peek.keys and not peek.keys.isdisjoint({"ms_played", "spotify_track_uri"})


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
    layout=LAYOUT,
    earliest=datetime(2008, 1, 1, tzinfo=UTC),
)
