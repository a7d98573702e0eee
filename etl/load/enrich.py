"""Adds what a plan knows to existing entities that lack it: MBIDs, durations, aliases. Nothing is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.resolve.rows import TABLES, alias_rows, first_new
from etl.targets.base import CAUSED_BY_ROWS, Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.resolve.planner import Plan
    from etl.resolve.rows import NewIds
    from etl.targets.base import Connection, Target

ENRICH_ALIASES = {"artist": "enrich_artist_aliases", "album": "enrich_release_aliases", "track": "enrich_track_aliases"}


def enrichment(plan: Plan, ids: NewIds) -> dict[str, pl.DataFrame]:
    """Return what ``plan`` adds to existing entities, by the statement that writes it.

    Columns out: id and value, or for aliases id, alias and source.
    """
    values: dict[str, tuple[str, Mapping[int, str] | Mapping[int, int]]] = {
        "enrich_artists": ("artists", plan.artist_mbids),
        "enrich_releases": ("releases", plan.release_mbids),
        "enrich_tracks": ("tracks", plan.track_mbids),
        "enrich_durations": ("tracks", plan.durations),
    }
    changes = {
        name: pl.DataFrame({"id": _real(ids, table, found), "value": list(found.values())})
        for name, (table, found) in values.items()
        if found
    }
    for entity, name in ENRICH_ALIASES.items() if plan.aliases else ():
        old = alias_rows(plan, entity).filter(pl.col("number") < first_new(plan, entity))
        if old.height:
            number = ids.real(TABLES[entity], old.get_column("number")).alias("id")
            changes[name] = old.select(number, "alias", "source")
    return changes


def enrich(target: Target, connection: Connection, changes: Mapping[str, pl.DataFrame]) -> Failure | None:
    """Write ``changes`` and commit, which ends the round; return the failure if the data have just changed."""
    try:
        if changes:
            target.begin_batch(connection)
        for name, rows in changes.items():
            connection.execute(name, rows)
        connection.commit()
    except StatementError as error:
        connection.rollback()
        if error.failure not in (*CAUSED_BY_ROWS, Failure.TRANSIENT):
            raise
        return error.failure
    return None


def _real(ids: NewIds, table: str, values: Mapping[int, str] | Mapping[int, int]) -> pl.Series:
    return ids.real(table, pl.Series(list(values), dtype=pl.Int64))
