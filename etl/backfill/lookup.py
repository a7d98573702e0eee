"""Looks up entities in worker threads until all are done, or the run's limits are reached."""

from __future__ import annotations

import logging
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

from etl.backfill.http.service import CountingFetch
from etl.backfill.rules.durations import find_duration
from etl.backfill.rules.entities import AlbumEntity, ArtistEntity, TrackEntity
from etl.backfill.rules.findings import Finding, FindingOutcome
from etl.backfill.rules.identify import identify_album, identify_artist, identify_track
from etl.backfill.rules.images import find_album_image, find_artist_image
from etl.backfill.services.request import RequestFailedError, ServiceGivenUpError, StoppedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from etl.backfill.http.service import ServiceClient
    from etl.backfill.rules.entities import Entity
    from etl.backfill.services.request import Fetch
    from etl.backfill.settings import BackfillSettings

logger = logging.getLogger(__name__)

_TICK = 1.0  # seconds between two looks at the clock
_GRACE = 2.0  # seconds that open requests have to end after --max-runtime


def look_up(entity: Entity, fetch: Fetch, settings: BackfillSettings) -> Finding:
    """Return the finding for ``entity``, by the rules of the task that ``settings`` name."""
    task, score = settings.task, settings.score
    match entity:
        case ArtistEntity() if task == "images":
            return find_artist_image(entity, fetch)
        case ArtistEntity():
            return identify_artist(entity, fetch, score)
        case AlbumEntity() if task == "images":
            return find_album_image(entity, fetch, settings.providers, settings.addresses)
        case AlbumEntity():
            return identify_album(entity, fetch, score)
        case TrackEntity() if task == "durations":
            return find_duration(entity, fetch, score)
        case TrackEntity():
            return identify_track(entity, fetch, score)


class Lookup(NamedTuple):
    """A finding, and whether a service was asked for it."""

    finding: Finding
    was_asked: bool


class LookupWorkers:
    """Threads that look up entities. Leaving the context stops them without waiting for open requests."""

    def __init__(
        self, settings: BackfillSettings, service: ServiceClient, stop: threading.Event, deadline: float
    ) -> None:
        """``deadline``: the ``time.monotonic`` after which no request is sent; ``stop``: set to stop all threads."""
        self._settings = settings
        self._service = service
        self._stop = stop
        self._deadline = deadline
        self._executor = ThreadPoolExecutor(settings.workers, "etl-lookup")
        self.budget = sys.maxsize if settings.limit is None else settings.limit
        """About how many more entities may need a request."""
        self.stopped_by: str | None = None
        """``limit`` or ``max_runtime``, if one of them left entities undone."""
        self.given_up: set[str] = set()
        """Why services were given up."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def look_up_all(self, entities: Iterable[Entity]) -> Iterator[Lookup | None]:
        """Yield a lookup for each entity as it ends, and None at least once a second.

        An entity whose service was given up, or that the end of the run interrupted, is left out.
        """
        waiting = iter(entities)
        pending: dict[Future[Lookup], Entity] = {}
        while time.monotonic() < self._deadline + _GRACE:
            self._submit(waiting, pending)
            if not pending:
                if not self.budget and next(waiting, None) is not None:
                    self.stopped_by = "limit"
                return
            finished, _ = wait(pending, min(_TICK, self._time_left()), FIRST_COMPLETED)
            if self._time_left() == 0.0:
                self.stopped_by = "max_runtime"
                self._stop.set()
            for future in finished:
                if lookup := self._result(future, pending.pop(future)):
                    self.budget -= lookup.was_asked
                    yield lookup
            yield None

    def _submit(self, waiting: Iterator[Entity], pending: dict[Future[Lookup], Entity]) -> None:
        """Keep every thread busy, within the budget: each pending entity may need a request."""
        while len(pending) < min(2 * self._settings.workers, self.budget) and not self._stop.is_set():
            if (entity := next(waiting, None)) is None:
                return
            pending[self._executor.submit(self._look_up, entity)] = entity

    def _look_up(self, entity: Entity) -> Lookup:
        if self._stop.is_set():
            raise StoppedError
        fetch = CountingFetch(self._service)
        finding = look_up(entity, fetch, self._settings)
        return Lookup(finding, was_asked=fetch.sent > 0)

    def _time_left(self) -> float:
        return _TICK if self._stop.is_set() else max(0.0, self._deadline - time.monotonic())

    def _result(self, future: Future[Lookup], entity: Entity) -> Lookup | None:
        try:
            return future.result()
        except StoppedError:
            return None
        except ServiceGivenUpError as error:
            if str(error) not in self.given_up:
                logger.info("%s: this run sends it no more requests", error)
                self.given_up.add(str(error))
            return None
        except RequestFailedError as error:
            return Lookup(Finding(entity, FindingOutcome.FAILED, str(error)), was_asked=True)
