"""Undoes a dedupe: loads the listens that it removed again, as a run of its own."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.core.schema import FileStatus
from etl.core.settings import UNDO, RunSettings
from etl.extract.rows import FileResult, concat
from etl.pipeline.library import DATABASE
from etl.pipeline.replay import as_kept
from etl.pipeline.run import load_again
from etl.runs.directory import RunDirectory
from etl.runs.insertions import read_removed
from etl.targets import ledger
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    import polars as pl

    from etl.core.workspace import Workspace
    from etl.targets.base import Connection


def removed_listens(run: RunDirectory) -> pl.DataFrame:
    """Return the listens (schema LISTENS) that a dedupe has removed; of one that was killed, all that it would have.

    Raises ``InputError`` where its directory does not tell.
    """
    listens = run.read_frame("listens")
    fates = read_removed(run)
    if fates is None:
        return listens
    removed = fates.filter(outcome="removed").select("file", "row")
    return listens.join(removed, on=["file", "row"], how="semi", maintain_order="left")


def restore(
    workspace: Workspace, run: RunDirectory, listens: pl.DataFrame, user_id: int, *, dry_run: bool = False
) -> dict[str, Any]:
    """Load again the ``listens`` that the dedupe ``run`` removed; return and raise as ``etl.pipeline.run.run`` does.

    Listens that are there again count as ``already_present``. The tracks, albums and artists that went with them are
    found or made anew by their names and MBIDs.
    """
    settings = RunSettings(source=UNDO, user=str(user_id), doubles="keep", dry_run=dry_run)
    rows = concat([FileResult(DATABASE, FileStatus.LOADED, listens=as_kept(listens))])
    manifest = {**load_again(workspace, settings, rows), "undone_run": run.run_id}
    directory = RunDirectory(Path(manifest["run_dir"]))
    directory.write_manifest(manifest)
    if not (manifest["error"] or dry_run):
        _mark(workspace, run, directory.run_id)
    return manifest


def _mark(workspace: Workspace, run: RunDirectory, undone_by: str) -> None:
    """Record in the ledger and in ``run.json`` of the dedupe that it is undone."""
    target = find_target(workspace)
    connection, _ = open_interruptibly(target)

    def mark(control: Connection) -> None:
        ledger.mark_undone(control, run.run_id, undone_by)

    with closing(Pool(target, connection, 1)) as pool:
        pool.control(lambda control: ledger.retry_on_conflict(control, mark))
    run.mark_undone(undone_by)
