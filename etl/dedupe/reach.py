"""Computes which listens of the database must be read to compare those of a run with them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from etl.dedupe.services import is_one_of, service_of
from etl.dedupe.start_ranges import EARLY, HOUR, LONGEST_PLAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.dedupe.services import RecordingService

_MARGIN = EARLY + MINUTE  # for a start that is early, or known only to the minute
_FOLLOWING = 6  # plays of at least half a minute within twice the margin, and one after it


class Reach(NamedTuple):
    """Hours since 1970 (sorted, Int64) in which the database may have doubles of a run's listens."""

    near: pl.Series
    """For all listens: the hours of the run's own seconds."""
    within: pl.Series
    """For listens of services that record only starts: the spans in which a play of the run may have begun."""
    around: pl.Series
    """For listens of services that record whole plays: 48 h on either side of each of the run's listens. A start of the
    run may belong to the next whole play, which began after the one before it had ended."""


def reach(listens: pl.DataFrame, services: Sequence[RecordingService]) -> Reach:
    """Return the hours to read for ``listens`` (columns listened_at, client, source, started_at and ended_at).

    ``around`` is needed only if the run, or the listens found in ``near`` and ``within``, include plays whose start
    alone is recorded.
    """
    second = pl.col("listened_at").dt.epoch("s")
    ended = pl.coalesce(pl.col("ended_at").dt.epoch("s"), second)
    started = pl.col("started_at").dt.epoch("s")
    longest = ended - LONGEST_PLAY
    begun = started.fill_null(second)
    is_whole = is_one_of(
        service_of(services, pl.col("source"), pl.col("client")), (one for one in services if one.is_whole)
    )
    span = listens.filter(is_whole).select(first=longest, last=ended)
    return Reach(
        near=_hours(listens.select(first=pl.min_horizontal(second, ended), last=pl.max_horizontal(second, ended))),
        within=_hours(span.select("first", "last")),
        around=_hours(listens.select(first=pl.min_horizontal(second, begun) - LONGEST_PLAY, last=ended + LONGEST_PLAY)),
    )


def tracks_in_reach(ends: pl.DataFrame, listens: pl.DataFrame) -> pl.Series:
    """Return the tracks of those ``ends`` (track_id, second) whose plays may have begun with one of ``listens``.

    ``listens`` has the column listened_at; ``ends`` are the whole plays found in ``around``. A start can only belong to
    the first play that ended after it, with a tolerance for clocks and for plays shorter than a minute.
    """
    ordered = ends.sort("second", "track_id")
    seconds = ordered.get_column("second").unique().sort()
    starts = listens.select((pl.col("listened_at").dt.epoch("s") - _MARGIN).unique()).to_series()
    first = seconds.search_sorted(starts, side="left").cast(pl.Int64)
    after = pl.concat([first + number for number in range(_FOLLOWING)])
    near = seconds.gather(after.filter(after < len(seconds)).unique())
    return ordered.filter(pl.col("second").is_in(near.implode())).get_column("track_id").unique()


def _hours(spans: pl.DataFrame) -> pl.Series:
    """Return the hours that ``spans`` (first, last; seconds) touch, with the margin, sorted, each once.

    Overlapping spans are joined before their hours are listed, because each may have a hundred.
    """
    first, last = ((pl.col(name) + margin) // HOUR for name, margin in (("first", -_MARGIN), ("last", _MARGIN)))
    ordered = spans.select(first=first, last=last).drop_nulls().sort("first").with_columns(pl.col("last").cum_max())
    is_apart = ordered.select((pl.col("first") > pl.col("last").shift()).fill_null(value=True)).to_series()
    firsts = ordered.get_column("first").filter(is_apart)
    lasts = ordered.get_column("last").filter(is_apart.shift(-1, fill_value=True))
    hours = pl.select(pl.int_ranges(firsts, lasts + 1)).to_series().explode(empty_as_null=True)
    return hours.drop_nulls().cast(pl.Int64).rename("hour")
