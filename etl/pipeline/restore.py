"""Undoes a dedupe by loading again the listens that it removed, as a run of its own."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.errors import ExitCode
from etl.core.schema import FileStatus, Outcome, RunStatus
from etl.core.settings import UNDO, RunSettings
from etl.extract.rows import FileResult, concat
from etl.pipeline.library import DATABASE
from etl.pipeline.replay import as_normalized
from etl.pipeline.run import load_again
from etl.runs.directory import RunDirectory
from etl.runs.insertions import read_removed
from etl.targets import ledger
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from etl.core.workspace import Workspace
    from etl.targets.base import Connection

logger = logging.getLogger(__name__)


def removed_listens(run: RunDirectory, reached: int) -> pl.DataFrame:
    """Return the listens (schema LISTENS) that a dedupe removed; its committed batches cover the first ``reached``.

    The dedupe's own count may be too low: its last batch may have been committed when the connection was lost.
    Raises ``InputError`` if the directory does not have them.
    """
    listens = run.read_frame("listens").head(reached)
    outcomes = read_removed(run)
    if outcomes is None:
        return listens
    gone_before = outcomes.filter(outcome="gone_before").select("file", "row")
    return listens.join(gone_before, on=["file", "row"], how="anti", maintain_order="left")


def restore(
    workspace: Workspace, run: RunDirectory, listens: pl.DataFrame, user_id: int, *, dry_run: bool = False
) -> dict[str, Any]:
    """Load the ``listens`` that the dedupe ``run`` removed; return and raise as ``etl.pipeline.run.run`` does.

    Listens that exist again count as ``already_present``. Tracks, albums and artists that were removed with them are
    found or created by their names and MBIDs. The dedupe counts as undone once every listen is back.
    """
    settings = RunSettings(source=UNDO, user=str(user_id), doubles="keep", dry_run=dry_run)
    rows = concat([FileResult(DATABASE, FileStatus.LOADED, listens=as_normalized(listens))])
    manifest = {**load_again(workspace, settings, rows, user_id), "undone_run": run.run_id}
    directory = RunDirectory(Path(manifest["run_dir"]))
    if not (manifest["error"] or dry_run) and (lost := _count_not_restored(run, directory)):
        logger.warning(
            "%s listens were not restored: another track with their names has a listen at that second", f"{lost:,}"
        )
        manifest |= {"status": str(RunStatus.PARTIAL), "exit_code": int(ExitCode.REJECTS)}
    directory.write_manifest(manifest)
    if manifest["exit_code"] == ExitCode.OK and not dry_run:
        _mark(workspace, run, directory.run_id)
    return manifest


def _count_not_restored(run: RunDirectory, directory: RunDirectory) -> int:
    """Return how many listens were not loaded because another one, such as the one that was kept, takes their place."""
    kept = run.read_frame("likely_doubles").select("file", "row", "double_of")
    outcome = directory.read_frame("outcome").select(
        "file", "row", "outcome", now=pl.format("database!{}:{}", "track_id", pl.col("listened_at").dt.epoch("s"))
    )
    is_kept_one = (pl.col("outcome") == str(Outcome.ALREADY_PRESENT)) & (pl.col("now") == pl.col("double_of"))
    is_equal = pl.col("outcome") == str(Outcome.DUPLICATE_IN_INPUT)
    return outcome.join(kept, on=["file", "row"]).filter(is_kept_one | is_equal).height


def _mark(workspace: Workspace, run: RunDirectory, undone_by: str) -> None:
    """Record in the ledger, and in ``run.json`` of the dedupe, that it is undone."""
    target = find_target(workspace)
    connection, _ = open_interruptibly(target)

    def mark(control: Connection) -> None:
        ledger.mark_undone(control, run.run_id, undone_by)

    with closing(Pool(target, connection, 1)) as pool:
        pool.control(lambda control: ledger.retry_on_conflict(control, mark))
    run.mark_undone(undone_by)
