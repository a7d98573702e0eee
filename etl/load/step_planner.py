"""Plans the steps of a round: reads what the round needs once, then applies the rules and makes the batches of a step.

A step sees what earlier steps create, whether or not that is written yet. So a step can be planned while the previous
one is written, as long as nobody else changes what was read; the target prevents or detects that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.load import snapshot
from etl.load.batch_maker import BatchMaker, stage
from etl.load.enrich import enrichment
from etl.resolve.batches import Phase, cut, find_commit_together, needs, resolved_keys
from etl.resolve.catalog import Catalog
from etl.resolve.planner import Planner
from etl.resolve.rows import assign_ids, entity_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from etl.load.batch_maker import ListensByKey
    from etl.load.batch_writer import Batch
    from etl.targets.base import Connection


class PlannedStep(msgspec.Struct, frozen=True):
    """A step that is ready to be written."""

    requests: pl.DataFrame
    """The requests that it resolves (schema REQUESTS)."""
    hits: pl.DataFrame
    """Keys that another run has resolved since this one looked them up; their listens are in the batches too."""
    keys: Sequence[str]
    """All keys with a batch, in the order of the plan."""
    batches: Mapping[Phase, Sequence[Batch]]
    overflow: Sequence[Batch]
    """Listens that do not fit into the batch of their key; they are written last."""
    enrichment: Mapping[str, pl.DataFrame]
    """What is added to existing entities; see ``enrichment``."""
    notes: Mapping[str, str]
    """Remarks about keys that have their ids, by key."""


class StepPlanner:
    """Plans the steps of one round on one catalog. Only one thread at a time may use it."""

    def __init__(
        self,
        user_id: int,
        requests: pl.DataFrame,
        listens: ListensByKey,
        numbers: Iterator[int],
        not_loaded: Callable[[pl.DataFrame], pl.DataFrame],
    ) -> None:
        """Prepare a round for ``requests`` (schema REQUESTS).

        ``numbers`` yields the batch numbers; ``not_loaded`` returns the cached keys whose listens are not loaded.
        """
        self._user_id = user_id
        self._requests = requests
        self._listens = listens
        self._numbers = numbers
        self._not_loaded = not_loaded
        self._planner = Planner(Catalog(), {})
        self._ids = snapshot.NOTHING_NEW
        self._hits: pl.DataFrame | None = None

    def plan(self, connection: Connection, requests: pl.DataFrame, size: int) -> PlannedStep:
        """Plan the next step of the round, for ``requests`` (in order), in batches of about ``size`` rows."""
        if self._hits is None:
            self._hits = self._read(connection)
        is_of_step = pl.col("lookup_key").is_in(requests.get_column("lookup_key").implode())
        hits = self._hits.filter(is_of_step & ~pl.col("lookup_key").is_in(list(self._planner.plan.ids)))
        self._planner.begin_plan(snapshot.hit_ids(hits))
        plan = self._planner.resolve_all(requests)
        self._ids = snapshot.allocate_ids(connection, plan, self._ids)

        late = self._not_loaded(hits)
        resolved = resolved_keys(plan, self._planner.catalog)
        needed = needs(plan, resolved)
        listens = self._listens.of(resolved, late)
        per_key = listens.group_by("lookup_key").len()
        counts = resolved.join(per_key, on="lookup_key", how="left", maintain_order="left").get_column("len")
        together = find_commit_together(self._planner.catalog, resolved, needed)
        division = cut(resolved, needed, together, counts.fill_null(0).cast(pl.Int64), size)
        lookups = assign_ids(resolved, self._ids)
        entities = entity_rows(plan, self._ids, lookups, needed, division)
        staged = stage(listens, pl.concat([lookups.drop("position"), late]), self._user_id)
        batches, overflow = BatchMaker(size, self._numbers).of_round(lookups, staged, division, entities)
        return PlannedStep(
            requests,
            late,
            (*plan.resolved, *late.get_column("lookup_key")),
            batches,
            overflow,
            enrichment(plan, self._ids),
            plan.notes,
        )

    def _read(self, connection: Connection) -> pl.DataFrame:
        """Read what the round needs into the catalog; return the keys that are cached by now (schema TRACK_LOOKUP)."""
        hits = snapshot.read_hits(connection, self._requests.get_column("lookup_key").unique())
        snapshot.read_catalog(self._planner.catalog, connection, self._requests, hits)
        return hits
