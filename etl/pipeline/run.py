"""The job, and the only place that knows its order: discover, extract, compare, look up, resolve, load, account."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core import failpoints
from etl.core.errors import DatabaseError, EtlError, ExitCode, InterruptedRunError, SettingsError, decisive
from etl.core.failpoints import Point, failpoint
from etl.core.progress import Count, NullProgress, Progress
from etl.core.schema import NOT_COUNTED, TRACK_LOOKUP, FileStatus, RunStatus, empty
from etl.core.signals import one_interruption, retry_on_interrupt, wait_interruptibly
from etl.extract.discover import discover
from etl.extract.extractor import begin, extractor
from etl.extract.rows import Rows, gather, together
from etl.extract.spill import Spool
from etl.load import snapshot
from etl.load.dry_run import simulate_load
from etl.load.loader import Loader, Sizes
from etl.load.result import LoadResult
from etl.pipeline import manifest
from etl.pipeline.account import Part, finish_accounting, write_rows
from etl.pipeline.dedupe import Overlap, may_have_doubles, settle_overlap
from etl.pipeline.inbox import open_inbox
from etl.pipeline.manifest import Ending
from etl.pipeline.replay import Reader, origins
from etl.runs import accounting
from etl.runs.directory import RunDirectory, create_run
from etl.targets import ledger
from etl.targets.base import Failure, StatementError
from etl.targets.ledger import FileEntry
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from etl.core.settings import RunSettings, Workspace
    from etl.extract.prefetch import IsKnown
    from etl.formats import Format
    from etl.pipeline.account import RunTotals
    from etl.pipeline.replay import Unloaded
    from etl.targets.base import Connection

logger = logging.getLogger(__name__)


def check(settings: RunSettings, paths: Sequence[Path]) -> dict[str, Any]:
    """Read ``paths`` as a run does, without a database; return what ``run.json`` would say of the files and rows."""
    with one_interruption():
        everything = extractor(settings, datetime.now(UTC), lambda *_: False, NullProgress())
        rows = gather(everything.extract(discover(paths)), settings.source)
    return manifest.of_check(settings, rows)


def run(
    workspace: Workspace,
    settings: RunSettings,
    paths: Sequence[Path],
    progress: Progress | None = None,
    sizes: Sizes | None = None,
) -> dict[str, Any]:
    """Do the whole job and return the manifest, which is also ``run.json`` in the run directory.

    Raises ``EtlError`` where the run cannot begin. Once it has a directory, an error is written into the manifest,
    which says what was loaded until then, and the manifest is returned.
    """
    with one_interruption():
        job = _Run(workspace, settings, progress or NullProgress(), sizes or Sizes())
        with job.timed("discover"):
            found = discover(paths)
            inbox = open_inbox(paths, found, settings)
        with closing(begin(settings, found.files)) as begun:

            def extract(is_known: IsKnown) -> Rows:
                spool = None if settings.dry_run else job.spool  # a dry run plans from one look at all
                plain = extractor(settings, job.started, is_known, job.progress)
                files = replace(plain, together=job.sizes.together, spool=spool).extract(found, begun)
                return gather(files, settings.source, may_be_none=settings.move_to is not None, spool=spool)

            return inbox.clear(job.execute(extract))


def replay(
    workspace: Workspace,
    settings: RunSettings,
    left: Unloaded,
    progress: Progress | None = None,
    sizes: Sizes | None = None,
) -> dict[str, Any]:
    """Try what a run has left over again, as a run of its own; ``settings`` are what ``replay_settings`` returns.

    Returns and raises as ``run`` does.
    """
    with one_interruption():
        job = _Run(workspace, settings, progress or NullProgress(), sizes or Sizes(), origins(left.run))

        def extract(is_known: IsKnown) -> Rows:
            plain = extractor(settings, job.started, is_known, job.progress)
            files = Reader(plain.options, plain.rules).read(left)
            for file in files:
                if file.sha256 and file.format:
                    is_known(file.path, file.sha256, file.format)  # raises for plays stored by their other time
            return together(files)

        return job.execute(extract)


@dataclass
class _Run:
    workspace: Workspace
    settings: RunSettings
    progress: Progress
    sizes: Sizes
    origins: Sequence[str] = ()
    """Of a replay: the runs whose files it may complete."""
    timings: dict[str, float] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    interruption: InterruptedRunError | None = None
    """A signal that came when all was loaded and the books were not yet closed."""

    def __post_init__(self) -> None:
        """Have a place for listens that are too many for the memory."""
        self.spool = Spool(self.workspace.runs)

    def execute(self, extract: Callable[[IsKnown], Rows]) -> dict[str, Any]:
        failpoints.plan(self.workspace.fault)
        with self.timed("connect"):
            target = find_target(self.workspace)
            connection, database = open_interruptibly(target, read_only=self.settings.dry_run)
            pool = Pool(target, connection, self.settings.workers)
        try:
            if self.settings.no_overlap or not self.settings.dry_run:
                pool.control(lambda control: target.acquire_run_lock(control, exclusive=self.settings.no_overlap))
            if self.settings.dry_run:
                pool.control(target.begin_snapshot)
            user = pool.control(lambda control: ledger.find_user(control, self.settings.user))
            with self.timed("extract"):
                is_known = self._is_known(pool, user) if database.has_migrations else lambda *_: False
                rows = extract(is_known)
            for caveat in rows.caveats:
                logger.info("%s", caveat)
            with self.timed("compare"):
                rows = self._compare(pool, user, rows, has_ledger=database.has_migrations)
            directory = create_run(self.workspace.runs, self.settings.source, self.started)
            with directory.held():
                failpoint(Point.AFTER_RUN_DIRECTORY)
                self.progress.begin(directory.run_id)
                logger.info("run %s", directory.run_id, extra={"event": "run_started"})
                return self._load(pool, directory, user, rows, has_lookup=database.has_lookup)
        finally:
            pool.close()
            self.spool.close()

    def _compare(self, pool: Pool, user: int, rows: Rows, *, has_ledger: bool) -> Rows:
        """Set listens aside that another file, service or run recorded; mark those that probably are doubles."""
        formats = {file.path: file.format.name for file in rows.files if file.format}
        not_counted = pl.concat([empty(NOT_COUNTED), *(file.not_counted for file in rows.files)])
        overlap = Overlap(user, self.settings, formats, not_counted, has_ledger)
        if rows.spool:
            windows = rows.windows(self.sizes.window)
            if not pool.control(lambda control: may_have_doubles(control, overlap, windows)):
                return rows
            rows = rows.in_memory()
        settled = pool.control(lambda control: settle_overlap(control, overlap, rows.listens))
        skipped = pl.concat([rows.skipped, settled.skipped]).sort("file", "row", maintain_order=True)
        return replace(rows, listens=settled.listens, skipped=skipped, settled=settled)

    def _is_known(self, pool: Pool, user: int) -> IsKnown:
        def is_known(path: str, sha256: str, kind: Format) -> bool:
            entry = self._entry(path, sha256, kind)
            return pool.control(lambda control: ledger.is_known(control, user, entry)) and not self.settings.force

        return is_known

    def _entry(self, path: str, sha256: str, kind: Format) -> FileEntry:
        spotify_time = self.settings.spotify_time if kind.source == "spotify" else ""
        return FileEntry(sha256, kind.name, self.settings.row_options(kind.source), spotify_time, path)

    def _load(self, pool: Pool, directory: RunDirectory, user: int, rows: Rows, *, has_lookup: bool) -> dict[str, Any]:
        failure = None
        parts = [Part(window, LoadResult()) for window in rows.windows(self.sizes.window)]
        with ThreadPoolExecutor(2, "etl-files") as files:
            spelled = files.submit(retry_on_interrupt, lambda: write_rows(directory, rows))
            try:
                with one_interruption():
                    self._resolve(pool, directory, user, rows, parts, has_lookup=has_lookup)
            except EtlError as error:
                failure = error
            told = None
            while True:  # the main thread only waits: a signal must not cost the account of what is loaded
                try:
                    told = told or files.submit(self._account, pool, directory, rows, parts, spelled, failure)
                    return wait_interruptibly(told)
                except InterruptedRunError as error:
                    if self.interruption:
                        raise
                    self.interruption = error
                    if not failure:
                        pool.end()

    def _resolve(
        self, pool: Pool, directory: RunDirectory, user: int, rows: Rows, parts: Sequence[Part], *, has_lookup: bool
    ) -> None:
        """Look up the keys, insert the listens of the cached ones, resolve and load the others; part by part."""
        progress, numbers, keys, known = self.progress, count(1), 0, empty(TRACK_LOOKUP)
        if not self.settings.dry_run:
            pool.open_workers(pool.size if rows.height else 0)
            parts[0].loaded.retries += self._begin(pool, directory, user, rows)
            progress.expect(Count.LISTENS, rows.height)
        for window, loaded in parts:
            with self.timed("look_up"):
                listens = window.read()
                found = pool.control(partial(snapshot.look_up, listens=listens, has_lookup=has_lookup))
            with self.timed("load"):
                if self.settings.dry_run:
                    pool.control(partial(simulate_load, user_id=user, listens=listens, found=found, loaded=loaded))
                    continue
                keys += found.requests.get_column("lookup_key").n_unique()
                progress.expect(Count.KEYS, keys)
                loader = Loader(pool, directory.run_id, user, listens, self.sizes, loaded, progress, numbers)
                vanished = loader.load_hits(found.hits)
                again = pl.col("lookup_key").is_in(vanished)
                loader.resolve(pl.concat([found.to_resolve.filter(~again), found.requests.filter(again)]))
            known = loaded.forget_known(known) if len(parts) > 1 else known
            for reason in loaded.failed.values():
                logger.info("not resolved: %s", reason)
        if not self.settings.dry_run:  # equal ones: once
            progress.expect(Count.LISTENS, sum(one.height for part in parts for one in part.loaded.reached))

    def _begin(self, pool: Pool, directory: RunDirectory, user: int, rows: Rows) -> int:
        """Record in the ledger that the run begins; return how often that took another attempt."""
        entries = [] if self.settings.replay_of else self._entries(rows)

        def begin(control: Connection) -> None:
            ledger.start_run(control, directory.run_id, self.settings.source, user, entries)

        retries = pool.control(lambda control: ledger.retry_on_conflict(control, begin))
        failpoint(Point.AFTER_LEDGER_START)
        return retries

    def _entries(self, rows: Rows) -> list[FileEntry]:
        return [
            self._entry(file.path, file.sha256, file.format)
            for file in rows.files
            if file.status is FileStatus.LOADED and file.sha256 and file.format
        ]

    def _account(
        self,
        pool: Pool,
        directory: RunDirectory,
        rows: Rows,
        parts: Sequence[Part],
        spelled: Future[pl.DataFrame],
        failure: EtlError | None,
    ) -> dict[str, Any]:
        """Check that what became of every row balances, and complete the ledger and the manifest."""
        failpoint(Point.BEFORE_ACCOUNTING)
        if failure:
            pool.close()  # so that nothing is written any more while the books are closed
            if isinstance(failure, StatementError) and failure.failure is Failure.LOST and not self.settings.dry_run:
                kept = pool.ask_again(lambda control: ledger.batches_of_run(control, directory.run_id))
                for part in parts:
                    part.loaded.keep(kept)
        with self.timed("account"):
            names, failed = spelled.result(), failure is not None
            books = retry_on_interrupt(lambda: finish_accounting(directory, rows, parts, names, failed=failed))
        failure = failure or next(iter(directory.unwritten), None)  # then no file counts as loaded
        dry = self.settings.dry_run
        problems: list[str] = []
        failpoint(Point.BEFORE_LEDGER_COMPLETE)
        try:
            inserted = None
            if not (dry or failure):
                inserted = pool.control(lambda control: ledger.inserted_by_run(control, directory.run_id))
                inserted -= books.removed
            problems = accounting.imbalances(books.counts, books.per_file, rows.records, inserted)
            failure = failure or self.interruption
            code = manifest.exit_code(self.settings, rows, books.counts, problems, failure)
            if not (dry or failure):
                self._complete_ledger(pool, directory.run_id, rows, books, manifest.status(code, dry=dry), code)
                failpoint(Point.AFTER_LEDGER_COMPLETE)
        except DatabaseError as error:  # no file counts as loaded: the next run looks again
            return self._account(pool, directory, rows, parts, spelled, self.interruption or error)
        ending = Ending(code, books, problems, failure)
        told = retry_on_interrupt(
            lambda: manifest.of_run(
                directory, self.workspace, self.settings, rows, parts, ending, self.started, self.timings
            )
        )
        try:
            directory.write_manifest(told)
        except SettingsError as error:
            final = decisive([code, error.exit_code])
            told |= {"status": RunStatus.FAILED, "exit_code": int(final), "error": told["error"] or str(error)}
        failpoint(Point.AFTER_MANIFEST)
        return told

    def _complete_ledger(
        self,
        pool: Pool,
        run_id: str,
        rows: Rows,
        books: RunTotals,
        status: RunStatus,
        code: ExitCode,
    ) -> None:
        entries = [] if code is ExitCode.UNBALANCED else self._entries(rows)  # such files do not count as loaded
        of_entry = [books.per_file.get(entry.path, accounting.NO_COUNTS) for entry in entries]
        records = [terms["records"] for terms in of_entry]
        unresolved = [terms["unresolved"] for terms in of_entry]

        def close_the_books(control: Connection) -> None:
            if self.settings.replay_of:
                ledger.settle_files(control, run_id, self.origins, entries, unresolved)
                ledger.finish_run(control, run_id, str(status), int(code), [], [], [])
            else:
                ledger.finish_run(control, run_id, str(status), int(code), entries, records, unresolved)

        pool.control(lambda control: ledger.retry_on_conflict(control, close_the_books))

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Record how long a step takes."""
        begun = time.perf_counter()
        self.progress.step(step)
        try:
            yield
        finally:
            self.timings[step] = round(self.timings.get(step, 0.0) + time.perf_counter() - begun, 4)
