"""Fixtures of the backfill tests: a fake service without data, and clients that query it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from etl.backfill.http.client import HttpClient
from etl.backfill.http.connections import RequestLimits
from etl.backfill.http.rate_limit import RateLimiter
from tests.backfill.server import MISSING, FakeService, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHORT_LIMITS = RequestLimits(connect=5.0, read=2.0, total=5.0, bytes=100_000, backoff=0.001)


@pytest.fixture
def services() -> Iterator[FakeService]:
    """Yield a server that has nothing, until a test sets its ``respond``."""
    with serving(lambda _: MISSING) as server:
        yield server


class RecordingRateLimiter(RateLimiter):
    """A rate limiter that never makes anybody wait, and records the pauses of hosts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pauses: list[float] = []

    def acquire(self, host: str, interval: float) -> float:  # noqa: ARG002
        return 0.0

    def postpone(self, host: str, pause: float) -> None:  # noqa: ARG002
        self.pauses.append(pause)


@pytest.fixture
def rate_limiter(tmp_path: Path) -> RecordingRateLimiter:
    """Return a rate limiter that never makes anybody wait."""
    return RecordingRateLimiter(tmp_path)


@pytest.fixture
def new_client(rate_limiter: RecordingRateLimiter) -> Iterator[Callable[[], HttpClient]]:
    """Yield a function that makes clients with short limits."""
    clients = []

    def new() -> HttpClient:
        agent = "etl/test ( me@example.org )"
        clients.append(HttpClient(agent, rate_limiter, lambda _: 1000.0, threading.Event(), SHORT_LIMITS))
        return clients[-1]

    yield new
    for client in clients:
        client.close()
