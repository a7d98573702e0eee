"""Converts listens of a run and of the database into one form, in which they are compared: schema PLAYS. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import conform
from etl.dedupe.names import artist_codes, title_codes
from etl.dedupe.schema import PLAYS
from etl.dedupe.services import END, LISTENBRAINZ, START, is_one_of, service_of
from etl.dedupe.start_ranges import EARLY, EARLY_UNTIL, MINUTE, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from etl.dedupe.services import RecordingService

COMPARED = (
    *("file", "row", "lookup_key", "listened_at", "artist", "track", "album", "artists", "release_mbid"),
    *("recording_mbid", "duration", "client", "source", "started_at", "ended_at", "played_ms", "minute_only"),
)
"""The columns of listens (schema NORMALIZED) that the comparison reads."""

_SAME = ("service", "source", "clock", "second", "is_coarse", "title", "names")
_WITHOUT_RANGES = [name for name in PLAYS if name not in ("play", "first", "last", "start", "unpaused")]


def of_run(listens: pl.DataFrame, services: Sequence[RecordingService]) -> pl.DataFrame:
    """Return the play of each of ``listens`` (the columns COMPARED), without the columns ``play`` and the start ranges.

    ``title`` and ``names`` are numbers for title and artists; rows that are equal in ``_SAME`` are one play.
    """
    second, ended_at = pl.col("listened_at").dt.epoch("s"), pl.col("ended_at")
    service = service_of(services, pl.col("source"), pl.col("client"))
    by_end = is_one_of(service, (one for one in services if one.is_whole and one.clock == END))
    ended = pl.coalesce(ended_at.dt.epoch("s"), pl.when(by_end).then(second))
    # A start that equals the end minus the time played was computed that way, and is late by the pauses.
    recorded = pl.col("started_at") != ended_at - pl.duration(milliseconds="played_ms")
    rows = listens.select(
        listen=pl.lit(None, pl.Int64),
        service=service,
        source="source",
        clock=pl.when(second == ended).then(pl.lit(END)).otherwise(pl.lit(START)),
        second=second,
        is_coarse=pl.col("minute_only").fill_null(value=False),
        is_whole=ended.is_not_null(),
        ended=ended,
        played=pl.col("played_ms") // 1000,
        length="duration",
        recorded=pl.when(recorded).then(pl.col("started_at").dt.epoch("s")),
        before=_before(second, service == LISTENBRAINZ),
        title=title_codes(listens.get_column("track")),
    )
    codes = artist_codes(listens.get_column("artists"), listens.get_column("artist"))
    return rows.hstack(codes).with_columns(titles=pl.concat_list("title")).cast({"length": pl.Int64})


def of_database(nearby: pl.DataFrame, services: Sequence[RecordingService], coarse: Collection[str]) -> pl.DataFrame:
    """Return ``nearby`` (schema NEARBY) as plays without ``play`` and the start ranges.

    ``coarse`` names services that have a loaded export with times to the minute: their listens at the beginning of a
    minute may be of that export.
    """
    second, client = pl.col("second"), pl.col("client")
    service = service_of(services, pl.lit(None, pl.String), client)
    is_whole = is_one_of(service, (one for one in services if one.is_whole))
    by_end = is_one_of(service, (one for one in services if one.is_whole and one.clock == END))
    length = pl.col("duration").cast(pl.Int64)
    title_lists = nearby.select(pl.int_range(pl.len()).alias("at"), "titles").explode("titles", empty_as_null=True)
    codes = title_lists.with_columns(code=title_codes(title_lists.get_column("titles")))
    titles = codes.group_by("at", maintain_order=True).agg(pl.col("code").drop_nulls().unique()).get_column("code")
    return nearby.select(
        listen=pl.int_range(pl.len(), dtype=pl.Int64),
        service=service,
        source=pl.lit(None, pl.String),
        clock=pl.when(by_end).then(pl.lit(END)).otherwise(pl.lit(START)),
        second=second,
        is_coarse=is_one_of_names(service, coarse) & ((second % MINUTE == 0) | (is_whole & ~by_end)),
        is_whole=is_whole,
        ended=pl.when(by_end).then(second),
        played=pl.lit(None, pl.Int64),
        length=pl.when(length > 0).then(length),
        recorded=pl.lit(None, pl.Int64),
        before=_before(second, service.is_null()),
        titles=titles,
        artists=artist_codes(nearby.get_column("artists")).get_column("artists"),
    )


def is_one_of_names(service: pl.Expr, names: Collection[str]) -> pl.Expr:
    """Say whether a service has one of ``names``."""
    return service.is_in(list(names)).fill_null(value=False)


def collapse(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return the distinct plays in the result of ``of_run``, and for each row the position of its play in them.

    Two rows of one service with the same second and names are one play, also within one export: ListenBrainz has the
    submissions of several programs. Plays of one second are sorted by their content.
    """
    is_repeated = rows.get_column("second").is_duplicated()
    repeated, alone = rows.filter(is_repeated), rows.filter(~is_repeated)
    distinct = repeated.unique(list(_SAME), keep="first").sort("second", "title", "names", "service", "source")
    numbers = distinct.select(*_SAME).with_row_index("play").cast({"play": pl.Int64})
    of_repeated = repeated.select(*_SAME).join(
        numbers, on=list(_SAME), how="left", nulls_equal=True, maintain_order="left"
    )
    of_alone = pl.int_range(distinct.height, distinct.height + alone.height, dtype=pl.Int64, eager=True)
    places = pl.concat([is_repeated.arg_true(), (~is_repeated).arg_true()])
    play = pl.zeros(rows.height, pl.Int64, eager=True).scatter(
        places, pl.concat([of_repeated.get_column("play"), of_alone.rename("play")])
    )
    return pl.concat([distinct, alone]).select(_WITHOUT_RANGES), play.rename("play")


def combined(of_the_run: pl.DataFrame, of_the_database: pl.DataFrame) -> pl.DataFrame:
    """Return the plays of both, those of the run first, with their numbers and without the start ranges."""
    plays = pl.concat([of_the_run, of_the_database.select(_WITHOUT_RANGES)])
    return plays.with_columns(play=pl.int_range(pl.len(), dtype=pl.Int64))


def as_plays(plays: pl.DataFrame) -> pl.DataFrame:
    """Return ``plays`` as schema PLAYS."""
    return conform(plays, PLAYS)


def _before(second: pl.Expr, may_be_early: pl.Expr) -> pl.Expr:
    is_early = may_be_early & (second < EARLY_UNTIL)
    return pl.when(is_early).then(pl.lit(EARLY, pl.Int64)).otherwise(pl.lit(TOLERANCE, pl.Int64))
