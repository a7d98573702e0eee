"""Runs a backfill from start to end: finds which values are missing, looks them up, writes them, and sums up the run.

Threads look up; the main thread only waits, so that a signal reaches it at once. An answer is in the cache before it
is used, so a run that ends early, for whatever reason, can be continued.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from etl.backfill.database import read_missing, write_findings
from etl.backfill.folder import locked_folder
from etl.backfill.http.cache import Cache
from etl.backfill.http.client import HttpClient
from etl.backfill.http.rate_limit import RateLimiter
from etl.backfill.http.service import ServiceClient
from etl.backfill.lookup import LookupWorkers
from etl.backfill.pace import Pace
from etl.backfill.summary import BackfillResult, write_summary
from etl.core.errors import EtlError, InterruptedRunError
from etl.core.signals import one_interruption
from etl.runs.directory import create_run
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from etl.backfill.http.connections import RequestLimits
    from etl.backfill.rules.entities import Entity, EntityKind
    from etl.backfill.rules.findings import Finding
    from etl.backfill.settings import BackfillSettings
    from etl.core.workspace import Workspace

    ReportProgress: TypeAlias = Callable[[int, int, float | None], None]

logger = logging.getLogger(__name__)

_BATCH = 100  # findings in a transaction
_BATCH_SECONDS = 5.0  # how long a finding may wait for others


def backfill(
    workspace: Workspace,
    settings: BackfillSettings,
    progress: ReportProgress = lambda _done, _total, _left: None,
    limits: RequestLimits | None = None,
) -> dict[str, Any]:
    """Run a task and return its summary.

    ``progress`` is called with the number of entities done, their total, and the most seconds that the rest takes, if
    known. Raises ``EtlError`` if the run cannot start; a later error is in the summary, with what was done before it.
    """
    started, stop = datetime.now(UTC), threading.Event()
    deadline = time.monotonic() + (settings.max_runtime or float("inf"))
    with one_interruption():
        target = find_target(workspace)
        connection, _ = open_interruptibly(target, read_only=settings.dry_run)
        with (
            closing(Pool(target, connection, 1)) as pool,
            locked_folder(workspace.home, settings.task) as folder,
            closing(Cache(folder / "answers.sqlite")) as cache,
            closing(_http_client(settings, folder, stop, limits)) as client,  # a failed run cuts off open requests
        ):
            service = ServiceClient(client, cache, settings.addresses, settings.missing_days)
            directory = create_run(folder, settings.task, started)
            with LookupWorkers(settings, service, stop, deadline) as workers:
                result = _BackfillRun(pool, settings, workers, progress).execute()
            return write_summary(directory, settings, result, service.traffic(), workspace.dsn, started)


def _http_client(
    settings: BackfillSettings, folder: Path, stop: threading.Event, limits: RequestLimits | None
) -> HttpClient:
    return HttpClient(settings.agent, RateLimiter(folder), settings.rate, stop, limits)


class _BackfillRun(msgspec.Struct):
    """The work of one run between opening and closing everything."""

    pool: Pool
    settings: BackfillSettings
    workers: LookupWorkers
    progress: ReportProgress
    missing: dict[EntityKind, int] = msgspec.field(default_factory=dict)
    findings: list[Finding] = msgspec.field(default_factory=list)
    mbid_owners: dict[tuple[EntityKind, str], int] = msgspec.field(default_factory=dict)
    """The entities to which this run gave MBIDs."""

    def execute(self) -> BackfillResult:
        """Look up and write everything, and return the result, also if an error ends the work early."""
        failure: EtlError | None = None
        try:
            with one_interruption():
                self._look_up_all(self._read_missing())
        except EtlError as error:
            failure = error
            if isinstance(error, InterruptedRunError):
                error.hint = "What was found so far is kept; run the same command again to continue"
        return BackfillResult(self.missing, self.findings, self.workers.given_up, self.workers.stopped_by, failure)

    def _read_missing(self) -> list[Entity]:
        """Return all entities to look up, in order."""
        entities: list[Entity] = []
        for kind in self.settings.kinds:
            missing = self.pool.control(partial(read_missing, task=self.settings.task, kind=kind))
            self.missing[kind] = len(missing)
            logger.info("%s %s to look up", f"{len(missing):,}", kind)
            entities += missing
        return entities

    def _look_up_all(self, entities: Sequence[Entity]) -> None:
        """Look up ``entities``, and write the findings in batches while the lookups go on."""
        batch: list[Finding] = []
        done, written_at, pace = 0, time.monotonic(), Pace(time.monotonic())
        for lookup in self.workers.look_up_all(entities):
            now = time.monotonic()
            if lookup:
                done += 1
                pace.done(now, was_asked=lookup.was_asked)
                batch.append(lookup.finding)
            left = min(len(entities) - done, self.workers.budget)
            self.progress(done, done + left, pace.left(left))
            if batch and (len(batch) >= _BATCH or now - written_at > _BATCH_SECONDS):
                self._write(batch)
                batch, written_at = [], now
        self._write(batch)

    def _write(self, batch: list[Finding]) -> None:
        ordered = sorted(batch, key=lambda finding: finding.order)
        write = partial(
            write_findings, self.pool.target, findings=ordered, owners=self.mbid_owners, dry_run=self.settings.dry_run
        )
        self.findings += self.pool.control(write)
