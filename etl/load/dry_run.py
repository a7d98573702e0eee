"""Simulates a load on one read-only snapshot of the database: the same rules, placeholder ids, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import TRACK_LOOKUP
from etl.load import snapshot
from etl.load.batch_maker import stage
from etl.load.batch_writer import LISTEN_PAIRS, present_listens
from etl.load.load_log import CommittedBatch, StepResult, StepStart
from etl.resolve.batches import resolved_keys
from etl.resolve.catalog import Catalog
from etl.resolve.planner import Planner
from etl.resolve.rows import assign_ids

if TYPE_CHECKING:
    from etl.load.load_log import Entry
    from etl.targets.base import Connection


def simulate_load(
    connection: Connection, user_id: int, listens: pl.DataFrame, found: snapshot.LookupResult
) -> list[Entry]:
    """Return the log of loading ``listens`` (schema NORMALIZED), whose keys were ``found``, in one round."""
    requests, hits = found.to_resolve, found.hits
    catalog = Catalog()
    snapshot.read_catalog(catalog, connection, requests, hits)
    plan = Planner(catalog, snapshot.hit_ids(hits)).resolve_all(requests)
    lookups = assign_ids(resolved_keys(plan, catalog), snapshot.placeholder_ids(plan)).select(TRACK_LOOKUP.names())
    staged = stage(listens, pl.concat([hits.sort("lookup_key"), lookups]), user_id)
    present = present_listens(connection, staged.filter(pl.col("track_id") > 0))
    pairs = staged.select(LISTEN_PAIRS.names())
    batch = CommittedBatch(
        number=1,
        resolved=lookups,
        reached=pairs,
        inserted=pairs.join(present, on=LISTEN_PAIRS.names(), how="anti"),
        of_other_users=present.filter(pl.col("user_id") != user_id).select(LISTEN_PAIRS.names()),
        created={"artists": len(plan.artists), "albums": len(plan.releases), "tracks": len(plan.tracks)},
    )
    return [StepStart(hits.select(TRACK_LOOKUP.names())), batch, StepResult({}, plan.notes)]
