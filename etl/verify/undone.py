"""Verifies undos and dedupes, and finds the missing listens that one of them removed, so that they are not expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import REMOVED, Outcome
from etl.runs.directory import RunDirectory
from etl.runs.insertions import read_removed
from etl.targets import ledger
from etl.verify.checks import Check, Result
from etl.verify.ledger import ABOUT as LEDGER_ABOUT
from etl.verify.ledger import DIFFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from etl.targets.base import Connection

REMOVED_ABOUT = "the rows of removed.parquet add up to the counts in run.json"

_SECOND = pl.col("listened_at").dt.epoch("s")


def with_undone(connection: Connection, absent: pl.DataFrame, run: RunDirectory) -> pl.DataFrame:
    """Return ``absent`` (STORED, and state) of ``run``; those that an undo or dedupe removed get state undone.

    The directory of the undo or dedupe lists what it removed. If that directory is gone, it may have removed any listen
    that the run had found in the database.
    """
    undos = connection.query("undo_excused", run.run_id) if absent.height else None
    if undos is None or undos.is_empty():
        return absent
    recorded = [read_removed(RunDirectory(run.path.with_name(name))) for name in undos.get_column("run_id")]
    listed = pl.concat([REMOVED.to_frame(), *(one for one in recorded if one is not None)]).with_columns(second=_SECOND)
    places = pl.int_range(pl.len())
    rows = absent.with_columns(place=places)
    named = [
        rows.join(listed, on=columns, how="semi").get_column("place")
        for columns in (["track_id", "second"], ["lookup_key", "second"])
    ]
    is_excused = pl.col("place").is_in(pl.concat(named).implode())
    if undos.get_column("is_own").any():
        is_excused |= pl.col("outcome") == str(Outcome.INSERTED)
    if any(one is None for one in recorded):
        is_excused |= pl.col("outcome") == str(Outcome.ALREADY_PRESENT)
    state = pl.when((pl.col("state") == "missing") & is_excused).then(pl.lit("undone")).otherwise("state")
    return rows.with_columns(state=state).drop("place")


def check_removed(manifest: Mapping[str, Any], recorded: pl.DataFrame | None) -> Check:
    """Compare the counts in ``run.json`` of an undo with its ``removed.parquet`` (schema REMOVED)."""
    if recorded is None:
        result = Result.NOT_CHECKED if manifest["error"] else Result.FAILED
        return Check("removed", REMOVED_ABOUT, result, reason="there is no readable removed.parquet")
    found = dict(recorded.group_by("outcome").len().iter_rows())
    rows = [
        (name, str(manifest["counts"][name]), str(found.get(name, 0)))
        for name in ("removed", "gone_before")
        if manifest["counts"][name] != found.get(name, 0)
    ]
    return Check.of("removed", REMOVED_ABOUT, pl.DataFrame(rows, {"count": pl.String, "run_json": pl.String,
                                                                  "parquet": pl.String}, orient="row"))  # fmt: skip


def check_removal_ledger(connection: Connection, manifest: Mapping[str, Any]) -> Check:
    """Compare ``run.json`` of a removal with the ledger; a failed one may not know of its last commit."""
    held, recorded = ledger.listens_removed(connection, manifest["run_id"]), int(manifest["counts"]["removed"])
    undone_run = manifest.get("undone_run")
    undone = ledger.find_undoable(connection, undone_run) if undone_run else None
    is_cut_short = manifest["error"] is not None
    rows = []
    if held < recorded or (held > recorded and not is_cut_short):
        rows.append(("removed", str(recorded), str(held)))
    if undone_run and not is_cut_short and (undone is None or not undone.is_undone):
        rows.append(("undone run", undone_run, "not marked as undone"))
    return Check.of("ledger", LEDGER_ABOUT, pl.DataFrame(rows, DIFFERENCES, orient="row"))
