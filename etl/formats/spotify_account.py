"""Reads the streaming history in Spotify's account data: the last year, one row per play, without albums.

``endTime`` is the minute in which a play ended. Rows do not say why a play ended, so ``--spotify-plays heard`` and
``trackdone`` have the same rule: a play of at least 30 s is a listen. Rows that name an episode or a chapter, as in
Spotify's files of podcasts and audiobooks, are skipped. Files from before 2024 contain podcasts that have an artist and
a track, and so cannot be distinguished from music.
"""

from __future__ import annotations

import msgspec
import polars as pl

from etl.core.reasons import SkipReason
from etl.formats.base import Format, Peek, ReadOptions, finish, utc_times
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

_MINUTE = r"^\s*(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})\s*$"


class AccountPlay(msgspec.Struct, gc=False):
    """A play; the last four fields are those of podcasts and audiobooks, which have no artist and track."""

    endTime: str | None = None  # noqa: N815 (as in the file)
    artistName: str | None = None  # noqa: N815
    trackName: str | None = None  # noqa: N815
    msPlayed: Milliseconds | None = None  # noqa: N815
    podcastName: str | None = None  # noqa: N815
    episodeName: str | None = None  # noqa: N815
    audiobookName: str | None = None  # noqa: N815
    chapterName: str | None = None  # noqa: N815


LAYOUT = JsonJoined(AccountPlay)


def read_account(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one file of the account data. Columns out: ``EXTRACTED``; times have no seconds."""
    plays = LAYOUT.read(data)
    rows = plays.rows
    frame = pl.DataFrame(
        {
            "endTime": pl.Series([r.endTime for r in rows], dtype=pl.String),
            "artist": pl.Series([r.artistName for r in rows], dtype=pl.String),
            "track": pl.Series([r.trackName for r in rows], dtype=pl.String),
            "played_ms": pl.Series([r.msPlayed or 0 for r in rows], dtype=pl.Int64),
            "not_music": pl.Series([_not_music(r) for r in rows], dtype=pl.String),
        }
    )
    frame = frame.with_columns(_minutes(frame["endTime"]).alias("ended_at"), **BARE_NAMES).with_columns(
        listened_at="ended_at" if options.spotify_time == "end" else UNPAUSED_START,
        started_at=UNPAUSED_START,
        minute_only=pl.lit(value=True),
        client=pl.lit(CLIENT),
        skip=pl.when(NO_ARTIST & NO_TRACK & pl.col("not_music").is_not_null())
        .then("not_music")
        .when(pl.col("played_ms") < HEARD_MS)
        .then(pl.lit(str(SkipReason.TOO_SHORT))),
        **verdicts("endTime"),
    )
    return finish(frame, plays.broken)


def _not_music(play: AccountPlay) -> str | None:
    """Return the reason to skip a row if it names a podcast or an audiobook."""
    if play.podcastName or play.episodeName:
        return SkipReason.PODCAST.value
    return SkipReason.AUDIOBOOK.value if play.audiobookName or play.chapterName else None


def _minutes(texts: pl.Series) -> pl.Series:
    """Read "YYYY-MM-DD HH:MM" as UTC; null for any other text."""
    is_minute = texts.str.contains(_MINUTE)
    return utc_times(texts.set(~is_minute, None).str.replace(_MINUTE, "${1}T${2}:00Z"))


def _is_account(peek: Peek) -> bool:
    return peek.shape != "" and {"endTime", "artistName"} <= peek.keys


FORMAT = Format(
    name="spotify-account",
    source="spotify",
    title="Spotify account data",
    file_names=("StreamingHistory_music_*.json", "StreamingHistory[0-9]*.json"),
    how_to_get=(
        "spotify.com > Account > Privacy > Download your data > Account data. It takes about 5 days and holds the last "
        "year; give the zip as it is."
    ),
    sample="spotify/account",
    recognise=_is_account,
    read=read_account,
    layout=LAYOUT,
    earliest=FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    clock=CLOCK,
    caveat=(
        "gives the minute in which a play ended, not the second, and no albums. Request the extended streaming history "
        "too: it has both, and all years"
    ),
)
