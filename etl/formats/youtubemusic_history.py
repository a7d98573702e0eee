"""Reads the watch history in Google Takeout: the tracks that YouTube Music played, and when each began.

The file holds every video that was watched. ``header`` says which of them YouTube Music played, in all languages. Such
a row has the artist's channel ("Artist - Topic") and no album. A removed track has neither a name nor a channel.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.reasons import RejectReason, SkipReason
from etl.formats.base import (
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
from etl.formats.youtubemusic_titles import ADDRESS, Wording, find_wordings
from etl.parsers import JsonList

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENT = "youtubemusic"
# It has the start of a play, but no album: scrobblers have more.
PREFERENCE = 80

_MUSIC = "YouTube Music"
_HEADER = re.compile(rb'"header"\s*:\s*"YouTube(?: Music)?"')
_SEARCH, _WATCH = b"/results?search_query", b"/watch?v"
_CHANNEL_OF_ARTIST = r"\s+[-–]\s+(?:Topic|Thema)$"


class LinkedName(msgspec.Struct, gc=False):
    """A channel, or the place where a video was shown."""

    name: str | None = None


class Watched(msgspec.Struct, gc=False):
    """A video that was watched."""

    header: str | None = None
    title: str | None = None
    titleUrl: str | None = None  # noqa: N815 (as in the file)
    subtitles: list[LinkedName] | None = None
    details: list[LinkedName] | None = None
    time: str | None = None


LAYOUT = JsonList(Watched)


def read_history(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one watch history. Columns out: ``EXTRACTED``."""
    watched = LAYOUT.read(data)
    rows = watched.rows
    frame = pl.DataFrame(
        {
            "header": pl.Series([row.header for row in rows], dtype=pl.String),
            "title": pl.Series([row.title for row in rows], dtype=pl.String),
            "channel": pl.Series([row.subtitles[0].name if row.subtitles else None for row in rows], dtype=pl.String),
            "linked": pl.Series([row.titleUrl is not None for row in rows], dtype=pl.Boolean),
            "advert": pl.Series([_is_advert(row) for row in rows], dtype=pl.Boolean),
            "time": pl.Series([row.time for row in rows], dtype=pl.String),
        }
    )
    is_music = pl.col("header").eq_missing(pl.lit(_MUSIC))
    is_address = pl.col("title").str.contains(ADDRESS.pattern)
    titles = frame.filter(is_music & ~is_blank("channel")).get_column("title").drop_nulls()
    wordings = find_wordings(titles.unique().to_list(), frame.filter(is_address).get_column("title"))
    skips: list[tuple[pl.Expr, str]] = [
        (pl.col("advert"), SkipReason.ADVERT),
        (~is_music, SkipReason.VIDEO),
        (is_blank("channel") & (is_address | ~pl.col("linked")), SkipReason.NOT_A_TRACK),
    ]
    frame = frame.with_columns(
        track=_without(wordings),
        artist=pl.when(~pl.col("channel").str.contains(ADDRESS.pattern)).then(
            pl.col("channel").str.replace(_CHANNEL_OF_ARTIST, "")
        ),
        listened_at=utc_times(frame["time"]),
        client=pl.lit(CLIENT),
        skip=first_reason(skips),
    )
    return finish(_with_rejects(frame), watched.broken)


def _is_advert(row: Watched) -> bool:
    """Say whether a video was shown as an advertisement: "From Google Ads", in any language."""
    return any("Google" in (detail.name or "") for detail in row.details or ())


def _without(wordings: Sequence[Wording]) -> pl.Expr:
    """Return the titles without the words around them; null for a title that does not have them, and an address."""
    title = pl.col("title")
    bare = [
        pl.when(title.str.starts_with(words.before) & title.str.ends_with(words.behind)).then(
            title.str.strip_prefix(words.before).str.strip_suffix(words.behind)
        )
        for words in wordings
    ]
    track = pl.coalesce(pl.lit(None, pl.String), *bare)
    return pl.when(~track.str.contains(f"^{ADDRESS.pattern}$")).then(track)


def _with_rejects(frame: pl.DataFrame) -> pl.DataFrame:
    rejects: list[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (is_blank("time"), RejectReason.MISSING_TIME),
        (pl.col("listened_at").is_null(), RejectReason.BAD_TIME),
    ]
    reject = pl.col("reject")
    return frame.with_columns(reject=first_reason(rejects)).with_columns(
        detail=pl.when(reject == RejectReason.BAD_TIME)
        .then(pl.format("time: {}", quoted(pl.col("time"))))
        .when((reject == RejectReason.MISSING_TRACK) & ~is_blank("title"))
        .then(pl.format("title: {}", quoted(pl.col("title"))))
    )


def _is_history(peek: Peek) -> bool:
    return _is_takeout(peek) and (_WATCH in peek.head or _SEARCH not in peek.head)


def is_searches(peek: Peek) -> bool:
    """Say whether a file is the search history next to a watch history."""
    return _is_takeout(peek) and not _is_history(peek)


def _is_takeout(peek: Peek) -> bool:
    names = {"header", "title", "time", "products"}
    return peek.shape == "[" and names <= peek.keys and _HEADER.search(peek.head) is not None


FORMAT = Format(
    name="youtubemusic-history",
    source="youtubemusic",
    title="YouTube watch history (Google Takeout)",
    file_names=("watch-history.json", "Wiedergabeverlauf.json"),
    how_to_get=(
        "takeout.google.com > Deselect all > YouTube and YouTube Music > Multiple formats > History: JSON > All data "
        "included: history only. Give the zip as it is."
    ),
    sample="youtubemusic/history",
    recognise=_is_history,
    read=read_history,
    layout=LAYOUT,
    earliest=datetime(2015, 1, 1, tzinfo=UTC),
    client=CLIENT,
    preference=PREFERENCE,
    service="YouTube Music",
    caveat="has no albums, and not how long a track was played",
)
