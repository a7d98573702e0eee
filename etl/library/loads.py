"""Combines what the ledger and the run directories record about the newest runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.errors import InputError
from etl.core.schema import TIME
from etl.runs.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEWEST = 20
"""The number of newest runs to read."""
COUNTED = ("records", "already_present", "duplicate_in_input", "skipped", "rejected", "unresolved", "removed")
"""Columns that only the run directory has. Null without it, and null if a run of this kind does not count that."""
_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "run_id": pl.String,
    "began": TIME,
    "source": pl.String,
    "status": pl.String,
    "inserted": pl.Int64,
    **dict.fromkeys(COUNTED, pl.Int64),
}
LOADS = pl.Schema(_COLUMNS)
UNDONE, UNFINISHED = "undone", "unfinished"


def with_accounts(recorded: pl.DataFrame, runs: Path) -> pl.DataFrame:
    """Return ``recorded`` (run_id, began, source, status, inserted) with the accounts in the folder ``runs``.

    Columns out: LOADS. The status is ``undone`` for a run that was undone, ``unfinished`` for one that did not end.
    """
    rows = [{**row, **_account(row, _manifest(runs / row["run_id"]))} for row in recorded.iter_rows(named=True)]
    return pl.DataFrame(rows, LOADS)


def _account(row: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    counts = manifest.get("counts", {})
    status = UNDONE if manifest.get("undone_by") else manifest.get("status") or row["status"] or UNFINISHED
    return {"status": status, **{name: counts.get(name) for name in COUNTED}}


def _manifest(path: Path) -> dict[str, Any]:
    """Return ``run.json``; empty if the directory was pruned, is in another home, or belongs to an unfinished run."""
    try:
        return RunDirectory(path).read_manifest()
    except InputError:
        return {}
