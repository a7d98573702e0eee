"""Takes a run back: removes the listens that it inserted, as a run of its own. The only place that knows this order."""

from __future__ import annotations

import logging
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core import failpoints
from etl.core.dsn import redact
from etl.core.errors import EtlError, InputError, SettingsError
from etl.core.failpoints import Point, failpoint
from etl.core.schema import REMOVED
from etl.core.signals import announced, one_interruption, retry_on_interrupt, wait_once_interrupted
from etl.load.remover import Preview, Removal, Removed, preview, remove_batch
from etl.pipeline import undo_account
from etl.pipeline.manifest import status
from etl.pipeline.undo_account import UndoResult
from etl.runs.directory import create_run, find_run
from etl.runs.insertions import insertions, without_later
from etl.targets import ledger
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from etl.core.workspace import Workspace
    from etl.runs.directory import RunDirectory
    from etl.targets.base import Connection
    from etl.targets.ledger import UndoableRun

    Agree: TypeAlias = "Callable[[str, Preview], bool]"

logger = logging.getLogger(__name__)

BATCH = 10_000
"""Listens per transaction."""
ROWS_PER_LISTEN = 9
"""A listen, with its track, album, artist and their names, as the statements of a batch are given them (measured)."""
POLL = 0.2
"""Seconds between two looks at whether other runs have ended."""


@dataclass(frozen=True)
class _Undo:
    """The run that is to be taken back, and what is known of it."""

    workspace: Workspace
    pool: Pool
    undone: RunDirectory
    ledger: UndoableRun
    listens: pl.DataFrame
    """Those that it inserted: schema INSERTED."""
    is_complete: bool
    """Whether they are all that it inserted, by the ledger."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = round(time.perf_counter() - begun, 4)

    def rows(self) -> pl.DataFrame:
        """Return the listens as they are looked for: place, lookup_key, track_id, second."""
        return self.listens.select(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("place"),
            "lookup_key",
            "track_id",
            second=pl.col("listened_at").dt.epoch("s"),
        )


def undo(
    workspace: Workspace, run: str, agree: Agree, *, dry_run: bool = False, batch: int | None = None
) -> dict[str, Any]:
    """Take back the run that ``run`` names and return the manifest, which is also ``run.json`` of the undo.

    ``agree`` is given the id of the run and what would be removed, and says whether to go on. ``dry_run``: nothing is
    removed, nor is it asked. A run that was undone before gives a manifest with ``undone_before`` and no directory.
    Raises ``EtlError`` where the undo cannot begin.
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
            begun = _read(workspace, pool, undone, known)
            with begun.timed("look_up"):
                expected = pool.control(lambda control: _preview(begun, control))
            if dry_run:
                return _simulate(begun, expected)
            if not agree(undone.run_id, expected):
                raise SettingsError("nothing was removed", "Answer y to undo the run, or give --yes")
            with begun.timed("wait"):
                _wait_for_runs(pool)
            again = _undoable(pool, workspace, undone)  # another undo may have come first
            if again.is_undone:
                return _undone_before(workspace, undone, again)
            return _execute(replace(_read(workspace, pool, undone, again), timings=begun.timings), batch or BATCH)


def _find(workspace: Workspace, pool: Pool, run: str) -> RunDirectory:
    """Return the directory of the run; raises ``InputError``, which says so where it was pruned."""
    try:
        return find_run(workspace.runs, run, skip_dry_runs=True)
    except InputError as error:
        fitting = pool.control(lambda control: control.query("undo_fitting_runs", run).get_column("run_id").to_list())
        if len(fitting) != 1:
            raise
        raise InputError(
            f"run {fitting[0]} has no directory in {workspace.runs}: it was pruned, or made with another --home",
            "It cannot be undone: only its directory tells which listens it inserted",
        ) from error


def _undoable(pool: Pool, workspace: Workspace, run: RunDirectory) -> UndoableRun:
    """Return what the ledger says of the run; raises ``SettingsError`` where it is none that can be undone."""
    try:
        manifest = run.read_manifest()
    except InputError:  # it was killed
        manifest = {}
    undone = manifest.get("undone_run")
    if undone:
        raise SettingsError(f"run {run.run_id} is an undo, of run {undone}", "Load the files again with `etl run`")
    if manifest.get("settings", {}).get("dry_run"):
        raise SettingsError(f"run {run.run_id} was a dry run: it inserted nothing", "`etl runs list` shows the runs")
    known = pool.control(lambda control: ledger.find_undoable(control, run.run_id))
    if known is None:
        hint = f"It went to {manifest['dsn']}" if manifest else "It ended before it loaded anything, or went elsewhere"
        raise SettingsError(f"the database {redact(workspace.dsn)} does not know run {run.run_id}", hint)
    if known.source == ledger.UNDO:
        raise SettingsError(f"run {run.run_id} is an undo that was interrupted", "Undo the same run again to go on")
    return known


def _read(workspace: Workspace, pool: Pool, run: RunDirectory, known: UndoableRun) -> _Undo:
    """Return the undo of ``run``; raises ``InputError`` where nothing tells which listens it inserted."""

    def committed(run_id: str) -> list[int]:
        return pool.control(lambda control: ledger.committed_batches(control, run_id))

    found = insertions(run, committed(run.run_id))
    if known.inserted and found.listens.is_empty() and not found.has_outcome:
        raise InputError(
            f"run {run.run_id} was killed, and nothing is left that tells which {known.inserted:,} listens it inserted",
            "It cannot be undone",
        )
    is_complete = found.listens.height >= known.inserted or (found.has_outcome and not _was_cut_short(run))
    if not is_complete:
        unknown = known.inserted - found.listens.height
        logger.warning("run %s inserted %s listens that nothing tells of; they stay", run.run_id, f"{unknown:,}")
    own = without_later(found.listens, run, workspace.runs, redact(workspace.dsn), committed)
    return _Undo(workspace, pool, run, known, own, is_complete)


def _was_cut_short(run: RunDirectory) -> bool:
    """Say whether a run with an outcome may have inserted listens that it did not hear of."""
    try:
        return run.read_manifest()["error"] is not None
    except InputError:
        return False


def _preview(begun: _Undo, connection: Connection) -> Preview:
    connection.rollback()  # what was read so far is no part of it
    begun.pool.target.begin_snapshot(connection)
    try:
        return preview(connection, begun.undone.run_id, begun.ledger.user_id, begun.rows())
    finally:
        connection.rollback()


def _wait_for_runs(pool: Pool) -> None:
    """Take the lock of runs alone: what another run counts as already there must not vanish while it is active."""
    with announced("waiting for another run on this database to end; Ctrl-C stops waiting, and nothing is removed"):
        while not pool.control(pool.target.try_lock_alone):
            time.sleep(POLL)


def _simulate(begun: _Undo, expected: Preview) -> dict[str, Any]:
    fates = undo_account.fates(begun.listens, expected.places, begun.listens.height)
    directory = create_run(begun.workspace.runs, ledger.UNDO, begun.started)
    with directory.held():
        return _finish(begun, directory, UndoResult(fates, expected.removed, expected.kept), None, dry_run=True)


def _execute(begun: _Undo, batch: int) -> dict[str, Any]:
    """Remove the listens, complete the ledger, and write the manifest in any case."""
    directory = create_run(begun.workspace.runs, ledger.UNDO, begun.started)
    with directory.held():
        removed, forgotten, failure = Removed(), REMOVED.to_frame().clear(), None
        try:
            with one_interruption():
                logger.info("run %s", directory.run_id, extra={"event": "run_started"})
                failpoint(Point.AFTER_RUN_DIRECTORY)
                forgotten = _start(begun, directory)
                with begun.timed("remove"):
                    _remove(begun, directory, removed, batch)
        except EtlError as error:
            failure = error
        return _end(begun, directory, removed, forgotten, failure)


def _end(
    begun: _Undo, directory: RunDirectory, removed: Removed, forgotten: pl.DataFrame, failure: EtlError | None
) -> dict[str, Any]:
    """Complete the ledger, unless the undo failed, and write the manifest. A first signal cannot prevent the latter."""
    heard: list[EtlError] = []

    def end() -> dict[str, Any]:
        ended_by = failure
        if failure:
            begun.pool.close()  # so that nothing more is committed
        result = retry_on_interrupt(lambda: _result(begun, removed, forgotten))
        if not failure:
            try:
                result = _complete_ledger(begun, directory, result)
            except EtlError as error:
                ended_by = heard[0] if heard else error
        return retry_on_interrupt(lambda: _finish(begun, directory, result, ended_by))

    def interrupted(error: EtlError) -> None:
        heard.append(error)
        if not failure:
            begun.pool.end()

    return wait_once_interrupted(end, interrupted)


def _start(begun: _Undo, directory: RunDirectory) -> pl.DataFrame:
    def start(control: Connection) -> pl.DataFrame:
        return ledger.start_undo(control, directory.run_id, begun.undone.run_id, begun.ledger.user_id)

    forgotten, _ = begun.pool.control(lambda control: ledger.attempts_on_conflict(control, start))
    failpoint(Point.AFTER_LEDGER_START)
    return forgotten


def _remove(begun: _Undo, directory: RunDirectory, removed: Removed, size: int) -> None:
    """Remove the listens batch by batch; ``removed`` says what was committed, also where that ends early."""
    pool, removal = begun.pool, Removal(begun.undone.run_id, directory.run_id, begun.ledger.user_id)
    pool.control(pool.target.prepare_removal)
    left, numbers = begun.rows(), count(1)
    while left.height:
        number, rows = (
            next(numbers),
            left.head(max(1, pool.target.batch_rows(size * ROWS_PER_LISTEN) // ROWS_PER_LISTEN)),
        )
        left = left.slice(rows.height)

        def remove(control: Connection, number: int = number, rows: pl.DataFrame = rows) -> None:
            removed.add(remove_batch(pool.target, control, removal, number, rows))

        pool.control(remove)
        failpoint(Point.BETWEEN_ROUNDS)


def _result(begun: _Undo, removed: Removed, forgotten: pl.DataFrame) -> UndoResult:
    fates = undo_account.fates(begun.listens, removed.places, removed.reached)
    return UndoResult(fates, removed.removed(), removed.kept(), forgotten.to_dicts(), removed.retries)


def _complete_ledger(begun: _Undo, directory: RunDirectory, result: UndoResult) -> UndoResult:
    """Record that the run is undone; return ``result`` with what does not balance."""
    failpoint(Point.BEFORE_LEDGER_COMPLETE)
    told = begun.pool.control(lambda control: ledger.removed_by_undo(control, directory.run_id))
    result = replace(result, imbalances=undo_account.imbalances(result, told))
    code = undo_account.exit_code(result, None, is_complete=begun.is_complete)

    def complete(control: Connection) -> None:
        ledger.finish_run(control, directory.run_id, str(status(code, dry=False)), int(code), [], [], [], [])

    begun.pool.control(lambda control: ledger.retry_on_conflict(control, complete))
    failpoint(Point.AFTER_LEDGER_COMPLETE)
    return result


def _finish(
    begun: _Undo, directory: RunDirectory, result: UndoResult, failure: EtlError | None, *, dry_run: bool = False
) -> dict[str, Any]:
    """Write what became of the listens, and the manifests of the undo and of the undone run; return the former."""
    try:
        directory.write_frame("removed", result.fates, REMOVED)
    except SettingsError as error:
        failure = failure or error
    code = undo_account.exit_code(result, failure, is_complete=begun.is_complete)
    content = undo_account.compose(
        begun.workspace,
        directory,
        begun.undone.run_id,
        result,
        code,
        failure,
        dry_run=dry_run,
        timings=begun.timings,
        started=begun.started,
    )
    if not (dry_run or failure):
        _mark(begun.undone, directory.run_id)
    directory.write_manifest(content)
    failpoint(Point.AFTER_MANIFEST)
    return content


def _mark(run: RunDirectory, undone_by: str) -> None:
    """Write into ``run.json`` of an undone run which undo that was; a run that was killed has none."""
    try:
        manifest = run.read_manifest()
    except InputError:
        return
    if manifest.get("undone_by") != undone_by:
        run.write_manifest({**manifest, "undone_by": undone_by})


def _undone_before(workspace: Workspace, run: RunDirectory, known: UndoableRun) -> dict[str, Any]:
    """Return the manifest of an undo that had nothing to do; complete what one that was killed at the end has left."""
    _mark(run, str(known.undone_by))
    return undo_account.undone_before(workspace.runs, run.run_id, str(known.undone_by))
