"""Finds the listens of a run that another file, service or run recorded too, or probably did. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import DOUBLE_PAIRS, empty
from etl.dedupe.plays import HOUR, MINUTE, not_counted, of_database, of_run

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ["loose_artist", "loose_track"]

NO_PAIRS = empty(DOUBLE_PAIRS)


@dataclass(frozen=True)
class Doubles:
    """Pairs (place, of) of schema PAIRS; ``place`` is a row of the run's listens, each at most once per frame."""

    same: pl.DataFrame
    """``of`` is another row of the run, which stays: the same listen."""
    present: pl.DataFrame
    """``of`` is a row of NEARBY: the database has the listen."""
    not_counted: pl.Series
    """Places of rows that a better export of the same service calls no listens."""
    likely: pl.DataFrame
    """``of`` is another row of the run that stays."""
    likely_present: pl.DataFrame
    """``of`` is a row of NEARBY."""
    account_twins: pl.DataFrame
    """``of`` is a row of NEARBY that came from Spotify's account data: a poorer record of the same play."""

    @property
    def found_none(self) -> bool:
        """Whether no row is a double of anything."""
        pairs = (self.same, self.present, self.likely, self.likely_present, self.account_twins)
        return self.not_counted.is_empty() and all(frame.is_empty() for frame in pairs)


def find_doubles(
    listens: pl.DataFrame,
    formats: Mapping[str, str],
    passed: pl.DataFrame,
    nearby: pl.DataFrame,
    *,
    spotify_ends: bool,
) -> Doubles:
    """Compare ``listens`` (schema NORMALIZED) with each other and with ``nearby`` (schema NEARBY).

    ``formats`` names the format of each file; ``passed`` has schema PASSED_OVER. The result depends on the content of
    the rows alone, but for ties between equal ones.
    """
    none = Doubles(NO_PAIRS, NO_PAIRS, pl.Series("place", [], dtype=pl.Int64), NO_PAIRS, NO_PAIRS, NO_PAIRS)
    used = {formats[file] for file in listens.get_column("file").unique()}
    if listens.is_empty() or (len(used) < 2 and nearby.is_empty() and passed.is_empty()):
        return none
    plays, held = of_run(listens, formats), of_database(nearby, spotify_ends=spotify_ends)
    over = _not_counted(plays, passed)
    left = _without(plays, over)
    present = _present(left, held)
    same = _same(left)
    same = _without(same, present.get_column("place"))
    stay = _without(left, same.get_column("place"), present.get_column("place"))
    # A listen that the database has under these very names and second is no double of itself.
    own = _joined(left, held, ["second", "artist", "track"]).get_column("of")
    likely_present = _likely(stay, _without(held, own))
    return Doubles(
        same=same,
        present=present,
        not_counted=over,
        likely=_likely(_without(stay, likely_present.get_column("place")), stay),
        likely_present=likely_present,
        account_twins=_account_twins(stay, held),
    )


def _same(plays: pl.DataFrame) -> pl.DataFrame:
    """Return rows that another format recorded too, each with the row that knows most of it."""
    order = [
        pl.col("known").neg(),
        *(pl.col(name) for name in ("rank", "format", "credit", "track", "client", "place")),
    ]
    ranked = plays.sort(order, nulls_last=True)
    exact, coarse = ranked.filter(~pl.col("minute_only")), ranked.filter("minute_only")
    found = [_led(exact, ["second", "artist", "track"])]
    found.append(_led(_without(exact, found[0].get_column("place")), ["second", "credit", "track"]))
    found.append(_within_minute(coarse, exact))
    found.append(_led(_without(coarse, found[2].get_column("place")), ["service", "second", *_NAMES]))
    return _to_the_end(pl.concat(found))


def _led(ranked: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """Return the rows of each ``group`` whose format is not that of its first row, with that first row."""
    shared = ranked.filter(pl.col("format").n_unique().over(group) > 1)
    leader = pl.col("place").first().over(group)
    return (
        shared.with_columns(of=leader, leads=pl.col("format").first().over(group))
        .filter(pl.col("format") != pl.col("leads"))
        .select(*DOUBLE_PAIRS)
    )


def _within_minute(coarse: pl.DataFrame, precise: pl.DataFrame) -> pl.DataFrame:
    """Return rows that know only the minute, with a row of the same service that knows more of it."""
    key = ["service", *_NAMES, "minute"]
    pairs = _joined(_with_minute(coarse), _with_minute(precise), key)
    fits = (pl.col("played_ms") == pl.col("played_ms_of")).fill_null(value=True) & (
        pl.col("format") != pl.col("format_of")
    )
    return _first(pairs.filter(fits))


def _with_minute(plays: pl.DataFrame) -> pl.DataFrame:
    return plays.with_columns(minute=pl.col("ended") // MINUTE)


def _not_counted(plays: pl.DataFrame, passed: pl.DataFrame) -> pl.Series:
    """Return the places of rows that know only the minute, where ``passed`` has the play."""
    if passed.is_empty():
        return pl.Series("place", [], dtype=pl.Int64)
    key = [*_NAMES, "minute", "played_ms"]
    coarse = _with_minute(plays.filter(pl.col("minute_only") & (pl.col("service") == "spotify")))
    return coarse.join(_with_minute(not_counted(passed)), on=key, how="semi").get_column("place")


def _present(plays: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return rows that the database has: from another service in the same second, or in the minute that is known."""
    exact = _joined(plays.filter(~pl.col("minute_only")), held, ["second", "artist", "track"])
    # Such a listen finds its track by its key, and what it knows beside is kept.
    is_itself = pl.col("albums").list.first().is_in(pl.col("albums_of")) & (
        pl.col("artists").list.set_difference("artists_of").list.len() == 0
    )
    itself = exact.filter(is_itself).get_column("place")
    exact = _without(exact, itself).filter(pl.col("client").ne_missing(pl.col("client_of")))
    coarse = _overlapping(
        plays.filter("minute_only").with_columns(first="second", last=pl.col("second") + MINUTE - 1),
        held.with_columns(first="second", last="second"),
    ).filter(pl.col("service") == pl.col("service_of"))
    return _first(pl.concat([exact.select(*DOUBLE_PAIRS), coarse.select(*DOUBLE_PAIRS)]))


def _likely(plays: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return rows with one that another service, which goes before theirs, recorded at about that time."""
    pairs = _overlapping(plays, others).filter(
        (pl.col("service") != pl.col("service_of")) & (pl.col("rank") > pl.col("rank_of"))
    )
    distance = (pl.col("first") - pl.col("first_of")).abs()
    return _first(pairs.sort("place", distance, "rank_of", "second_of", "of", nulls_last=True))


def _account_twins(plays: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return plays of Spotify whose record in account data is there: its time is the minute of the end.

    Under --spotify-time start it is as long before that minute as the track was played.
    """
    minute = pl.col("ended") // MINUTE * MINUTE
    stored = pl.when(pl.col("second") == pl.col("ended")).then(minute)
    precise = plays.filter(~pl.col("minute_only") & (pl.col("service") == "spotify")).with_columns(
        stored=stored.otherwise((minute * 1000 - pl.col("played_ms")) // 1000)
    )
    twins = held.filter(pl.col("service") == "spotify").with_columns(stored="second")
    pairs = _joined(precise, twins, ["stored", *_NAMES])
    return _first(pairs.filter(pl.col("second") != pl.col("second_of")))


def _overlapping(plays: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs with comparable names that may have begun at one time; columns of ``others`` end in ``_of``."""
    ours = _by_hour(plays.join(others, on=_NAMES, how="semi"))
    theirs = _by_hour(others.join(plays, on=_NAMES, how="semi"))
    meets = (pl.col("first") <= pl.col("last_of")) & (pl.col("first_of") <= pl.col("last"))
    return _joined(ours, theirs, [*_NAMES, "hour"]).filter(meets)


def _by_hour(plays: pl.DataFrame) -> pl.DataFrame:
    return plays.with_columns(hour=pl.int_ranges(pl.col("first") // HOUR, pl.col("last") // HOUR + 1)).explode("hour")


def _joined(plays: pl.DataFrame, others: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return plays.join(others, on=key, suffix="_of", maintain_order="left_right").rename({"place_of": "of"})


def _first(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the first pair of each place."""
    return pairs.select(*DOUBLE_PAIRS).unique("place", keep="first", maintain_order=True)


def _without(plays: pl.DataFrame, *settled: pl.Series) -> pl.DataFrame:
    return plays.filter(~pl.col("place").is_in(pl.concat(settled).implode()))


def _to_the_end(pairs: pl.DataFrame) -> pl.DataFrame:
    """Follow chains: what is the same as a row that is itself set aside is the same as the one that stays."""
    of = dict(pairs.iter_rows())
    ends = []
    for end in of.values():
        last = end
        while (further := of.get(last)) is not None:
            last = further
        ends.append(last)
    return pl.DataFrame({"place": list(of), "of": ends}, schema=DOUBLE_PAIRS)
