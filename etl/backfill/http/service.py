"""Answers requests: from the cache if the answer is recent enough, else from the service, and each request once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from etl.backfill.http.cache import CachedAnswer
from etl.parsers.decoders import json_decoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from etl.backfill.http.cache import Cache
    from etl.backfill.http.client import HttpClient
    from etl.backfill.services.request import Request, Service

T = TypeVar("T")

DAY = 86_400  # seconds
FOUND_DAYS = 180  # how old a cached answer that holds something may be
_CACHE_VERSION = 1  # to be raised when the type of an answer changes


class ServiceClient:
    """Answers requests for all threads. Threads that need one answer at the same time share one request."""

    def __init__(self, client: HttpClient, cache: Cache, base_urls: Mapping[Service, str], missing_days: int) -> None:
        """``missing_days``: how old a cached answer without a result may be."""
        self._client = client
        self._cache = cache
        self._base_urls = base_urls
        self._missing_days = missing_days
        self._key_locks: dict[str, tuple[threading.Lock, int]] = {}
        """For each key in use: its lock, and how many threads need it."""
        self._lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        """Answers from each service."""
        self.cached: Counter[str] = Counter()
        """Answers from the cache, by service."""

    def answer(self, request: Request[T]) -> tuple[T, bool]:
        """Return the answer to ``request``, and whether it came from the cache.

        Raises ``RequestFailedError`` or ``StoppedError``; failures are not cached.
        """
        base_url = self._base_urls[request.service]
        key = f"{_CACHE_VERSION} {request.service} {base_url} {request.key}"
        with self._one_at_a_time(key):
            cached = self._cache.find(key)
            if cached and self._is_recent(cached):
                self._count(self.cached, request.service)
                return json_decoder(request.answer_type).decode(cached.value), True
            answer = self._client.send(request, base_url)
            self._count(self.asked, request.service)
            self._cache.store(key, CachedAnswer(msgspec.json.encode(answer), bool(answer), int(time.time())))
            return answer, False

    def traffic(self) -> dict[str, Any]:
        """Return how often services and the cache answered, and how many requests went to each host, as JSON."""
        return {
            "asked": dict(sorted(self.asked.items())),
            "cached": dict(sorted(self.cached.items())),
            "requests": {"repeated": self._client.repeated, "hosts": dict(sorted(self._client.requests.items()))},
        }

    @contextmanager
    def _one_at_a_time(self, key: str) -> Iterator[None]:
        """Let threads that need ``key`` pass one after the other: the second finds the answer in the cache."""
        with self._lock:
            lock, threads = self._key_locks.get(key, (threading.Lock(), 0))
            self._key_locks[key] = lock, threads + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, threads = self._key_locks.pop(key)
                if threads > 1:
                    self._key_locks[key] = lock, threads - 1

    def _is_recent(self, cached: CachedAnswer) -> bool:
        days = FOUND_DAYS if cached.is_found else self._missing_days
        return abs(time.time() - cached.answered_at) < days * DAY  # far in the future: by a clock that was wrong

    def _count(self, counter: Counter[str], service: Service) -> None:
        with self._lock:
            counter[service] += 1


class CountingFetch:
    """Fetches the answers for one entity, and counts those that did not come from the cache."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service
        self.sent = 0

    def __call__(self, request: Request[T], /) -> T:
        """Return the answer to ``request``; raises as ``ServiceClient.answer``."""
        answer, is_cached = self._service.answer(request)
        self.sent += not is_cached
        return answer
