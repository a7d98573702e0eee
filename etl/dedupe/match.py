"""Compares the listens of a run with each other and with those of the database near them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from etl.core.schema import conform, empty
from etl.dedupe.candidates import candidates
from etl.dedupe.choose import choose
from etl.dedupe.groups import grouped
from etl.dedupe.members import OPTIONAL_COLUMNS, Content
from etl.dedupe.names import comparable_names
from etl.dedupe.plays import as_plays, collapse, combined, of_database, of_run
from etl.dedupe.schema import VERDICTS
from etl.dedupe.services import is_one_of, rank_of, service_of
from etl.dedupe.start_ranges import MINUTE, with_start_ranges

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from etl.dedupe.services import RecordingService

NOT_COUNTED: Final = "not_counted"


def find_doubles(
    listens: pl.DataFrame,
    not_counted: pl.DataFrame,
    nearby: pl.DataFrame,
    cached: pl.DataFrame,
    services: Sequence[RecordingService],
    coarse: Collection[str] = (),
) -> pl.DataFrame:
    """Return the verdicts (schema VERDICTS) on those of ``listens`` that are not simply loaded.

    ``listens`` has the columns COMPARED, ``not_counted`` schema NOT_COUNTED, ``nearby`` schema NEARBY (``reach`` says
    which listens it must have). ``cached`` (schema CACHED) has the run's keys that the database has; those of rows in
    the second of a listen in ``nearby`` are enough. ``services`` are all known services; ``coarse`` names those that
    have a loaded export with times to the minute. The result depends only on the content of the rows.
    """
    if listens.is_empty():
        return empty(VERDICTS)
    over = _not_counted(listens, not_counted, services)
    rows = listens.with_row_index("place").cast({"place": pl.Int64}).filter(~over)
    if nearby.is_empty() and _is_one_service(rows, services):
        rows = rows.filter(pl.col("listened_at").is_duplicated())
    if rows.is_empty():
        return _as_verdicts(over)
    compared = of_run(rows, services)
    distinct, play = collapse(compared)
    plays = combined(distinct, of_database(nearby, services, coarse))
    plays = as_plays(with_start_ranges(plays))
    groups = grouped(plays, candidates(plays))
    known = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int64) for name in OPTIONAL_COLUMNS)
    ranked = rows.select(
        "place",
        play=play,
        rank=compared.select(rank_of(services, pl.col("service"))).to_series(),
        unknown=len(OPTIONAL_COLUMNS) - known,
        key=pl.col("lookup_key").hash(),
    )
    verdicts = choose(ranked, plays, groups, Content(listens, nearby, cached, services))
    return pl.concat([verdicts, _as_verdicts(over)]).sort("place")


def _is_one_service(listens: pl.DataFrame, services: Sequence[RecordingService]) -> bool:
    """Say whether only plays of one second can be the same: all are of one service, which records seconds."""
    recorders = listens.select("source", service_of(services, pl.col("source"), pl.col("client")).alias("service"))
    return recorders.unique().height == 1 and not listens.get_column("minute_only").any()


def _not_counted(listens: pl.DataFrame, not_counted: pl.DataFrame, services: Sequence[RecordingService]) -> pl.Series:
    """Say for each listen whether it is a play that a better export of its service does not count.

    Account data does not say whether a track was played to its end; it has only the minute and the time played.
    """
    if not_counted.is_empty():
        return pl.repeat(value=False, n=listens.height, dtype=pl.Boolean, eager=True)
    key = ["artist", "track", "minute", "played_ms"]
    minute = pl.col("ended_at").dt.epoch("s") // MINUTE
    over = _with_comparable_names(not_counted).select("played_ms", "artist", "track", minute=minute).unique()
    is_whole = is_one_of(pl.col("source"), (one for one in services if one.is_whole))
    may_be = pl.col("minute_only").fill_null(value=False) & is_whole
    mine = _with_comparable_names(
        listens.select("artist", "track", "ended_at", "played_ms", may_be=may_be)
    ).with_columns(minute=minute)
    met = mine.join(over.with_columns(is_over=pl.lit(value=True)), on=key, how="left", maintain_order="left")
    return met.select(pl.col("is_over").fill_null(value=False) & pl.col("may_be")).to_series()


def _with_comparable_names(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(comparable_names(rows.get_column("artist")), comparable_names(rows.get_column("track")))


def _as_verdicts(over: pl.Series) -> pl.DataFrame:
    found = pl.DataFrame({"place": over.arg_true().cast(pl.Int64)}).with_columns(
        verdict=pl.lit(NOT_COUNTED),
        is_twin=pl.lit(value=False),
        **{name: pl.lit(None, pl.String) for name in ("service", "of_service", "evidence")},
        **{name: pl.lit(None, pl.Int64) for name in ("of", "listen", "leader", "seconds_apart")},
    )
    return conform(found, VERDICTS)
