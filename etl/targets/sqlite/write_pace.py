"""Keeps write transactions short and apart, so that a running Koito never waits long for the file.

SQLite lets one program write at a time. Koito gives up after five seconds, and a program that writes without pause
starves it: SQLite polls for the lock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

PAUSE = 0.05  # seconds between two write transactions; with 5 ms Koito already gets its turn
GOAL = 0.3  # seconds that a transaction should hold the lock; a busy machine makes a second of it at times
FIRST = 30_000  # rows of all tables, before anything was measured
LEAST = 1_000  # fewer cost as much: a commit alone takes its time
CHANGE = 4  # times as many or as few at most, from one transaction to the next: one alone says little


@dataclass
class WritePace:
    """How many rows the next write transaction may have, by the time that the last ones took."""

    rows: int = FIRST
    """Of all tables together."""
    longest: float = 0.0
    """Seconds that the longest transaction so far has held the lock."""
    _ended: float = 0.0
    """When the last one ended, on the monotonic clock."""

    def pause(self) -> None:
        """Wait until enough time has passed since the last write transaction."""
        if (left := self._ended + PAUSE - time.monotonic()) > 0:
            time.sleep(left)

    def note(self, rows: int, seconds: float) -> None:
        """Note that a transaction wrote ``rows`` rows and held the lock for ``seconds``."""
        self._ended = time.monotonic()
        self.longest = max(self.longest, seconds)
        if rows >= LEAST // 4:
            fitting = int(rows * GOAL / max(seconds, 0.001))
            self.rows = max(LEAST, self.rows // CHANGE, min(fitting, self.rows * CHANGE))
