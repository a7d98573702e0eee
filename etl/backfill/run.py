"""A backfill from its beginning to its end: read what lacks something, ask, write, tell.

Threads ask; the main thread only waits, so that a signal reaches it at once. What was answered is in the cache before
anything is made of it: a run that is ended, however, goes on where it was.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from etl.backfill.database import read_lacking, settle
from etl.backfill.folder import held
from etl.backfill.http.cache import Cache
from etl.backfill.http.client import Client
from etl.backfill.http.rate_limit import Slots
from etl.backfill.http.service import Asker
from etl.backfill.pace import Pace
from etl.backfill.rules.durations import track_duration
from etl.backfill.rules.entities import Album, Artist
from etl.backfill.rules.findings import Finding, Outcome
from etl.backfill.rules.identify import identify_album, identify_artist, identify_track
from etl.backfill.rules.images import album_image, artist_image
from etl.backfill.services.request import FailedError, StoppedError, UnreachableError
from etl.backfill.summary import Tally, tell
from etl.core.errors import EtlError, InterruptedRunError
from etl.core.signals import one_interruption
from etl.runs.directory import create_run
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path
    from typing import TypeAlias

    from etl.backfill.http.client import Patience
    from etl.backfill.rules.entities import Entity, Kind
    from etl.backfill.settings import BackfillSettings
    from etl.core.settings import Workspace

    ReportProgress: TypeAlias = Callable[[int, int, float | None], None]

logger = logging.getLogger(__name__)

_BATCH = 100  # findings in a transaction
_BATCH_SECONDS = 5.0  # that a finding may wait for others
_TICK = 1.0  # seconds between two looks at the clock
_LAST_ANSWERS = 30.0  # seconds that requests under way have to end after --max-runtime


def backfill(
    workspace: Workspace,
    settings: BackfillSettings,
    progress: ReportProgress = lambda _done, _total, _left: None,
    patience: Patience | None = None,
) -> dict[str, Any]:
    """Do a task and return its account.

    ``progress`` is called with the entities done, their total, and the seconds that the rest takes at most, if known.
    Raises ``EtlError`` where it cannot begin; an error later on is in the account, which says what was done until then.
    """
    with one_interruption():
        return _Job(workspace, settings, progress, patience).execute()


@dataclass
class _Job:
    workspace: Workspace
    settings: BackfillSettings
    progress: ReportProgress
    patience: Patience | None
    tally: Tally = field(default_factory=Tally)
    stop: threading.Event = field(default_factory=threading.Event)
    given: dict[tuple[Kind, str], int] = field(default_factory=dict)
    """MBIDs that were given to entities in this run."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    deadline: float = float("inf")
    asking: int = sys.maxsize
    """About how many more entities somebody may be asked."""

    def execute(self) -> dict[str, Any]:
        if self.settings.max_runtime:
            self.deadline = time.monotonic() + self.settings.max_runtime
        if self.settings.limit is not None:
            self.asking = self.settings.limit
        target = find_target(self.workspace)
        connection, _ = open_interruptibly(target, read_only=self.settings.dry_run)
        pool = Pool(target, connection, 1)
        try:
            with held(self.workspace.home, self.settings.task) as folder:
                return self._run(pool, folder)
        finally:
            pool.close()

    def _run(self, pool: Pool, folder: Path) -> dict[str, Any]:
        cache = Cache(folder / "answers.sqlite")
        client = Client(self.settings.agent, Slots(folder), self.settings.rate, self.stop, self.patience)
        asker = Asker(client, cache, self.settings.addresses, self.settings.missing_days)
        directory = create_run(folder, self.settings.task, self.started)
        failure: EtlError | None = None
        try:
            with one_interruption():
                self._examine_all(pool, asker, self._lacking(pool))
        except EtlError as error:
            failure = error
            if isinstance(error, InterruptedRunError):
                error.hint = "What was found until now is kept; run the same command again to go on"
        self.stop.set()
        times = self.started, datetime.now(UTC)
        account = tell(directory, self.workspace, self.settings, self.tally, (asker, client), failure, times)
        client.close()  # which cuts off what threads still wait for, after a failure
        cache.close()
        return account

    def _lacking(self, pool: Pool) -> list[Entity]:
        """Return what is to be looked at in this run, in order."""
        wanted: list[Entity] = []
        for kind in self.settings.kinds:
            lacking = pool.control(partial(read_lacking, task=self.settings.task, kind=kind))
            self.tally.lacking[kind] = len(lacking)
            logger.info("%s %s to look at", f"{len(lacking):,}", kind)
            wanted += lacking
        return wanted

    def _examine_all(self, pool: Pool, asker: Asker, entities: list[Entity]) -> None:
        """Look at ``entities`` side by side, and write what is found from time to time."""
        pace, unwritten, written_at = Pace(time.monotonic()), list[Finding](), time.monotonic()
        workers = ThreadPoolExecutor(self.settings.workers, "etl-ask")
        try:
            done = 0
            for finding, was_asked in self._examined(workers, asker, entities):
                now = time.monotonic()
                if finding:
                    done += 1
                    pace.done(now, was_asked=was_asked)
                    unwritten.append(finding)
                left = min(len(entities) - done, self.asking)
                self.progress(done, len(entities), pace.left(left))
                if unwritten and (len(unwritten) >= _BATCH or now - written_at > _BATCH_SECONDS):
                    self._settle(pool, unwritten)
                    unwritten, written_at = [], now
            self._settle(pool, unwritten)
        finally:
            self.stop.set()
            workers.shutdown(wait=False, cancel_futures=True)

    def _examined(
        self, workers: ThreadPoolExecutor, asker: Asker, entities: list[Entity]
    ) -> Iterator[tuple[Finding | None, bool]]:
        """Yield a finding and whether it took a request, as they come; and None now and then, to look at the clock."""
        waiting = iter(entities)
        pending: dict[Future[tuple[Finding, bool]], Entity] = {}
        while time.monotonic() < self.deadline + _LAST_ANSWERS:
            while len(pending) < min(2 * self.settings.workers, self.asking) and not self.stop.is_set():
                if (entity := next(waiting, None)) is None:
                    break
                pending[workers.submit(self._examine, entity, asker)] = entity
            if not pending:
                if not self.asking and next(waiting, None) is not None:
                    self.tally.stopped = "limit"
                return
            finished, _ = wait(pending, min(_TICK, self._time_left()), FIRST_COMPLETED)
            if self._time_left() == 0.0 and not self.stop.is_set():
                self.tally.stopped = "max_runtime"
                self.stop.set()
            for future in finished:
                finding, was_asked = self._finding(future, pending.pop(future))
                self.asking -= was_asked
                yield finding, was_asked
            yield None, False

    def _time_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic()) if not self.stop.is_set() else _TICK

    def _finding(self, future: Future[tuple[Finding, bool]], entity: Entity) -> tuple[Finding | None, bool]:
        try:
            return future.result()
        except StoppedError:
            return None, False
        except UnreachableError as error:
            if str(error) not in self.tally.unreachable:
                logger.info("%s: it is not asked any more in this run", error)
                self.tally.unreachable.add(str(error))
            return None, False
        except FailedError as error:
            return Finding(entity, Outcome.FAILED, str(error)), True

    def _examine(self, entity: Entity, asker: Asker) -> tuple[Finding, bool]:
        if self.stop.is_set():
            raise StoppedError
        asker.was_asked()
        finding = self._look_at(entity, asker)
        return finding, asker.was_asked()

    def _look_at(self, entity: Entity, asker: Asker) -> Finding:
        score = self.settings.score
        is_image = self.settings.task == "images"
        if isinstance(entity, Artist):
            if not is_image:
                return identify_artist(entity, asker, score)
            return artist_image(entity, asker)
        if isinstance(entity, Album):
            if not is_image:
                return identify_album(entity, asker, score)
            return album_image(entity, asker, self.settings.providers, self.settings.addresses)
        is_duration = self.settings.task == "durations"
        return track_duration(entity, asker, score) if is_duration else identify_track(entity, asker, score)

    def _settle(self, pool: Pool, findings: list[Finding]) -> None:
        ordered, dry_run = sorted(findings, key=lambda one: one.order), self.settings.dry_run
        self.tally.findings += pool.control(
            lambda control: settle(pool.target, control, ordered, self.given, dry_run=dry_run)
        )
