"""Makes the batches of a round from listens that have their ids. Pure, except that it numbers the batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.schema import STAGE
from etl.load.batch_writer import Batch
from etl.resolve.batches import ROWS_PER_KEY, Phase
from etl.resolve.rows import EntityRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


PART = 5_000
"""Requests whose listens are kept together."""


def stage(listens: pl.DataFrame, keys: pl.DataFrame, user_id: int) -> pl.DataFrame:
    """Return the listens of ``keys`` (lookup_key, track_id): schema STAGE and lookup_key, each (track, second) once.

    Of duplicates, that of the first key is kept, and of one key the first client by name, never that of a certain file
    or row. ``keys`` are in the order of the rounds, so where a round ends makes no difference; see ``repeats``.
    """
    order = keys.select("lookup_key", "track_id").with_row_index("order")
    rows = listens.select("lookup_key", "listened_at", "client").join(order, on="lookup_key")
    rows = rows.with_columns(user_id=pl.lit(user_id, STAGE["user_id"]))
    pair = ["track_id", "listened_at"]
    if rows.select(pair).is_duplicated().any():
        rows = rows.sort("order", "client", nulls_last=True).unique(pair, keep="first", maintain_order=True)
    return rows.drop("order")


class ListensByKey:
    """The listens of a load, split by the requests for their keys, so that a round looks only at nearby listens."""

    def __init__(self, listens: pl.DataFrame, requests: pl.DataFrame) -> None:
        """Split ``listens`` (lookup_key, listened_at, client) by ``requests`` (schema REQUESTS, in order)."""
        numbered = requests.select("lookup_key").with_row_index("part").with_columns(pl.col("part") // PART)
        self._part_of_key = numbered.unique("lookup_key", keep="first")
        self._none = listens.clear()
        divided = listens.join(self._part_of_key, on="lookup_key").partition_by("part", as_dict=True, include_key=False)
        self._parts = {number: rows for (number,), rows in divided.items()}

    def rows(self, requests: pl.DataFrame) -> pl.Series:
        """Return about how many rows of all tables each of ``requests`` (lookup_key) adds."""
        counted = self.of(requests).group_by("lookup_key").agg(pl.len().cast(pl.Int64).alias("listens"))
        counts = requests.select("lookup_key").join(counted, on="lookup_key", how="left", maintain_order="left")
        return counts.get_column("listens").fill_null(0) + ROWS_PER_KEY

    def of(self, *keys: pl.DataFrame) -> pl.DataFrame:
        """Return the listens of ``keys`` (lookup_key), and possibly others."""
        wanted = pl.concat(one.select("lookup_key") for one in keys)
        parts = self._part_of_key.join(wanted, on="lookup_key", how="semi").get_column("part").unique().sort()
        return pl.concat([self._none, *(self._parts[number] for number in parts if number in self._parts)])


class BatchMaker(msgspec.Struct, frozen=True):
    """Makes batches of about ``size`` rows and gives them their ``numbers``."""

    size: int
    numbers: Iterator[int]

    def of_hits(self, staged: pl.DataFrame, workers: int) -> list[Batch]:
        """Return the batches of listens whose keys are cached, equal in size, so that all workers end together."""
        rows = staged.sort("track_id", "listened_at")
        return [self._batch(part) for part in rows.iter_slices(_even(rows.height, self.size, workers))]

    def of_round(
        self, lookups: pl.DataFrame, staged: pl.DataFrame, division: pl.DataFrame, entities: Mapping[int, EntityRows]
    ) -> tuple[dict[Phase, list[Batch]], list[Batch]]:
        """Return the batches of a round by phase, and those of listens that do not fit into the batch of their key.

        ``lookups`` is what ``assign_ids`` returns, ``staged`` what ``stage`` returns, ``division`` what ``cut`` returns
        and ``entities`` what ``entity_rows`` returns.
        """
        keyed = lookups.select("position", "lookup_key").join(division, on="position", maintain_order="left")
        rows = staged.join(keyed, on="lookup_key", how="left").sort("batch", "track_id", "listened_at")
        listens = rows.partition_by("batch", as_dict=True)
        batches: dict[Phase, list[Batch]] = {phase: [] for phase in Phase}
        overflow = [listens[None,]] if (None,) in listens else []
        for (number, phase), keys in keyed.sort("batch", "position").group_by("batch", "phase", maintain_order=True):
            own, rest = self._with_each_track(listens.get((number,), rows.clear()))
            batches[Phase(phase)].append(self._batch(own, keys.get_column("lookup_key").to_list(), entities[number]))
            overflow.append(rest)
        later = pl.concat([rows.clear(), *overflow])
        return batches, [self._batch(part) for part in later.iter_slices(self.size)]

    def _with_each_track(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows for their keys' batch, at least one of each track, and those that do not fit into it."""
        if rows.height <= self.size:
            return rows, rows.clear()
        is_first = rows.get_column("track_id").is_first_distinct()
        size = max(self.size, rows.get_column("track_id").n_unique())
        ordered = rows.with_columns(is_later=~is_first).sort("is_later", maintain_order=True).drop("is_later")
        return ordered.head(size), ordered.slice(size)

    def _batch(
        self, rows: pl.DataFrame, keys: Sequence[str] | None = None, entities: EntityRows | None = None
    ) -> Batch:
        listens = rows.select(STAGE.names())
        if keys is not None:
            return Batch(next(self.numbers), listens, keys, entities or EntityRows())
        cached = rows.select("lookup_key", "track_id").unique().sort("lookup_key")
        return Batch(next(self.numbers), listens, cached.get_column("lookup_key").to_list(), cached=cached)


def _even(rows: int, most: int, workers: int) -> int:
    """Return how many rows, at most ``most``, each batch must have for all ``workers`` to end at the same time."""
    batches = workers * max(1, -(-rows // (workers * most)))
    return max(1, -(-rows // batches))
