"""Chooses which record of each play stays, and returns a verdict on all others: schema VERDICTS. Pure.

Listens in the database stay. Rows of a run in one second are *the same*, and the one with the most details stays. The
others are *likely doubles*, and the one of the preferred service stays.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from etl.core.schema import conform, empty
from etl.dedupe.evidence import with_evidence
from etl.dedupe.members import Content, is_itself, members, with_leaders
from etl.dedupe.schema import VERDICTS

SAME: Final = "same"
PRESENT: Final = "present"
LIKELY: Final = "likely"


def choose(rows: pl.DataFrame, plays: pl.DataFrame, groups: pl.Series, content: Content) -> pl.DataFrame:
    """Return the verdicts on ``rows`` as schema VERDICTS; the arguments are those of ``members``."""
    groups = _with_clashes_settled(rows, plays, groups, content)
    in_groups = with_leaders(members(rows, plays, groups), plays, groups, content.listens)
    if in_groups.is_empty():
        return empty(VERDICTS)
    in_groups = in_groups.with_columns(is_itself=is_itself(in_groups, content, "held"))
    held = pl.col("held").is_not_null()
    is_same = (pl.col("sub_clock") == pl.col("held_clock")) & (pl.col("sub_second") == pl.col("held_second"))
    is_present = held & (is_same | pl.col("is_itself"))
    is_main = ~held & (pl.col("sub_leader") == pl.col("group_leader"))
    # Rows of one key and second are left to the load, which counts them once: each may have an MBID that others lack.
    is_in_second = pl.col("second") == pl.col("sub_second")  # not so for a record with only the minute
    leads = (pl.col("place") == pl.col("sub_leader")) | ((pl.col("key") == pl.col("leader_key")) & is_in_second)
    of_service = (pl.col("service") == pl.col("held_service")).fill_null(value=False)
    judged = in_groups.with_columns(
        verdict=pl.when(is_present).then(pl.lit(PRESENT)).when(is_main).then(pl.lit(SAME)).otherwise(pl.lit(LIKELY)),
        leads=leads,
        of=pl.when(~held).then("group_leader"),
        listen="held",
    )
    is_likely = pl.col("verdict") == LIKELY
    is_kept = ((pl.col("verdict") == SAME) & pl.col("leads")) | ((pl.col("verdict") == PRESENT) & pl.col("is_itself"))
    found = judged.filter(~is_kept).with_columns(
        leader=pl.when(is_likely & ~pl.col("leads")).then("sub_leader"), is_twin=is_likely & of_service
    )
    return conform(with_evidence(found, plays, rows, content).sort("place"), VERDICTS)


def _with_clashes_settled(rows: pl.DataFrame, plays: pl.DataFrame, groups: pl.Series, content: Content) -> pl.Series:
    """Return ``groups`` with listens of the database moved to the plays that cannot be stored because of them.

    In a track on repeat, a play may have ended in the second in which the next one was scrobbled. If the database holds
    this scrobble, and no other record of the earlier play is loaded, the scrobble counts as the earlier play. Another
    record of the next play is then loaded, so the number of plays is right.
    """
    meetings = _meetings(rows, plays, content)
    moved: set[int] = set()
    while not meetings.is_empty():
        ends = pl.concat([meetings.get_column("play"), meetings.get_column("held_play")])
        concerned = groups.is_in(groups.gather(ends).unique().implode())
        near = rows.filter(concerned.gather(rows.get_column("play")))
        in_groups = with_leaders(members(near, plays, groups), plays, groups, content.listens)
        is_not_loaded = pl.col("held").is_not_null() | (pl.col("place") != pl.col("group_leader"))
        not_loaded = in_groups.filter(is_not_loaded).get_column("place")
        due = meetings.filter(
            ~pl.col("place").is_in(not_loaded.implode()) & ~pl.col("held_play").is_in(sorted(moved))
        ).unique("held_play", keep="first", maintain_order=True)
        if due.is_empty():
            break
        groups = groups.scatter(due.get_column("held_play"), groups.gather(due.get_column("play")))
        moved.update(due.get_column("held_play"))
    return groups


def _meetings(rows: pl.DataFrame, plays: pl.DataFrame, content: Content) -> pl.DataFrame:
    """Return rows with a listen in the database that has their key and second, but is stored by the other clock."""
    of_play = plays.select("play", "listen", "clock", "second", "titles")
    held = of_play.filter(pl.col("listen").is_not_null()).rename({"play": "held_play"})
    mine = of_play.filter(pl.col("listen").is_null()).drop("listen")
    of_second = mine.join(held, on="second", suffix="_of").filter(pl.col("clock") != pl.col("clock_of"))
    met = of_second.filter(pl.col("titles").list.set_intersection("titles_of").list.len() > 0)
    found = rows.join(met.select("play", "held_play", "listen"), on="play", maintain_order="left")
    itself = found.filter(is_itself(found, content, "listen"))
    return itself.select("place", "play", "held_play").sort("held_play", "place")
