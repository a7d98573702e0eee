"""Runs the job: discover, extract, deduplicate, load, finish. Only this module knows this order."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from etl.core import failpoints
from etl.core.errors import EtlError, ExitCode, InterruptedRunError
from etl.core.failpoints import Point, failpoint
from etl.core.progress import NullProgress, Progress
from etl.core.schema import FileStatus
from etl.core.signals import one_interruption, retry_on_interrupt, signals_deferred
from etl.core.waits import log_long_wait
from etl.extract.discover import discover
from etl.extract.extractor import begin, extractor
from etl.extract.rows import Rows, concat, gather
from etl.extract.spill import SpillFolder
from etl.load.loader import Sizes
from etl.pipeline import manifest
from etl.pipeline.account import nothing_counted, write_rows
from etl.pipeline.context import ChunkLoad, Job, RunContext
from etl.pipeline.dedupe import deduplicate, deduplicate_files
from etl.pipeline.finish import Finish
from etl.pipeline.inbox import SETTLE_SECONDS, deferred_to_the_next_run, open_inbox
from etl.pipeline.known_files import is_known_to
from etl.pipeline.load import load_chunks, simulate_chunks
from etl.pipeline.manifest import Ending
from etl.pipeline.replay import UnloadedReader, origins
from etl.runs.directory import create_run
from etl.targets import ledger
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import polars as pl

    from etl.core.settings import RunSettings
    from etl.core.workspace import Workspace
    from etl.extract.prefetch import IsKnown
    from etl.pipeline.replay import Unloaded

logger = logging.getLogger(__name__)


def check(settings: RunSettings, paths: Sequence[Path]) -> dict[str, Any]:
    """Read ``paths`` as a run does, without a database; return the content of ``run.json`` for these files and rows."""
    with one_interruption():
        everything = extractor(settings, datetime.now(UTC), lambda *_: False, NullProgress())
        found = discover(paths)
        rows = gather(everything.extract(found), settings.source, found.hidden)
        rows = deduplicate_files(settings, rows)
    return manifest.of_check(settings, rows)


def run(
    workspace: Workspace,
    settings: RunSettings,
    paths: Sequence[Path],
    progress: Progress | None = None,
    sizes: Sizes | None = None,
) -> dict[str, Any]:
    """Do the whole job and return the manifest, which is also ``run.json`` in the run directory.

    Raises ``EtlError`` if the run cannot begin. Once it has a directory, an error is recorded in the manifest with what
    was loaded until then, and the manifest is returned.
    """
    with one_interruption(), closing(SpillFolder(workspace.runs)) as spill:
        job = Job(workspace, settings, progress or NullProgress(), sizes or Sizes())
        with job.timed("discover"):
            found = discover(paths, settle=SETTLE_SECONDS if settings.move_to else 0)
            inbox = open_inbox(paths, found, settings)
        with closing(begin(settings, found.files)) as begun:

            def extract(is_known: IsKnown) -> Rows:
                folder = None if settings.dry_run else spill  # a dry run plans everything at once
                plain = extractor(settings, job.started, is_known, job.progress)
                files = replace(plain, together=job.sizes.together, spill=folder).extract(found, begun)
                may_be_none = settings.move_to is not None
                files = deferred_to_the_next_run(files) if may_be_none else files
                return gather(files, settings.source, found.hidden, may_be_none=may_be_none, spill=folder)

            return inbox.clear(_execute(job, extract))


def replay(
    workspace: Workspace,
    settings: RunSettings,
    left: Unloaded,
    progress: Progress | None = None,
    sizes: Sizes | None = None,
) -> dict[str, Any]:
    """Retry what a run did not load, as a run of its own; ``settings`` are those that ``replay_settings`` returns.

    Returns and raises as ``run`` does.
    """
    with one_interruption():
        job = Job(workspace, settings, progress or NullProgress(), sizes or Sizes(), origins(left.run))

        def extract(is_known: IsKnown) -> Rows:
            plain = extractor(settings, job.started, is_known, job.progress)
            files = UnloadedReader(plain.options, plain.rules).read(left)
            for file in files:
                if file.sha256 and file.format:  # raises if plays were loaded with the other --spotify-time
                    is_known(file.path, file.sha256, file.format, file.companions)
            return concat(files)

        return _execute(job, extract)


def load_again(workspace: Workspace, settings: RunSettings, rows: Rows, user_id: int) -> dict[str, Any]:
    """Load ``rows`` unchanged, without a comparison, as a run of their own. Returns and raises as ``run`` does."""
    with one_interruption():
        return _execute(Job(workspace, settings, NullProgress(), Sizes()), lambda _: rows, owner=user_id)


def _execute(job: Job, extract: Callable[[IsKnown], Rows], *, owner: int | None = None) -> dict[str, Any]:
    """Connect, extract the rows, compare them with each other and the database, load them; return the manifest.

    If ``owner`` is given, the rows were in the database before, for the user with this id: they are not compared.
    """
    failpoints.plan(job.workspace.fault)
    settings = job.settings
    with job.timed("connect"):
        target = find_target(job.workspace)
        connection, database = open_interruptibly(target, read_only=settings.dry_run)
        pool = Pool(target, connection, settings.workers)
    with closing(pool):
        user_id = _begin(pool, settings, owner)
        interruption = None
        try:
            with one_interruption():
                with job.timed("extract"):
                    rows = extract(
                        is_known_to(pool, user_id, settings) if database.has_migrations else lambda *_: False
                    )
                failpoint(Point.AFTER_EXTRACT)
                if owner is None:
                    with job.timed("compare"):
                        chunk, has_ledger = job.sizes.chunk, database.has_migrations
                        rows = deduplicate(pool, user_id, settings, rows, chunk, has_ledger=has_ledger)
        except InterruptedRunError as error:  # what was read by then has no account: the next run reads it again
            rows, interruption = concat([]), error
        if not interruption and _has_nothing_to_do(settings, rows):
            return manifest.of_run(job, rows, Ending(ExitCode.OK, nothing_counted(), [], None), None)
        directory = create_run(job.workspace.runs, settings.source, job.started)
        with directory.held():
            failpoint(Point.AFTER_RUN_DIRECTORY)
            job.progress.begin(directory.run_id)
            logger.info("run %s", directory.run_id, extra={"event": "run_started"})
            loads = [ChunkLoad(chunk) for chunk in rows.listens.chunks(job.sizes.chunk)]
            return _load(RunContext(job, pool, directory, user_id, rows, loads, database.has_lookup), interruption)


def _has_nothing_to_do(settings: RunSettings, rows: Rows) -> bool:
    """Say whether a run reads, loads and moves nothing. It then gets no directory, so that ``latest`` is a real run."""
    found = {file.status for file in rows.files}
    moves = settings.move_to is not None and FileStatus.KNOWN in found
    return found <= {FileStatus.KNOWN, FileStatus.LEFT_ASIDE} and not (moves or settings.replay_of)


def _begin(pool: Pool, settings: RunSettings, owner: int | None) -> int:
    """Take the run lock, or begin the single transaction of a dry run; return the id of the Koito user."""
    if settings.no_overlap or not settings.dry_run:
        with log_long_wait("waiting for an undo on this database to end; Ctrl-C stops waiting"):
            pool.control(lambda control: pool.target.acquire_run_lock(control, exclusive=settings.no_overlap))
    if settings.dry_run:
        pool.control(pool.target.begin_snapshot)
    return owner or pool.control(lambda control: ledger.find_user(control, settings.user))


def _load(run: RunContext, failure: EtlError | None) -> dict[str, Any]:
    """Load the rows, or simulate that, while writing them to the run directory; finish the run in any case.

    If a ``failure`` has ended the run already, nothing is loaded; the failure is recorded.
    """
    with ThreadPoolExecutor(2, "etl-files") as threads:

        def write() -> Future[pl.DataFrame]:
            return threads.submit(retry_on_interrupt, lambda: write_rows(run.directory, run.rows))

        spellings = None
        try:
            with one_interruption():
                with signals_deferred():
                    spellings = write()
                if not failure:
                    (simulate_chunks if run.job.settings.dry_run else load_chunks)(run)
                if (held := run.pool.target.longest_lock) is not None:
                    run.job.timings["longest_lock"] = round(held, 4)
        except EtlError as error:
            failure = run.pool.target.explain(error)
        return Finish(run, spellings or write()).wait(threads, failure)
