"""Finds the pairs of plays that may be one play: their names are comparable, and their starts or ends agree. Pure.

A start is compared with starts and an end with ends. A start is compared with a whole play by the span in which that
play may have begun. Two plays of one service are a pair only in the same second, or in the same minute if one of them
is known only to the minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import conform
from etl.dedupe.schema import PAIRS
from etl.dedupe.start_ranges import EARLY, HOUR, MINUTE, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

_IN_DATABASE = pl.col("listen").is_not_null()
_SAME_SERVICE = (pl.col("service") == pl.col("service_of")).fill_null(value=False)
_SAME_SECOND = (pl.col("second") == pl.col("second_of")) & ~pl.col("is_coarse") & ~pl.col("is_coarse_of")
_ONE_SERVICE = -2 * MINUTE  # added to a distance: two records of one play by one service are joined before all others
_LATER_START = 100 * HOUR  # added to a distance: joined after all other pairs
_NOT_PLAYED_ALIKE = MINUTE  # a distance: of pairs in one minute, those played equally long are joined first


def candidates(plays: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of ``plays`` (schema PLAYS) that may be one play, each once, as schema PAIRS.

    At least one play of a pair belongs to the run.
    """
    titled = (
        plays.explode("titles", empty_as_null=True).rename({"titles": "title"}).filter(pl.col("title").is_not_null())
    )
    titled = titled.with_columns(until=pl.col("second") + pl.when("is_coarse").then(MINUTE - 1).otherwise(0))
    starts, whole = titled.filter(~pl.col("is_whole")), titled.filter("is_whole")
    found = [_starts(starts), _start_in_whole(starts, whole), _ends(whole), _whole_of_one_service(whole)]
    each = pl.concat(pairs.select(*PAIRS) for pairs in found)
    once = each.group_by("play", "other").agg(pl.col("distance").min())
    return conform(once.filter(_artists_meet(once, plays) & ~_of_one_export(once, plays)), PAIRS)


def _of_one_export(pairs: pl.DataFrame, plays: pl.DataFrame) -> pl.Series:
    """Say which pairs are of one source but in different seconds: Koito's export has plays of many services."""
    ours, theirs = (plays[pairs.get_column(name)].select("source", "second", "is_coarse") for name in ("play", "other"))
    both = ours.hstack(theirs.select(pl.all().name.suffix("_of")))
    is_known = ~pl.col("is_coarse") & ~pl.col("is_coarse_of")
    is_one = (pl.col("source") == pl.col("source_of")) & (pl.col("second") != pl.col("second_of")) & is_known
    return both.select(is_one.fill_null(value=False)).to_series()


def _artists_meet(pairs: pl.DataFrame, plays: pl.DataFrame) -> pl.Series:
    artists = plays.get_column("artists")
    ours, theirs = artists.gather(pairs.get_column("play")), artists.gather(pairs.get_column("other"))
    both = pl.DataFrame([ours.alias("ours"), theirs.alias("theirs")])
    return both.select(pl.col("ours").list.set_intersection("theirs").list.len() > 0).to_series()


def _starts(starts: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of plays whose start alone is recorded."""
    of_run = starts.filter(~_IN_DATABASE)
    pairs = _meeting(of_run, starts, pl.col("second") - EARLY, pl.col("until") + EARLY, "second")
    once = pairs.filter(pl.col("listen_of").is_not_null() | (pl.col("play") < pl.col("other")))
    later = pl.col("second_of") - pl.col("until")
    earlier = pl.col("second") - pl.col("until_of")
    distance = pl.max_horizontal(later, earlier, pl.lit(0, pl.Int64))
    allowed = pl.when(later > 0).then("before").otherwise("before_of")
    either_coarse = pl.col("is_coarse") | pl.col("is_coarse_of")
    of_one_service = _SAME_SECOND | (either_coarse & (distance == 0))
    fits = pl.when(_SAME_SERVICE).then(of_one_service).otherwise(distance <= allowed)
    own = pl.when(_SAME_SERVICE).then(_ONE_SERVICE).otherwise(0)
    return once.with_columns(distance=distance).filter(fits).with_columns(distance=pl.col("distance") + own)


def _start_in_whole(starts: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of a recorded start and a whole play that may have begun then."""
    reach = EARLY + MINUTE
    pairs = _meeting(whole, starts, pl.col("first") - reach, pl.col("last"), "second")
    second = pl.col("second_of")
    fits = (pl.col("until_of") >= pl.col("first") - pl.col("before_of")) & (second <= pl.col("last"))
    guessed = pl.when(pl.col("played").is_null()).then(TOLERANCE).otherwise(0)  # two recorded starts are joined first
    distance = pl.min_horizontal((second - pl.col("start")).abs(), (second - pl.col("unpaused")).abs() + guessed)
    is_of_run = pl.col("listen").is_null() | pl.col("listen_of").is_null()
    found = pairs.filter(fits & is_of_run & ~_SAME_SERVICE).with_columns(distance=distance)
    return found.with_columns(distance=pl.col("distance") + _superseded())


def _superseded() -> pl.Expr:
    """Return the distance to add for a start if the same service recorded a later one within the same whole play.

    A listener hears one thing at a time, so a play began with the last start before its end. If the start of the play
    is recorded, that decides instead. An early start, or one known only to the minute, may belong to the play before.
    """
    is_exact = pl.col("recorded").is_null() & ~pl.col("is_coarse") & (pl.col("before_of") == TOLERANCE)
    is_last = pl.col("second_of") == pl.col("second_of").max().over("play", pl.col("service_of").fill_null(""))
    return pl.when(is_exact & ~is_last).then(_LATER_START).otherwise(0)


def _ends(whole: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of whole plays that different services recorded, by their ends."""
    ended = whole.filter(pl.col("ended").is_not_null())
    if ended.get_column("service").n_unique() < 2:
        return pl.DataFrame(schema=PAIRS)
    slack = TOLERANCE + MINUTE
    of_run = ended.filter(~_IN_DATABASE)
    pairs = _meeting(of_run, ended, pl.col("ended") - slack, pl.col("ended") + slack, "ended")
    once = pairs.filter(pl.col("listen_of").is_not_null() | (pl.col("play") < pl.col("other")))
    length, length_of = (pl.when(name).then(MINUTE - 1).otherwise(0) for name in ("is_coarse", "is_coarse_of"))
    distance = pl.max_horizontal(
        pl.col("ended_of") - pl.col("ended") - length,
        pl.col("ended") - pl.col("ended_of") - length_of,
        pl.lit(0, pl.Int64),
    )
    return once.with_columns(distance=distance).filter(~_SAME_SERVICE & (distance <= TOLERANCE))


def _whole_of_one_service(whole: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of records of one whole play by one service: from two exports, or from the run and the database."""
    of_run, held = whole.filter(~_IN_DATABASE), whole.filter(_IN_DATABASE)
    minute = pl.col("ended") // MINUTE
    by_minute = of_run.with_columns(minute=minute)
    two_exports = _joined(by_minute, by_minute, ["title", "service", "minute"]).filter(
        (pl.col("play") < pl.col("other")) & (_SAME_SECOND | pl.col("is_coarse") | pl.col("is_coarse_of"))
    )
    alike = pl.col("played").eq_missing(pl.col("played_of"))
    here = two_exports.with_columns(distance=pl.when(alike).then(0).otherwise(_NOT_PLAYED_ALIKE).cast(pl.Int64))
    exact = _joined(of_run, held, ["title", "service", "second"]).with_columns(distance=pl.lit(0, pl.Int64))
    found = [here, exact, _exact_of_coarse(of_run, held), _coarse_records(of_run, held)]
    pairs = pl.concat(part.select(*PAIRS) for part in found)
    return pairs.with_columns(distance=pl.col("distance") + _ONE_SERVICE)


def _exact_of_coarse(of_run: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return plays of the run that are known only to the minute, paired with those of the database in that minute."""
    coarse = of_run.filter("is_coarse")
    pairs = _meeting(coarse, held, pl.col("second"), pl.col("until"), "second")
    found = pairs.filter(_SAME_SERVICE & pl.col("second_of").is_between("second", "until"))
    return found.with_columns(distance=pl.col("second_of") - pl.col("second"))


def _coarse_records(of_run: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return plays of the run paired with their coarse record in the database, whose second begins the minute.

    A play that is stored by its start but known only to the minute of its end is stored at the beginning of that minute
    minus the time played.
    """
    minute = pl.col("ended") // MINUTE * MINUTE
    by_end = pl.col("second") == pl.col("ended")
    stored = pl.when(by_end).then(minute).otherwise(minute - pl.col("played") - 1)
    exact = of_run.filter(~pl.col("is_coarse")).with_columns(stored=stored)
    coarse_held = held.filter("is_coarse")
    # The time played was in milliseconds, so the stored second may differ by one: both are tried.
    tried = pl.concat([exact, exact.filter(~by_end).with_columns(stored=pl.col("stored") + 1)])
    pairs = _joined(tried, coarse_held.with_columns(stored="second"), ["title", "service", "stored"])
    return pairs.with_columns(distance=pl.lit(_NOT_PLAYED_ALIKE, pl.Int64))


def _meeting(plays: pl.DataFrame, others: pl.DataFrame, first: pl.Expr, last: pl.Expr, moment: str) -> pl.DataFrame:
    """Return pairs of one title in which the ``moment`` of the other play is in an hour from ``first`` to ``last``."""
    ours = plays.join(others, on="title", how="semi").with_columns(hour=pl.int_ranges(first // HOUR, last // HOUR + 1))
    theirs = others.join(plays, on="title", how="semi").with_columns(hour=pl.col(moment) // HOUR)
    return _joined(ours.explode("hour", empty_as_null=True), theirs, ["title", "hour"])


def _joined(plays: pl.DataFrame, others: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Join on ``key``; columns of ``others`` end in ``_of``, and ``play_of`` is called ``other``."""
    theirs = others.select(*key, pl.exclude(key).name.suffix("_of")).with_columns(
        **{f"{name}_of": name for name in key if name in ("second", "service")}
    )
    return plays.join(theirs, on=list(key)).rename({"play_of": "other"})
