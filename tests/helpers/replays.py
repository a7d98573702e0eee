"""Runs replays in this process, and reads the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.core.workspace import Workspace
from etl.pipeline import run as pipeline
from etl.pipeline.replay import replay_settings, replayable
from etl.runs.directory import RunDirectory
from tests.helpers.support import query

if TYPE_CHECKING:
    import polars as pl


def run_of(manifest: dict[str, Any]) -> RunDirectory:
    return RunDirectory(Path(manifest["run_dir"]))


def frame(manifest: dict[str, Any], name: str) -> pl.DataFrame:
    return run_of(manifest).read_frame(name)


def replay(home: Path, uri: str, manifest: dict[str, Any], **options: Any) -> dict[str, Any]:  # noqa: ANN401
    """Replay a run in this process and return the new manifest."""
    left = replayable(run_of(manifest))
    given = {"user": None, "workers": 2, "dry_run": False, "max_rejects": 0, **options}
    return pipeline.replay(Workspace(home, uri), replay_settings(left, **given), left)


def statuses(manifest: dict[str, Any]) -> list[str]:
    return [file["status"] for file in manifest["files"]]


def files_in_ledger(uri: str) -> list[tuple[Any, ...]]:
    columns = "path, records::int, unresolved::int, finished_at IS NOT NULL"
    rows = query(uri, f"SELECT {columns} FROM etl.files ORDER BY path")
    return [(*row[:3], bool(row[3])) for row in rows]


def ledger(uri: str) -> list[tuple[Any, ...]]:
    """Return everything in the ledger."""
    tables = ("files", "batches", "runs")
    return sorted((row for table in tables for row in query(uri, f"SELECT * FROM etl.{table}")), key=repr)
