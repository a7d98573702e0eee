"""Undoes a run: removes the listens that it inserted, as a run of its own. Only this module knows this order."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from etl.core import failpoints
from etl.core.dsn import redact
from etl.core.errors import InputError, SettingsError
from etl.core.settings import DEDUPE, UNDO
from etl.core.signals import one_interruption
from etl.pipeline.removal import RemovalRun, execute, preview_removal, simulate, wait_for_runs
from etl.pipeline.removal_account import undone_before
from etl.pipeline.restore import removed_listens, restore
from etl.runs.directory import find_run
from etl.runs.insertions import insertions, without_later
from etl.targets import ledger
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    import polars as pl

    from etl.core.workspace import Workspace
    from etl.load.remover import Preview
    from etl.runs.directory import RunDirectory
    from etl.targets.base import Connection
    from etl.targets.ledger import UndoableRun

    Agree: TypeAlias = "Callable[[str, Preview | int], bool]"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Undo(RemovalRun):
    """The removal of the listens that a run inserted."""

    undone: RunDirectory = field(kw_only=True)

    @property
    def source(self) -> str:
        """The source of the run in the ledger."""
        return UNDO

    def loaded_by(self, run_id: str) -> str:  # noqa: ARG002
        """Return the run that is undone."""
        return self.undone.run_id

    def start(self, connection: Connection, run_id: str) -> pl.DataFrame:
        """Record that the undo begins, and commit; return the files that are no longer known."""
        return ledger.start_undo(connection, run_id, self.undone.run_id, self.user_id)

    def write(self, directory: RunDirectory) -> None:
        """Do nothing: the directory of the undone run lists what it inserted."""

    def about(self) -> dict[str, Any]:
        """Return which run is undone."""
        return {"undone_run": self.undone.run_id}

    def ended(self, directory: RunDirectory) -> None:
        """Record in ``run.json`` of the undone run which undo removed its listens."""
        self.undone.mark_undone(directory.run_id)


def undo(
    workspace: Workspace, run: str, agree: Agree, *, dry_run: bool = False, batch: int | None = None
) -> dict[str, Any]:
    """Undo the run that ``run`` names and return the manifest, which is also ``run.json`` of the undo.

    ``agree`` gets the id of the run, and what would be removed or, for a dedupe, how many listens would be loaded
    again; it returns whether to go on. With ``dry_run``, nothing is changed and ``agree`` is not called. If the run was
    undone before, the manifest has ``undone_before`` and there is no directory. Raises ``EtlError`` if the undo cannot
    begin.
    """
    failpoints.plan(workspace.fault)
    with one_interruption():
        target = find_target(workspace)
        connection, _ = open_interruptibly(target)
        with closing(Pool(target, connection, 1)) as pool:
            undone = _find(workspace, pool, run)
            known = _undoable(pool, workspace, undone)
            if known.is_undone:
                return _undone_before(workspace, undone, known)
            if known.source != DEDUPE:
                return _take_back(_read(workspace, pool, undone, known), agree, dry_run=dry_run, batch=batch)
            reached = pool.control(lambda control: ledger.listens_reached(control, undone.run_id))
        listens = removed_listens(undone, reached)
        if not dry_run:
            _ask(agree, undone, listens.height)
        return restore(workspace, undone, listens, known.user_id, dry_run=dry_run)


def _take_back(begun: _Undo, agree: Agree, *, dry_run: bool, batch: int | None) -> dict[str, Any]:
    """Remove what a run inserted, once no other run is active."""
    pool, workspace, undone = begun.pool, begun.workspace, begun.undone
    with begun.timed("look_up"):
        expected = pool.control(lambda control: preview_removal(begun, control))
    if dry_run:
        return simulate(begun, expected)
    _ask(agree, undone, expected)
    with begun.timed("wait"):
        wait_for_runs(pool)
    again = _undoable(pool, workspace, undone)  # another undo may have finished first
    if again.is_undone:
        return _undone_before(workspace, undone, again)
    return execute(replace(_read(workspace, pool, undone, again), timings=begun.timings), batch)


def _ask(agree: Agree, run: RunDirectory, what: Preview | int) -> None:
    if not agree(run.run_id, what):
        changed = "loaded" if isinstance(what, int) else "removed"
        raise SettingsError(f"nothing was {changed}", "Answer y to undo the run, or give --yes")


def _find(workspace: Workspace, pool: Pool, run: str) -> RunDirectory:
    """Return the directory of the run; raises ``InputError``, which says so if the run was pruned."""
    try:
        return find_run(workspace.runs, run, undoable=True)
    except InputError as error:
        fitting = pool.control(lambda control: control.query("undo_fitting_runs", run).get_column("run_id").to_list())
        if len(fitting) != 1:
            raise
        raise InputError(
            f"run {fitting[0]} has no directory in {workspace.runs}: it was pruned, or made with another --home",
            "It cannot be undone: only its directory records which listens it inserted",
        ) from error


def _undoable(pool: Pool, workspace: Workspace, run: RunDirectory) -> UndoableRun:
    """Return what the ledger records of the run; raises ``SettingsError`` if it cannot be undone."""
    try:
        manifest = run.read_manifest()
    except InputError:  # the run was killed
        manifest = {}
    undone = manifest.get("undone_run")
    if undone:
        raise SettingsError(f"run {run.run_id} is an undo, of run {undone}", "Load the files again with `etl run`")
    if manifest.get("settings", {}).get("dry_run"):
        raise SettingsError(f"run {run.run_id} was a dry run: it inserted nothing", "`etl runs list` shows the runs")
    known = pool.control(lambda control: ledger.find_undoable(control, run.run_id))
    if known is None:
        database = redact(workspace.dsn)
        if not manifest:
            hint = "It ended before it loaded anything, or it loaded into another database"
        elif manifest["dsn"] == database:
            hint = "Its ledger was removed, or an older copy was restored: the run cannot be undone"
        else:
            hint = f"It loaded into {manifest['dsn']}: name that with --dsn"
        raise SettingsError(f"the database {database} does not know run {run.run_id}", hint)
    if known.source == UNDO:
        raise SettingsError(f"run {run.run_id} is an undo that was interrupted", "Undo the same run again to continue")
    return known


def _read(workspace: Workspace, pool: Pool, run: RunDirectory, known: UndoableRun) -> _Undo:
    """Return the undo of ``run``; raises ``InputError`` if nothing records which listens it inserted."""

    def committed(run_id: str) -> list[int]:
        return pool.control(lambda control: ledger.committed_batches(control, run_id))

    found = insertions(run, committed(run.run_id))
    if known.inserted and found.listens.is_empty() and not found.has_outcome:
        raise InputError(
            f"run {run.run_id} was killed, and nothing records which {known.inserted:,} listens it inserted",
            "It cannot be undone",
        )
    is_complete = found.listens.height >= known.inserted or (found.has_outcome and not _was_cut_short(run))
    if not is_complete:
        unknown = known.inserted - found.listens.height
        logger.warning("run %s inserted %s listens that no file records; they stay", run.run_id, f"{unknown:,}")
    own = without_later(found.listens, run, workspace.runs, redact(workspace.dsn), committed)
    return _Undo(workspace, pool, known.user_id, own, is_complete, undone=run)


def _was_cut_short(run: RunDirectory) -> bool:
    """Say whether a run with an outcome may have inserted listens that it does not know of."""
    try:
        return run.read_manifest()["error"] is not None
    except InputError:
        return False


def _undone_before(workspace: Workspace, run: RunDirectory, known: UndoableRun) -> dict[str, Any]:
    """Return the manifest of an undo that has nothing to do; complete an earlier undo that was killed at its end."""
    run.mark_undone(str(known.undone_by))
    return undone_before(workspace.runs, run.run_id, str(known.undone_by))
