"""Describes the members of groups: which of them are the same, and which one leads them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from etl.dedupe.clashes import without_clashes
from etl.normalize.key import BETWEEN_ARTISTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.dedupe.services import RecordingService

OPTIONAL_COLUMNS = ("album", "recording_mbid", "release_mbid", "duration")
"""Columns that one row may have and another not."""

SAME_RECORD = ("group", "sub_clock", "sub_second")
"""Rows with equal values in these columns are the same."""

_RANKS = 1000  # more than there are services
_TEXTS = ("artist", "track", "album", "client", "lookup_key", "file", "row")


class Content(NamedTuple):
    """The frames that were compared, unchanged."""

    listens: pl.DataFrame
    """The columns COMPARED; a ``place`` is a position in it."""
    nearby: pl.DataFrame
    """Schema NEARBY."""
    cached: pl.DataFrame
    """Schema CACHED: the keys that the database has."""
    services: Sequence[RecordingService]


def members(rows: pl.DataFrame, plays: pl.DataFrame, groups: pl.Series) -> pl.DataFrame:
    """Return the ``rows`` whose group has another member, with play, ``SAME_RECORD`` and the listen of the database.

    ``rows`` has the columns place, play, rank (of the service), unknown (how many details the row lacks) and key;
    ``groups`` is the group of each of ``plays`` (schema PLAYS). ``held`` is a row of NEARBY, ``held_*`` its play.
    """
    of_play = plays.select("play", "listen", "service", "clock", "second", "is_coarse", group=groups)
    held = of_play.filter(pl.col("listen").is_not_null()).select(
        "group", held="listen", held_play="play", held_service="service", held_clock="clock", held_second="second"
    )
    each = pl.concat([groups.gather(rows.get_column("play")), held.get_column("group")])
    shared = each.filter(each.is_duplicated()).unique().implode()
    mine = of_play.filter(pl.col("listen").is_null() & pl.col("group").is_in(shared)).drop("listen")
    subs = _with_subs(mine.join(held, on="group", how="left"))
    return rows.join(subs, on="play", maintain_order="left")


def _with_subs(plays: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of ``SAME_RECORD``: plays of a group are the same if they have the same second by the same clock.

    A record with only the minute is the same as the exact one of its service in the group.
    """
    exact = (
        plays.filter(~pl.col("is_coarse"))
        .sort("play")
        .unique(["group", "service"], keep="first", maintain_order=True)
        .select("group", "service", exact_clock="clock", exact_second="second")
    )
    joined = plays.join(exact, on=["group", "service"], how="left", maintain_order="left")
    coarse, of_held = pl.col("is_coarse"), (pl.col("service") == pl.col("held_service")).fill_null(value=False)
    clock = pl.when(coarse & of_held).then("held_clock").when(coarse).then(pl.col("exact_clock").fill_null("minute"))
    second = pl.when(coarse & of_held).then("held_second").when(coarse).then(pl.coalesce("exact_second", "second"))
    return joined.with_columns(sub_clock=clock.otherwise("clock"), sub_second=second.otherwise("second")).drop(
        "exact_clock", "exact_second"
    )


def with_leaders(rows: pl.DataFrame, plays: pl.DataFrame, groups: pl.Series, listens: pl.DataFrame) -> pl.DataFrame:
    """Add to ``members`` the ``sub_leader`` and ``leader_key`` of the same rows, and the ``group_leader`` of the group.

    The leader of the same rows is the one with the most details. The leader of a group is a row that has its second, of
    the preferred service.
    ``listens`` has the columns COMPARED.
    """
    leaders = _of_subs(rows, listens)
    in_order = leaders.sort("group", "is_coarse", "rank", "unknown", "sub_second", "sub_clock")
    chosen = without_clashes(in_order, plays, groups)
    first = leaders.filter(pl.col("sub_leader").is_in(chosen.implode())).select("group", group_leader="sub_leader")
    of_subs = leaders.select(*SAME_RECORD, "sub_leader", leader_key="key")
    return rows.join(of_subs, on=list(SAME_RECORD), maintain_order="left").join(
        first, on="group", maintain_order="left"
    )


def _of_subs(rows: pl.DataFrame, listens: pl.DataFrame) -> pl.DataFrame:
    """Return the leader of the rows that are the same, by ``SAME_RECORD``, each once."""
    columns = (*SAME_RECORD, "play", "held", "is_coarse", "rank", "unknown", "key")
    is_shared = rows.select(pl.struct(*SAME_RECORD).is_duplicated()).to_series()
    alone = rows.filter(~is_shared).select(*columns, sub_leader="place")
    order = (pl.col("is_coarse").cast(pl.Int64) * len(_TEXTS) + pl.col("unknown")) * _RANKS + pl.col("rank")
    shared = rows.filter(is_shared).with_columns(order=order)
    best = shared.group_by(*SAME_RECORD).agg(pl.col("order").min())
    equal = shared.join(best, on=[*SAME_RECORD, "order"], how="semi")
    with_texts = equal.hstack(listens.select(pl.col(_TEXTS).gather(equal.get_column("place")).name.suffix("_text")))
    texts = [f"{name}_text" for name in _TEXTS]
    first = with_texts.sort(texts, nulls_last=True).unique(list(SAME_RECORD), keep="first", maintain_order=True)
    return pl.concat([alone, first.select(*columns, sub_leader="place")])


def is_itself(rows: pl.DataFrame, content: Content, listen: str) -> pl.Series:
    """Say for each row whether the load would match it to the listen: its key leads, or would lead, to that track.

    ``listen`` names the column with a row of NEARBY. A key that the database does not have is matched by exact names
    and the album. This does not hold if another row has a known key of the same listen, or if the run spells the key in
    several ways, because the load may then choose another spelling.
    """
    known = content.cached.select("lookup_key", cached_id="track_id")
    there = content.nearby.select(
        "track_id", "second", "titles", "artists", "albums", at=pl.int_range(pl.len(), dtype=pl.Int64)
    )
    columns = ("listened_at", "lookup_key", "artists", "track", "album")
    joined = (
        content.listens.select(pl.col(columns).gather(rows.get_column("place")))
        .with_columns(at=rows.get_column(listen))
        .join(there, on="at", how="left", suffix="_there", maintain_order="left")
        .join(known, on="lookup_key", how="left", maintain_order="left")
    )
    in_second = pl.col("listened_at").dt.epoch("s") == pl.col("second")
    by_key = (in_second & (pl.col("cached_id") == pl.col("track_id"))).fill_null(value=False)
    by_names = (
        in_second
        & pl.col("cached_id").is_null()
        & pl.col("track").is_in(pl.col("titles"))
        & pl.coalesce("album", "track").is_in(pl.col("albums"))
        & (pl.col("artists").list.set_difference("artists_there").list.len() == 0)
    ).fill_null(value=False)
    found = joined.select("lookup_key", by_key=by_key, by_names=by_names & ~by_key.any().over("at"))
    several = _spelled_in_several_ways(content.listens, found.filter("by_names").get_column("lookup_key"))
    return found.select(pl.col("by_key") | (pl.col("by_names") & ~pl.col("lookup_key").is_in(several))).to_series()


def _spelled_in_several_ways(listens: pl.DataFrame, keys: pl.Series) -> list[str]:
    """Return those of ``keys`` whose ``listens`` (the columns COMPARED) differ in title, artists or album."""
    if keys.is_empty():
        return []
    of_keys = listens.filter(pl.col("lookup_key").is_in(keys.unique().implode()))
    album = pl.coalesce("album", "track")
    names = of_keys.select("lookup_key", "track", pl.col("artists").list.join(BETWEEN_ARTISTS), album).unique()
    return names.filter(names.get_column("lookup_key").is_duplicated()).get_column("lookup_key").unique().to_list()
