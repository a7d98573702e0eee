"""Puts together what the ledger knows of the newest runs and what their run directories say of them."""

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
"""How many runs are looked at."""
COUNTED = ("records", "already_present", "duplicate_in_input", "skipped", "rejected", "unresolved", "removed")
"""What only the run directory knows, null without it; what a run of another kind does not count is null, too."""
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

    Columns out: LOADS. The status is ``undone`` for a run that was taken back, ``unfinished`` for one without an end.
    """
    rows = [{**row, **_account(row, _manifest(runs / row["run_id"]))} for row in recorded.iter_rows(named=True)]
    return pl.DataFrame(rows, LOADS)


def _account(row: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    counts = manifest.get("counts", {})
    status = UNDONE if manifest.get("undone_by") else manifest.get("status") or row["status"] or UNFINISHED
    return {"status": status, **{name: counts.get(name) for name in COUNTED}}


def _manifest(path: Path) -> dict[str, Any]:
    """Return ``run.json``; an empty one where the directory was pruned, lies in another home, or is unfinished."""
    try:
        return RunDirectory(path).read_manifest()
    except InputError:
        return {}
