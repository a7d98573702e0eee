"""Prevents two plays of one track from being stored in the same second, for which a database has one place. Pure.

In a track on repeat, a play may end in the second in which the next one begins: Spotify's record of the first play is
stored by its end, and a scrobbler's record of the second one by its start. Then another record of one of them is
stored.
"""

from __future__ import annotations

from typing import TypeAlias

import polars as pl

Moment: TypeAlias = tuple[int, int, int]
"""Title, artist and second of a play: two plays that share one cannot both be stored."""

_MOMENT = ("titles", "artist_codes", "second")


def without_clashes(subs: pl.DataFrame, plays: pl.DataFrame, groups: pl.Series) -> pl.Series:
    """Return the ``sub_leader`` by which each group is stored: the first of its ``subs`` without a clash, if any.

    ``subs`` has the columns group, sub_leader, sub_second, play and held, the preferred ones first; ``groups`` is the
    group of each of ``plays`` (schema PLAYS).
    """
    first = subs.unique("group", keep="first", maintain_order=True)
    grouped = plays.select("listen", "clock", "titles", "second", group=groups, artist_codes="artists")
    met = _met(grouped)
    entangled = subs.filter(pl.col("group").is_in(met.implode()) & pl.col("held").is_null())
    if entangled.is_empty():
        return first.get_column("sub_leader")
    stored = _forced(grouped.filter(pl.col("group").is_in(met.implode())), entangled)
    names = plays.select("titles", artist_codes="artists")[entangled.get_column("play")]
    choices = _choices(entangled.hstack(names))
    chosen: list[int] = []
    for group in sorted(choices, key=lambda one: min(moments[0][2] for _, moments in choices[one])):
        free = [choice for choice in choices[group] if all(stored.get(moment, group) == group for moment in choice[1])]
        leader, moments = (free or choices[group])[0]
        stored |= dict.fromkeys(moments, group)
        chosen.append(leader)
    plain = first.filter(~pl.col("group").is_in(list(choices)))
    return pl.concat([plain.get_column("sub_leader"), pl.Series(chosen, dtype=pl.Int64)])


def _met(plays: pl.DataFrame) -> pl.Series:
    """Return the groups that have a title and second in common with another group, by the other clock."""
    titled = plays.select("titles", "second", "clock", "group").explode("titles", empty_as_null=True)
    mine, theirs = (titled.filter(pl.col("clock") == clock) for clock in ("start", "end"))
    met = mine.join(theirs, on=["titles", "second"], suffix="_of").filter(pl.col("group") != pl.col("group_of"))
    return pl.concat([met.get_column("group"), met.get_column("group_of")]).unique()


def _forced(plays: pl.DataFrame, entangled: pl.DataFrame) -> dict[Moment, int]:
    """Return the moments that are always stored: those of listens in the database, and of plays with one record."""
    several = entangled.group_by("group").len().filter(pl.col("len") > 1).get_column("group")
    in_database = pl.col("listen").is_not_null()
    has_one = ~pl.col("group").is_in(several.implode())
    has_listen = pl.col("group").is_in(plays.filter(in_database).get_column("group").implode())
    forced = plays.filter(in_database | (has_one & ~has_listen))
    for names in _MOMENT[:2]:
        forced = forced.explode(names, empty_as_null=True)
    return {(title, artist, second): group for title, artist, second, group in forced.select(*_MOMENT, "group").rows()}


def _choices(subs: pl.DataFrame) -> dict[int, list[tuple[int, list[Moment]]]]:
    """Return for each group the leaders by which it may be stored, with the moments of each."""
    choices: dict[int, list[tuple[int, list[Moment]]]] = {}
    columns = ("group", "sub_leader", "sub_second", "titles", "artist_codes")
    for group, leader, second, titles, artists in subs.select(columns).iter_rows():
        moments = [(title, artist, second) for title in titles for artist in artists]
        choices.setdefault(group, []).append((leader, moments))
    return choices
