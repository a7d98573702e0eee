"""What the tests of backfill share: a server that has nothing, and a way to ask it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from etl.backfill.http.client import Client, Patience
from etl.backfill.http.rate_limit import Slots
from tests.backfill.server import MISSING, Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HASTY = Patience(connect=5.0, read=2.0, total=5.0, bytes=100_000, backoff=0.001)


@pytest.fixture
def services() -> Iterator[Server]:
    """Return a server that has nothing; a test gives it something to ``respond``."""
    with serving(lambda _: MISSING) as server:
        yield server


class Recorded(Slots):
    """Slots that are free at once; the pauses that hosts get are noted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pauses: list[float] = []

    def take(self, host: str, interval: float) -> float:  # noqa: ARG002
        return 0.0

    def postpone(self, host: str, pause: float) -> None:  # noqa: ARG002
        self.pauses.append(pause)


@pytest.fixture
def slots(tmp_path: Path) -> Recorded:
    """Return slots that make nobody wait."""
    return Recorded(tmp_path)


@pytest.fixture
def new_client(slots: Recorded) -> Iterator[Callable[[], Client]]:
    """Return what makes clients that have little patience."""
    made = []

    def new() -> Client:
        made.append(Client("etl/test ( me@example.org )", slots, lambda _: 1000.0, threading.Event(), HASTY))
        return made[-1]

    yield new
    for client in made:
        client.close()
