"""What a run would do, from one read-only snapshot of the database: the same rules, placeholder ids, no writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.load import snapshot
from etl.load.batch_writer import present_listens
from etl.load.loader import plan_requests, stage
from etl.resolve.batches import resolved_keys
from etl.resolve.rows import assign_ids

if TYPE_CHECKING:
    from etl.load.result import LoadResult
    from etl.targets.base import Connection


def simulate_load(
    connection: Connection, user_id: int, listens: pl.DataFrame, found: snapshot.LookupResult, loaded: LoadResult
) -> None:
    """Fill ``loaded`` with what loading ``listens`` (schema NORMALIZED), whose keys were ``found``, would come to."""
    requests, hits = found.to_resolve, found.hits
    catalog = snapshot.read_catalog(connection, requests, hits)
    plan = plan_requests(catalog, hits, requests)
    lookups = assign_ids(resolved_keys(plan, catalog), snapshot.placeholder_ids(plan)).drop("place")
    loaded.hits.append(hits)
    loaded.resolved.append(lookups)
    loaded.notes.update(plan.notes)
    loaded.created.update(artists=len(plan.artists), albums=len(plan.releases), tracks=len(plan.tracks))
    staged = stage(listens, pl.concat([hits.sort("lookup_key"), lookups]), user_id)
    present = present_listens(connection, staged.filter(pl.col("track_id") > 0))
    loaded.inserted.append(
        staged.join(present, on=["track_id", "listened_at"], how="anti").select("track_id", "listened_at")
    )
    of_others = present.filter(pl.col("user_id") != user_id)
    loaded.of_other_users.append(of_others.select("track_id", "listened_at"))
