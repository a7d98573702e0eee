"""Compares the listens of a run with what ``listens`` and ``track_lookup`` contain today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.schema import TRACK_LOOKUP
from etl.verify.checks import Check, Result
from etl.verify.files import Checksum
from etl.verify.undone import with_undone

if TYPE_CHECKING:
    from etl.targets.base import Connection
    from etl.verify.files import RunFiles

LISTENS_ABOUT = "every listen that the run inserted or found is in the database"
CHANGES_ABOUT = "the keys of the run still refer to the same artists, albums and tracks"
MISSING_REASON = "a listen deleted in Koito looks the same"


def check_listens(connection: Connection, files: RunFiles, run_id: str) -> tuple[list[Check], dict[str, Any]]:
    """Return the checks of the run's listens and keys, and the numbers that they compare.

    If the track of a listen was merged, the listen is expected under the track that its key refers to today. If the
    track was deleted, the listen is no longer expected.
    """
    recorded = files.stored_listens()
    gone = with_undone(connection, _absent(connection, files, recorded, run_id), files.run)
    rest = recorded.join(gone.select("track_id", "second"), on=["track_id", "second"], how="anti")
    merged = gone.filter(state="merged")
    moved = merged.select("track_now", "second").rename({"track_now": "track_id"})
    missing = gone.filter(state="missing")
    today = pl.concat([rest.select("track_id", "second"), moved, missing.select("track_id", "second")]).unique()
    expected, found = files.checksum(today), count_stored(connection, today)
    lost = Check(
        "listens",
        LISTENS_ABOUT,
        Result.OK if expected == found else Result.FAILED,
        missing.select("file", "row", "lookup_key", "track_id", "second", "outcome"),
        MISSING_REASON if missing.height else "",
    )
    numbers = {
        "then": recorded.height,
        "merged_since": merged.height,
        "removed_since": gone.filter(state="removed").height,
        "undone_since": gone.filter(state="undone").height,
        "missing": missing.height,
        "expected": expected._asdict(),
        "found": found._asdict(),
    }
    return [lost, _changes(connection, files)], {"listens": numbers}


def _absent(connection: Connection, files: RunFiles, recorded: pl.DataFrame, run_id: str) -> pl.DataFrame:
    """Return the missing ones of ``recorded``, with ``track_now`` and ``state``; no rows if the checksums are equal."""
    rows = recorded.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    states = pl.DataFrame(schema={"place": pl.Int64, "track_now": TRACK_LOOKUP["track_id"], "state": pl.String})
    if files.checksum(recorded.select("track_id", "second")) != count_stored(connection, recorded):
        wanted = rows.select("place", "lookup_key", "track_id", "second")
        states = connection.query("absent_listens", wanted, run_id)
    return rows.join(states, on="place", how="inner", maintain_order="left").drop("place")


def count_stored(connection: Connection, pairs: pl.DataFrame) -> Checksum:
    """Return how many of ``pairs`` (track_id, second) the database has, and their checksum."""
    found = connection.query("stored_checksum", pairs.select("track_id", "second"))
    return Checksum._make(found.row(0))


def _changes(connection: Connection, files: RunFiles) -> Check:
    """Return the keys that were merged, or deleted with their entities, since the run, but not by an undo."""
    undone_by = files.run.read_manifest().get("undone_by")
    if undone_by:
        return Check("changes", CHANGES_ABOUT, Result.CHANGED_SINCE, reason=f"the run was undone by run {undone_by}")
    changes = files.key_changes(connection.query("lookup_keys", files.keys()))
    return Check.of("changes", CHANGES_ABOUT, changes, otherwise=Result.CHANGED_SINCE)
