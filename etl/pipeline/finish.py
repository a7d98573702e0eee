"""Finishes a run: accounts for every row, completes the ledger, writes the manifest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from etl.core.errors import DatabaseError, EtlError, ExitCode, InterruptedRunError, SettingsError, decisive
from etl.core.failpoints import Point, failpoint
from etl.core.schema import RunStatus
from etl.core.signals import retry_on_interrupt, signals_deferred, wait_interruptibly
from etl.pipeline import manifest
from etl.pipeline.account import finish_accounting
from etl.pipeline.known_files import file_entries
from etl.pipeline.manifest import Ending
from etl.runs import accounting
from etl.runs.journal import Journal
from etl.targets import ledger

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    import polars as pl

    from etl.pipeline.account import RunTotals
    from etl.pipeline.context import RunContext
    from etl.targets.base import Connection


class Finish(msgspec.Struct):
    """Finishes a run in a thread, so that a signal, which only the main thread handles, cannot lose the accounting."""

    run: RunContext
    spellings: Future[pl.DataFrame]
    """What ``write_rows`` returns."""
    interruption: InterruptedRunError | None = None
    """A signal that came after everything was loaded."""

    def wait(self, threads: ThreadPoolExecutor, failure: EtlError | None) -> dict[str, Any]:
        """Return the manifest of the run; ``failure`` ended it early, if not None. A second signal is raised."""
        finishing: Future[dict[str, Any]] | None = None
        while True:
            try:
                with signals_deferred():
                    finishing = finishing or threads.submit(self._finish, failure)
                return wait_interruptibly(finishing)
            except InterruptedRunError as error:
                if self.interruption:
                    raise
                self.interruption = error
                if not failure:
                    self.run.pool.end()

    def _finish(self, failure: EtlError | None) -> dict[str, Any]:
        run = self.run
        failpoint(Point.BEFORE_ACCOUNTING)
        if failure:
            run.pool.close()  # nothing more is committed, so the logs are complete from here on
        with run.job.timed("account"):
            names, failed = self.spellings.result(), failure is not None
            totals = retry_on_interrupt(lambda: finish_accounting(run, names, failed=failed))
        failure = failure or next(iter(run.directory.unwritten), None)  # then no file counts as loaded
        failpoint(Point.BEFORE_LEDGER_COMPLETE)
        try:
            ending = retry_on_interrupt(partial(self._complete, totals, failure))
        except DatabaseError as error:  # no file counts as loaded: the next run reads them again
            return self._finish(self.interruption or run.pool.target.explain(error))
        return _write_manifest(run, ending)

    def _complete(self, totals: RunTotals, failure: EtlError | None) -> Ending:
        """Check that the accounting balances and complete the ledger, unless the run failed or was a dry run."""
        run, settings = self.run, self.run.job.settings
        is_complete = not (settings.dry_run or failure)
        inserted = None
        if is_complete:
            inserted = run.pool.control(lambda control: ledger.inserted_by_run(control, run.directory.run_id))
            inserted -= totals.removed
        imbalances = accounting.imbalances(totals.counts, totals.per_file, run.rows.records, inserted)
        ended_by = failure or self.interruption
        code = manifest.exit_code(settings, run.rows, totals.counts, imbalances, ended_by)
        if not (settings.dry_run or ended_by):
            _complete_ledger(run, totals, code)
            failpoint(Point.AFTER_LEDGER_COMPLETE)
        return Ending(code, totals, imbalances, ended_by)


def _complete_ledger(run: RunContext, totals: RunTotals, code: ExitCode) -> None:
    """Record that the files are loaded, and how the run ended."""
    run_id, settings = run.directory.run_id, run.job.settings
    status = str(manifest.status(code, dry=settings.dry_run))
    entries = [] if code is ExitCode.UNBALANCED else file_entries(settings, run.rows)  # then no file counts as loaded
    counts = [totals.per_file.get(entry.path, accounting.NO_COUNTS) for entry in entries]
    records = [terms["records"] for terms in counts]
    unresolved = [terms["unresolved"] for terms in counts]
    doubles = accounting.likely_doubles(run.rows.skipped)
    relied_on = [
        terms["already_present"] + doubles.get(entry.path, 0) for entry, terms in zip(entries, counts, strict=True)
    ]

    def complete(control: Connection) -> None:
        if settings.replay_of:
            inserted = [terms["inserted"] + more for terms, more in zip(counts, relied_on, strict=True)]
            ledger.settle_files(control, run_id, run.job.origins, entries, unresolved, inserted)
            ledger.finish_run(control, run_id, status, int(code), [], [], [], [])
        else:
            ledger.finish_run(control, run_id, status, int(code), entries, records, unresolved, relied_on)

    run.pool.control(lambda control: ledger.retry_on_conflict(control, complete))


def _write_manifest(run: RunContext, ending: Ending) -> dict[str, Any]:
    """Write ``run.json`` and return its content; if it cannot be written, the returned content says so."""
    content = retry_on_interrupt(lambda: manifest.of_run(run.job, run.rows, ending, run.directory))
    try:
        run.directory.write_manifest(content)
    except SettingsError as error:
        final = decisive([ending.code, error.exit_code])
        content |= {"status": RunStatus.FAILED, "exit_code": int(final), "error": content["error"] or str(error)}
    else:
        if not (ending.failure or run.directory.unwritten):  # else the ledger may know more than outcome.parquet
            Journal(run.directory.path).remove()
    failpoint(Point.AFTER_MANIFEST)
    return content
