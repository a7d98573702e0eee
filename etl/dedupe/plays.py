"""Brings listens of a run and of the database into one form in which they can be compared: schema PLAYS. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import PLAYS, conform
from etl.dedupe.names import loose

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR = 3600
MINUTE = 60
HEARD = 30  # seconds
TOLERANCE = 5  # seconds on either side: two clocks that are 10 s apart still meet, as multi-scrobbler allows
LONGEST_PLAY = 12 * HOUR  # with its pauses; what took longer is taken to have begun when it would have without them

# Of two likely doubles the one further left stays. Those that say when a play began, with the most beside it, first.
PREFERENCE = ("database", "koito", "listenbrainz", "lastfm", "maloja", "spotify")
_OWN_CLIENT = ("lastfm", "maloja", "spotify")  # the clients that stand for one service, here as in Koito


def service_of(source: pl.Expr, client: pl.Expr) -> pl.Expr:
    """Return who recorded a listen: its source, or, of one that was handed on by Koito, the service that it came from.

    Null ``source`` stands for the database.
    """
    handed_on = source.is_null() | (source == "koito")
    return pl.when(handed_on & client.is_in(_OWN_CLIENT)).then(client).otherwise(source.fill_null("database"))


def own_client(listens: pl.DataFrame) -> str | None:
    """Return the service of all ``listens`` (schema NORMALIZED), if it is one that has a client of its own."""
    services = listens.select(service_of(pl.col("source"), pl.col("client"))).to_series().unique()
    return services.item() if len(services) == 1 and services.item() in _OWN_CLIENT else None


def hours(listens: pl.DataFrame) -> pl.Series:
    """Return the hours (since 1970) in which a listen of the database may be a double of one of ``listens``."""
    second = pl.col("listened_at").dt.epoch("s")
    begun = pl.min_horizontal(second, pl.col("started_at").dt.epoch("s").clip(second - LONGEST_PLAY, None))
    ended = pl.max_horizontal(second, pl.col("ended_at").dt.epoch("s"))
    spans = listens.select(first=(begun - 2 * MINUTE) // HOUR, last=(ended + 2 * MINUTE) // HOUR).unique()
    return spans.select(pl.int_ranges("first", pl.col("last") + 1)).to_series().explode().unique().sort().rename("hour")


def of_run(listens: pl.DataFrame, formats: Mapping[str, str]) -> pl.DataFrame:
    """Return ``listens`` (schema NORMALIZED) as PLAYS; ``formats`` names each file's format."""
    second = pl.col("listened_at").dt.epoch("s")
    minute_only = pl.col("minute_only").fill_null(value=False)
    ended = pl.col("ended_at").dt.epoch("s")
    started = pl.col("started_at").dt.epoch("s").fill_null(ended - pl.col("played_ms") // 1000)
    slack = pl.when(minute_only).then(MINUTE).otherwise(0) + TOLERANCE
    service = service_of(pl.col("source"), pl.col("client"))
    is_known = (pl.col(name).is_not_null().cast(pl.Int32) for name in ("album", "recording_mbid", "release_mbid"))
    return _as_plays(
        listens.select(
            place=pl.int_range(pl.len(), dtype=pl.Int64),
            format=pl.col("file").replace_strict(formats, return_dtype=pl.String),
            service=service,
            client="client",
            second=second,
            artist=pl.col("artists").list.first(),
            credit="artist",
            track="track",
            artists="artists",
            albums=pl.concat_list(pl.coalesce("album", "track")),
            ended=pl.coalesce(ended, second),
            played_ms="played_ms",
            minute_only=minute_only,
            # Something that ended at a known second was begun before; anything else began when it says.
            first=pl.coalesce(pl.max_horizontal(started, ended - LONGEST_PLAY), second) - TOLERANCE,
            last=pl.coalesce(ended, second) + slack,
            known=pl.sum_horizontal(is_known),
        )
    )


def of_database(nearby: pl.DataFrame, *, spotify_ends: bool) -> pl.DataFrame:
    """Return ``nearby`` (schema NEARBY) as PLAYS: a row for each of its names.

    ``spotify_ends``: Spotify's plays are stored by their end. They began as long before as the track is at most, and
    at least as long as Spotify counts as heard; all other listens began when they say.
    """
    second, length = pl.col("second"), pl.col("duration").cast(pl.Int64)
    service = service_of(pl.lit(None, pl.String), pl.col("client"))
    is_end = (service == "spotify") & (length > 0) & pl.lit(value=spotify_ends)
    rows = nearby.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64))
    named = (
        rows.with_columns(title="titles", name="artists")
        .explode("title")
        .explode("name")
        .select(
            "place",
            "client",
            "second",
            format=pl.lit("database"),
            service=service,
            artist="name",
            credit="name",
            track="title",
            artists="artists",
            albums="albums",
            ended=second,
            played_ms=pl.lit(None, pl.Int64),
            minute_only=pl.lit(value=False),
            first=second - pl.when(is_end).then(length).otherwise(0) - TOLERANCE,
            last=second - pl.when(is_end).then(pl.min_horizontal(length, HEARD)).otherwise(0) + TOLERANCE,
            known=pl.lit(0, pl.Int32),
        )
    )
    return _as_plays(named).with_columns(rank=pl.lit(-1, pl.Int32))


def not_counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` (schema PASSED_OVER) with what they are compared by: ended, played_ms and loose names."""
    return rows.select(
        "played_ms",
        ended=pl.col("ended_at").dt.epoch("s"),
        loose_artist=loose(rows.get_column("artist")),
        loose_track=loose(rows.get_column("track")),
    )


def _as_plays(rows: pl.DataFrame) -> pl.DataFrame:
    ranks = {name: rank for rank, name in enumerate(PREFERENCE)}
    rank = pl.col("service").replace_strict(ranks, default=len(ranks), return_dtype=pl.Int32)
    names = rows.with_columns(
        loose_artist=loose(rows.get_column("artist")),
        loose_track=loose(rows.get_column("track")),
        rank=rank + pl.when("minute_only").then(len(ranks) + 1).otherwise(0).cast(pl.Int32),
    )
    return conform(names.cast({"second": pl.Int64, "ended": pl.Int64, "first": pl.Int64, "last": pl.Int64}), PLAYS)
