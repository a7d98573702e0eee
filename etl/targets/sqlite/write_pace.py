"""Keeps write transactions short, with pauses between them, so that a running Koito never waits long for the file.

SQLite lets one program write at a time. Koito gives up after five seconds. As SQLite polls for the lock, a program that
writes without pauses would starve Koito.
"""

from __future__ import annotations

import time

import msgspec

PAUSE = 0.05  # seconds between two write transactions; with 5 ms Koito already gets its turn
GOAL = 0.3  # seconds for which a transaction should hold the lock; up to a second on a busy machine
FIRST = 30_000  # rows of all tables, before the first measurement
LEAST = 1_000  # fewer rows save no time: the commit itself takes most of it
CHANGE = 4  # the largest factor between two transactions: a single measurement is unreliable


class WritePace(msgspec.Struct):
    """Decides how many rows the next write transaction may have, from the time that the last ones took."""

    rows: int = FIRST
    """Of all tables together."""
    longest: float = 0.0
    """Seconds for which the longest transaction so far held the lock."""
    _ended: float = 0.0
    """When the last one ended, on the monotonic clock."""

    def pause(self) -> None:
        """Wait until enough time has passed since the last write transaction."""
        if (left := self._ended + PAUSE - time.monotonic()) > 0:
            time.sleep(left)

    def note(self, rows: int, seconds: float) -> None:
        """Record that a transaction wrote ``rows`` rows and held the lock for ``seconds``."""
        self._ended = time.monotonic()
        self.longest = max(self.longest, seconds)
        if rows >= LEAST // 4:
            fitting = int(rows * GOAL / max(seconds, 0.001))
            self.rows = max(LEAST, self.rows // CHANGE, min(fitting, self.rows * CHANGE))
