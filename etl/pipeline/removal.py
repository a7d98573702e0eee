"""Removes listens as a run of its own, batch by batch, with ledger, directory and account. Used by undo and dedupe."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl
from msgspec.structs import replace

from etl.core.errors import EtlError, SettingsError
from etl.core.failpoints import Point, failpoint
from etl.core.schema import REMOVED
from etl.core.signals import one_interruption, retry_on_interrupt, wait_once_interrupted
from etl.core.waits import Reminder
from etl.load.remover import Preview, Removal, Removed, preview, remove_batch
from etl.pipeline import removal_account
from etl.pipeline.manifest import status
from etl.pipeline.removal_account import RemovalResult
from etl.runs.directory import create_run
from etl.targets import ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.core.workspace import Workspace
    from etl.runs.directory import RunDirectory
    from etl.targets.base import Connection
    from etl.targets.pool import Pool

logger = logging.getLogger(__name__)

BATCH = 10_000
"""Listens per transaction."""
ROWS_PER_LISTEN = 9
"""Rows that the statements of a batch get for one listen, its track, album and artist, and their names (measured)."""
POLL = 0.2
"""Seconds between two checks whether other runs have ended."""


@dataclass(frozen=True)
class RemovalRun(ABC):
    """A run that removes listens; undo and dedupe override what differs."""

    workspace: Workspace
    pool: Pool
    user_id: int
    listens: pl.DataFrame
    """The listens to remove: schema INSERTED."""
    is_complete: bool = True
    """Whether ``listens`` has everything that should be removed."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    timings: dict[str, float] = field(default_factory=dict)

    @property
    @abstractmethod
    def source(self) -> str:
        """The source of the run in the ledger."""

    def loaded_by(self, run_id: str) -> str:
        """Return the run that inserted the listens, as far as that is known; ``run_id`` is the id of this run."""
        return run_id

    @abstractmethod
    def start(self, connection: Connection, run_id: str) -> pl.DataFrame:
        """Record that the run begins, and commit; return the files that are no longer known."""

    @abstractmethod
    def write(self, directory: RunDirectory) -> None:
        """Write what must be known of the listens before the first one is removed."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Return what ``run.json`` says about this kind of run."""

    @abstractmethod
    def ended(self, directory: RunDirectory) -> None:
        """Do what is left after everything was removed and recorded."""

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Record how long a step takes."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = round(time.perf_counter() - begun, 4)

    def rows(self) -> pl.DataFrame:
        """Return the listens to look for: place, lookup_key, track_id, second."""
        return self.listens.select(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("place"),
            "lookup_key",
            "track_id",
            second=pl.col("listened_at").dt.epoch("s"),
        )


def preview_removal(run: RemovalRun, connection: Connection) -> Preview:
    """Return what the removal would do, in one state of the database."""
    connection.rollback()  # end the transaction of earlier reads
    run.pool.target.begin_snapshot(connection)
    try:
        return preview(connection, run.loaded_by(""), run.user_id, run.rows())
    finally:
        connection.rollback()


def wait_for_runs(pool: Pool) -> None:
    """Take the run lock exclusively: listens that an active run counts as present must not vanish."""
    reminder = Reminder()
    while not pool.control(pool.target.try_lock_exclusive):
        if reminder.is_due():
            active = pool.control(pool.target.active_runs)
            logger.info(
                "waiting for another run on this database to end%s; Ctrl-C stops waiting, and nothing is removed",
                f" ({active})" if active else "",
            )
        time.sleep(POLL)


def simulate(run: RemovalRun, expected: Preview) -> dict[str, Any]:
    """Write the directory of a dry run and return its manifest."""
    outcomes = removal_account.outcomes(run.listens, expected.places, run.listens.height)
    directory = create_run(run.workspace.runs, run.source, run.started)
    with directory.held():
        run.write(directory)
        return _finish(run, directory, RemovalResult(outcomes, expected.removed, expected.kept), None, dry_run=True)


def execute(run: RemovalRun, batch: int | None = None) -> dict[str, Any]:
    """Remove the listens and complete the ledger; write the manifest in any case."""
    directory = create_run(run.workspace.runs, run.source, run.started)
    with directory.held():
        removed, forgotten, failure = Removed(), REMOVED.to_frame().clear(), None
        try:
            with one_interruption():
                logger.info("run %s", directory.run_id, extra={"event": "run_started"})
                failpoint(Point.AFTER_RUN_DIRECTORY)
                run.write(directory)
                forgotten = _start(run, directory)
                with run.timed("remove"):
                    _remove(run, directory, removed, batch or BATCH)
        except EtlError as error:
            failure = run.pool.target.explain(error)
        return _end(run, directory, removed, forgotten, failure)


def _start(run: RemovalRun, directory: RunDirectory) -> pl.DataFrame:
    def start(control: Connection) -> pl.DataFrame:
        return run.start(control, directory.run_id)

    forgotten, _ = run.pool.control(lambda control: ledger.attempts_on_conflict(control, start))
    failpoint(Point.AFTER_LEDGER_START)
    return forgotten


def _remove(run: RemovalRun, directory: RunDirectory, removed: Removed, size: int) -> None:
    """Remove the listens batch by batch; ``removed`` is updated with each commit, so it is right if this ends early."""
    pool, removal = run.pool, Removal(run.loaded_by(directory.run_id), directory.run_id, run.user_id)
    pool.control(pool.target.prepare_removal)
    left, numbers = run.rows(), count(1)
    while left.height:
        number = next(numbers)
        rows = left.head(max(1, pool.target.batch_rows(size * ROWS_PER_LISTEN) // ROWS_PER_LISTEN))
        left = left.slice(rows.height)

        def remove(control: Connection, number: int = number, rows: pl.DataFrame = rows) -> None:
            removed.add(remove_batch(pool.target, control, removal, number, rows))

        pool.control(remove)
        failpoint(Point.BETWEEN_ROUNDS)


def _end(
    run: RemovalRun, directory: RunDirectory, removed: Removed, forgotten: pl.DataFrame, failure: EtlError | None
) -> dict[str, Any]:
    """Complete the ledger, unless the run failed, and write the manifest, even after a first signal."""
    heard: list[EtlError] = []

    def end() -> dict[str, Any]:
        ended_by = failure
        if failure:
            run.pool.close()  # so that nothing more is committed
        result = retry_on_interrupt(lambda: _result(run, removed, forgotten))
        if not failure:
            try:
                result = retry_on_interrupt(partial(_complete_ledger, run, directory, result))
            except EtlError as error:
                ended_by = heard[0] if heard else error
        return retry_on_interrupt(lambda: _finish(run, directory, result, ended_by))

    def interrupted(error: EtlError) -> None:
        heard.append(error)
        if not failure:
            run.pool.end()

    return wait_once_interrupted(end, interrupted)


def _result(run: RemovalRun, removed: Removed, forgotten: pl.DataFrame) -> RemovalResult:
    outcomes = removal_account.outcomes(run.listens, removed.places, removed.reached)
    return RemovalResult(outcomes, removed.removed(), removed.kept(), forgotten.unique().to_dicts(), removed.retries)


def _complete_ledger(run: RemovalRun, directory: RunDirectory, result: RemovalResult) -> RemovalResult:
    """Record that everything is removed; return ``result`` with whatever does not balance."""
    failpoint(Point.BEFORE_LEDGER_COMPLETE)
    in_ledger = run.pool.control(lambda control: ledger.listens_removed(control, directory.run_id))
    result = replace(result, imbalances=removal_account.imbalances(result, in_ledger))
    code = removal_account.exit_code(result, None, is_complete=run.is_complete)

    def complete(control: Connection) -> None:
        ledger.finish_run(control, directory.run_id, str(status(code, dry=False)), int(code), [], [], [], [])

    run.pool.control(lambda control: ledger.retry_on_conflict(control, complete))
    failpoint(Point.AFTER_LEDGER_COMPLETE)
    return result


def _finish(
    run: RemovalRun, directory: RunDirectory, result: RemovalResult, failure: EtlError | None, *, dry_run: bool = False
) -> dict[str, Any]:
    """Write what became of the listens, and the manifest; return the manifest."""
    try:
        directory.write_frame("removed", result.outcomes, REMOVED)
    except SettingsError as error:
        failure = failure or error
    code = removal_account.exit_code(result, failure, is_complete=run.is_complete)
    content = removal_account.compose(run, directory, result, code, failure, dry_run=dry_run)
    if not (dry_run or failure):
        run.ended(directory)
    directory.write_manifest(content)
    failpoint(Point.AFTER_MANIFEST)
    return content
