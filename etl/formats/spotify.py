"""Defines the rules that Spotify's exports share: what counts as heard, and which names and times are missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
import polars as pl

from etl.core.reasons import RejectReason
from etl.core.schema import TIME
from etl.formats.base import FIRST_SECOND, first_reason, quoted
from etl.normalize.durations import TEN_YEARS

FOUNDED = datetime(2008, 1, 1, tzinfo=UTC)
HEARD_MS = 30_000
CLIENT = "spotify"
PREFERENCE = 50
CLOCK: Final = "end"  # as Koito stores it; ``--spotify-time start`` changes it

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=1000 * TEN_YEARS)]

UNKNOWN_ARTIST = "Unknown Artist"
UNKNOWN_TRACK = "Unknown Track"

_YEAR_1 = pl.lit(FIRST_SECOND * 1_000_000).cast(TIME)

# The end of a play minus the time played: late by its pauses. Never before the year 1, the first that a time can have.
UNPAUSED_START = (pl.col("ended_at") - pl.duration(milliseconds="played_ms")).clip(_YEAR_1, None)

# Computed once, before everything else: stripping takes longer than all checks of its result.
BARE_NAMES = {
    "bare_artist": pl.col("artist").str.strip_chars().fill_null(""),
    "bare_track": pl.col("track").str.strip_chars().fill_null(""),
}
NO_ARTIST = pl.col("bare_artist") == ""
NO_TRACK = pl.col("bare_track") == ""


def verdicts(times: str) -> dict[str, pl.Expr]:
    """Return ``reject`` and ``detail``, for missing names, names unknown to Spotify, and missing or invalid times.

    Columns in: ``BARE_NAMES``, ``ended_at``, and ``times``, the file's field from which ``ended_at`` was read.
    """
    unknown_artist = pl.col("bare_artist") == UNKNOWN_ARTIST
    unknown_track = pl.col("bare_track") == UNKNOWN_TRACK
    no_time = pl.col("ended_at").is_null()
    blank_time = pl.col(times).str.strip_chars().fill_null("") == ""
    reject = first_reason(
        [
            (NO_ARTIST, RejectReason.MISSING_ARTIST),
            (NO_TRACK, RejectReason.MISSING_TRACK),
            (unknown_artist, RejectReason.MISSING_ARTIST),
            (unknown_track, RejectReason.MISSING_TRACK),
            (no_time & blank_time, RejectReason.MISSING_TIME),
            (no_time, RejectReason.BAD_TIME),
        ]
    )
    detail = (
        pl.when(NO_ARTIST | NO_TRACK)
        .then(None)
        .when(unknown_artist)
        .then(pl.lit(f'Spotify wrote "{UNKNOWN_ARTIST}"'))
        .when(unknown_track)
        .then(pl.lit(f'Spotify wrote "{UNKNOWN_TRACK}"'))
        .when(no_time & ~blank_time)
        .then(pl.format("{}: {}", pl.lit(times), quoted(pl.col(times))))
    )
    return {"reject": reject, "detail": detail}
