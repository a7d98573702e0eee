"""Answers questions: from the cache where the answer is young enough, else from the service, once per question."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec

from etl.backfill.http.cache import Cached

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from etl.backfill.http.cache import Cache
    from etl.backfill.http.client import Client
    from etl.backfill.services.request import Question, Service

T = TypeVar("T")

DAY = 86_400
FOUND_DAYS = 180  # what was found is seldom asked for again; when it is, it may be this old
_FORM = 1  # of what is cached; a change of a question's type needs another number


class Asker:
    """Answers for all workers. Two that ask the same at once get one request's answer."""

    def __init__(self, client: Client, cache: Cache, addresses: Mapping[Service, str], missing_days: int) -> None:
        """``addresses``: each service's base URL; ``missing_days``: how long "nothing found" is believed."""
        self._client = client
        self._cache = cache
        self._addresses = addresses
        self._missing_days = missing_days
        self._flights: dict[str, tuple[threading.Lock, int]] = {}
        """For each question that is being answered: a lock, and how many want the answer."""
        self._changing = threading.Lock()
        self._asking = threading.local()
        self.asked: Counter[str] = Counter()
        """Questions per service that it answered."""
        self.cached: Counter[str] = Counter()
        """Questions per service that the cache answered."""

    def __call__(self, question: Question[T], /) -> T:
        """Return the value of the answer. Raises ``FailedError`` or ``StoppedError``; neither is cached."""
        address = self._addresses[question.service]
        key = f"{_FORM} {question.service} {address} {question.text}"
        with self._one_by_one(key):
            known = self._cache.find(key)
            if known and self._is_young(known):
                self._count(self.cached, question)
                return msgspec.json.decode(known.value, type=question.kind)
            self._asking.was_asked = True
            value = self._client.ask(question, address)
            self._count(self.asked, question)
            self._cache.store(key, Cached(msgspec.json.encode(value), bool(value), int(time.time())))
            return value

    def was_asked(self) -> bool:
        """Say whether this thread has sent a request since it was asked this the last time."""
        was_asked = getattr(self._asking, "was_asked", False)
        self._asking.was_asked = False
        return was_asked

    @contextmanager
    def _one_by_one(self, key: str) -> Iterator[None]:
        """Let those who ask ``key`` at once pass one after the other, so that the second finds it in the cache."""
        with self._changing:
            lock, wanted = self._flights.get(key, (threading.Lock(), 0))
            self._flights[key] = lock, wanted + 1
        try:
            with lock:
                yield
        finally:
            with self._changing:
                lock, wanted = self._flights.pop(key)
                if wanted > 1:
                    self._flights[key] = lock, wanted - 1

    def _is_young(self, known: Cached) -> bool:
        days = FOUND_DAYS if known.is_found else self._missing_days
        return time.time() - known.answered_at < days * DAY

    def _count(self, counter: Counter[str], question: Question[T]) -> None:
        with self._changing:
            counter[question.service] += 1
