"""Adds to entities that exist what a plan knows and they lack: MBIDs, durations, aliases. Nothing is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.resolve.rows import added_aliases
from etl.targets.base import OF_THE_ROWS, Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.resolve.planner import Plan
    from etl.targets.base import Connection, Target

ENRICH_ALIASES = {"artist": "enrich_artist_aliases", "album": "enrich_release_aliases", "track": "enrich_track_aliases"}


def enrich(target: Target, connection: Connection, plan: Plan) -> Failure | None:
    """Add what is missing and commit, which ends the round; return the failure where the data have just changed."""
    changes: dict[str, Mapping[int, str] | Mapping[int, int]] = {
        "enrich_artists": plan.artist_mbids,
        "enrich_releases": plan.release_mbids,
        "enrich_tracks": plan.track_mbids,
        "enrich_durations": plan.durations,
    }
    try:
        if plan.aliases or any(changes.values()):
            target.begin_batch(connection)
        for name, values in changes.items():
            if values:
                connection.execute(name, _changes(values))
        if plan.aliases:
            for entity, rows in added_aliases(plan).items():
                connection.execute(ENRICH_ALIASES[entity], rows)
        connection.commit()
    except StatementError as error:
        connection.rollback()
        if error.failure not in (*OF_THE_ROWS, Failure.TRANSIENT):
            raise
        return error.failure
    return None


def _changes(values: Mapping[int, str] | Mapping[int, int]) -> pl.DataFrame:
    return pl.DataFrame({"id": pl.Series(list(values), dtype=pl.Int32), "value": pl.Series(list(values.values()))})
