"""Converts times without a zone to UTC, and says which of them the local clock shows twice or never."""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from etl.formats.base import FIRST_SECOND, LAST_SECOND

_DAY = pl.duration(days=1)


class LocalTime(StrEnum):
    """Whether the clock of a time zone shows a given local time twice or never."""

    UNIQUE = "unique"
    REPEATED = "repeated"
    """Twice, because the clock was set back: the first time is used."""
    SKIPPED = "skipped"
    """Never, because the clock was set forward: the offset before the change is used."""


def localized(naive: pl.Series, zone: str | None) -> pl.DataFrame:
    """Return ``naive`` times, of dtype ``Datetime("us")``, as UTC. Columns out: ``time``, ``local_time``.

    ``zone`` is the IANA name of the zone of the clock that wrote them; ``None`` takes them as UTC. ``local_time`` is a
    ``LocalTime``. As in Python and Java, a repeated hour is the first of the two, and in a skipped hour the offset
    before the change is used. Both columns are null for null and outside the years 1 to 9999.
    """
    times = pl.DataFrame({"naive": naive})
    if zone is None:
        times = times.with_columns(
            time=pl.col("naive").dt.replace_time_zone("UTC"), local_time=pl.lit(str(LocalTime.UNIQUE))
        )
    else:
        first, last = (_in_utc(pl.col("naive"), zone, which) for which in ("earliest", "latest"))
        before = _in_utc(pl.col("naive") - _DAY, zone, "earliest") + _DAY
        times = times.with_columns(first=first, last=last, before=before).with_columns(
            time=pl.coalesce("first", "before"),
            local_time=pl.when(pl.col("first").is_null())
            .then(pl.lit(str(LocalTime.SKIPPED)))
            .when(pl.col("first") != pl.col("last"))
            .then(pl.lit(str(LocalTime.REPEATED)))
            .otherwise(pl.lit(str(LocalTime.UNIQUE))),
        )
    second = pl.col("time").dt.epoch("s")
    fits = pl.col("time").is_not_null() & second.is_between(FIRST_SECOND, LAST_SECOND)
    return times.select(pl.when(fits).then("time"), pl.when(fits).then("local_time"))


def _in_utc(naive: pl.Expr, zone: str, which: str) -> pl.Expr:
    local = naive.dt.replace_time_zone(zone, ambiguous=pl.lit(which), non_existent="null")
    return local.dt.convert_time_zone("UTC")
