"""Joins pairs of plays into groups, one to one between services and the nearest first. Each group is one play. Pure.

A group never holds two listens of the database, two plays of one service in different seconds (or minutes, where only
the minute is known), or two plays of one second that share no artist: a play by "A & B" is comparable with one by A and
with one by B, which are different plays. Candidates that never break this rule are joined as they are, all at once.
Only if plays compete, as in a track on repeat, are the pairs joined one after the other.
"""

from __future__ import annotations

import msgspec
import polars as pl

from etl.dedupe.start_ranges import MINUTE


def grouped(plays: pl.DataFrame, pairs: pl.DataFrame) -> pl.Series:
    """Return the group of each of ``plays`` (schema PLAYS): the position of one of them.

    ``pairs`` has schema PAIRS. Equally near pairs are ordered by the content of the plays, not by their position.
    """
    labels = connected(plays.height, pairs)
    contested = _contested(plays, labels)
    edges = pairs.with_columns(label=labels.gather(pairs.get_column("play"))).filter(
        pl.col("label").is_in(contested.implode())
    )
    if edges.is_empty():
        return labels
    members = plays.select("play").filter(labels.is_in(contested.implode())).to_series()
    paired = _one_after_the_other(plays, members, edges)
    return labels.scatter(members, paired)


def connected(size: int, pairs: pl.DataFrame) -> pl.Series:
    """Return for each of ``size`` plays the lowest play that it is connected to, over any number of ``pairs``."""
    labels = pl.int_range(size, dtype=pl.Int64, eager=True)
    ours, theirs = pairs.get_column("play"), pairs.get_column("other")
    while True:
        ends = pl.DataFrame({"one": labels.gather(ours), "two": labels.gather(theirs)})
        apart = ends.filter(pl.col("one") != pl.col("two"))
        if apart.is_empty():
            return labels
        high, low = pl.max_horizontal("one", "two"), pl.min_horizontal("one", "two")
        lower = apart.select(high=high, low=low).group_by("high").agg(pl.col("low").min())
        labels = labels.scatter(lower.get_column("high"), lower.get_column("low"))
        while not (shorter := labels.gather(labels)).equals(labels):
            labels = shorter


def _contested(plays: pl.DataFrame, labels: pl.Series) -> pl.Series:
    """Return the labels of the groups that break the rule of the module."""
    rows = plays.select(
        "listen",
        "service",
        "source",
        label=labels,
        second=pl.when(~pl.col("is_coarse")).then("second"),
        minute=_minute(),
    ).filter(pl.col("label").is_duplicated())
    of_database = rows.group_by("label").agg(pl.col("listen").count()).filter(pl.col("listen") > 1)
    of_source = rows.filter(pl.col("source") != pl.col("service")).with_columns(service="source")
    recorders = pl.concat([rows, of_source]).filter(pl.col("service").is_not_null())
    of_service = (
        recorders.group_by("label", "service")
        .agg(pl.col("second").drop_nulls().n_unique(), pl.col("minute").drop_nulls().n_unique())
        .filter((pl.col("second") > 1) | (pl.col("minute") > 1))
    )
    parts = (of_database.get_column("label"), of_service.get_column("label"), _without_common_artist(plays, labels))
    return pl.concat(parts).unique()


def _without_common_artist(plays: pl.DataFrame, labels: pl.Series) -> pl.Series:
    """Return the labels of the groups with plays of one second that have no artist in common."""
    moment = ("label", "clock", "second")
    codes = plays.select(*moment[1:], "artists", label=labels, code=pl.col("artists").hash())
    together = codes.filter(pl.struct(moment).is_duplicated())
    differ = together.group_by(moment).agg(pl.len(), is_one=pl.col("code").min() == pl.col("code").max())
    unlike = together.join(differ.filter(~pl.col("is_one")), on=moment).explode("artists", empty_as_null=True)
    shared = unlike.group_by(*moment, "artists").agg(pl.col("len").first(), has=pl.len())
    most = shared.group_by(moment).agg(pl.col("has").max(), pl.col("len").first())
    return most.filter(pl.col("has") < pl.col("len")).get_column("label")


def _minute() -> pl.Expr:
    """Return the minute by which two records of one service are compared; null if the end is unknown."""
    return pl.when("is_whole").then("ended").otherwise("second") // MINUTE


class _Group(msgspec.Struct):
    """The members of a group so far."""

    listens: set[int] = msgspec.field(default_factory=set)
    seconds: dict[str, int] = msgspec.field(default_factory=dict)
    minutes: dict[str, int] = msgspec.field(default_factory=dict)
    artists: dict[tuple[str, int], list[frozenset[int]]] = msgspec.field(default_factory=dict)
    """Codes of the artists of each play, by clock and second."""

    def can_merge(self, other: _Group) -> bool:
        """Say whether the two may be one group."""
        return (
            len(self.listens | other.listens) < 2
            and all(other.seconds.get(service, second) == second for service, second in self.seconds.items())
            and all(other.minutes.get(service, minute) == minute for service, minute in self.minutes.items())
            and all(self._shares_artists(moment, artists) for moment, artists in other.artists.items())
        )

    def _shares_artists(self, moment: tuple[str, int], others: list[frozenset[int]]) -> bool:
        return all(one & two for one in self.artists.get(moment, ()) for two in others)

    def merge(self, other: _Group) -> None:
        """Merge ``other`` into this group."""
        self.listens |= other.listens
        self.seconds |= other.seconds
        self.minutes |= other.minutes
        for moment, theirs in other.artists.items():
            self.artists.setdefault(moment, []).extend(theirs)


def _one_after_the_other(plays: pl.DataFrame, members: pl.Series, edges: pl.DataFrame) -> list[int]:
    """Return the group of each of ``members``, joined along ``edges`` as long as the rule allows it."""
    second = plays.get_column("second")
    in_order = edges.with_columns(
        one=second.gather(edges.get_column("play")), two=second.gather(edges.get_column("other"))
    ).sort("distance", pl.min_horizontal("one", "two"), pl.max_horizontal("one", "two"), "play", "other")
    parent = {play: play for play in members}
    groups = _groups(plays, members)
    for one, two in in_order.select("play", "other").iter_rows():
        left, right = _root(parent, one), _root(parent, two)
        if left != right and groups[left].can_merge(groups[right]):
            groups[left].merge(groups[right])
            parent[right] = left
    return [_root(parent, play) for play in members]


def _groups(plays: pl.DataFrame, members: pl.Series) -> dict[int, _Group]:
    columns = ("play", "listen", "service", "source", "clock", "second", "is_coarse", "artists")
    wanted = plays[members].select(*columns, minute=_minute())
    groups: dict[int, _Group] = {}
    for play, listen, service, source, clock, second, is_coarse, artists, minute in wanted.iter_rows():
        group = groups[play] = _Group(artists={(clock, second): [frozenset(artists)]})
        if listen is not None:
            group.listens.add(listen)
        for recorder in {service, source} - {None}:
            if not is_coarse:
                group.seconds[recorder] = second
            if minute is not None:
                group.minutes[recorder] = minute
    return groups


def _root(parent: dict[int, int], play: int) -> int:
    while (above := parent[play]) != play:
        parent[play] = parent[above]
        play = above
    return play
