"""Holds the request rate of each host, for all threads and processes that share one home directory.

A file per host has the time from which the host may be asked again; a lock on the file protects it. The arithmetic is
pure: times are in seconds, and passed in.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONGEST_PAUSE = 900.0  # a service that asks for a longer pause gets no more requests in this run
_FILE_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)


def try_acquire(free_at: float, now: float, interval: float) -> tuple[float, float]:
    """Return how many seconds to wait before another try, 0 if the host may be asked now, and the new ``free_at``.

    ``free_at``: from when on the host may be asked. A time in the future is never reserved, because a late request
    would arrive right before the next one. A ``free_at`` beyond the longest pause means that a clock was set back.
    """
    wait = free_at - now
    if 0.0 < wait <= LONGEST_PAUSE + interval:
        return wait, free_at
    return 0.0, now + interval


def postponed(free_at: float, now: float, pause: float) -> float:
    """Return the new ``free_at`` of a host that must not be asked for ``pause`` seconds."""
    return max(free_at, now + min(pause, LONGEST_PAUSE))


class RateLimiter:
    """Says when a host may be asked. Safe between threads and between processes."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """``folder`` holds the files; ``clock`` must be one that processes share, such as the time of day."""
        self._folder = folder
        self._clock = clock

    def acquire(self, host: str, interval: float) -> float:
        """Return 0 if ``host`` may be asked now, which counts as asked; else the seconds to wait before another try."""
        with self._opened(host) as file:
            free_at = _read(file)
            wait, free_from = try_acquire(free_at, self._clock(), interval)
            if free_from != free_at:
                _write(file, free_from)
        return wait

    def postpone(self, host: str, pause: float) -> None:
        """Prevent all requests to ``host`` for ``pause`` seconds."""
        with self._opened(host) as file:
            _write(file, postponed(_read(file), self._clock(), pause))

    @contextmanager
    def _opened(self, host: str) -> Iterator[int]:
        name = host if _FILE_NAME.fullmatch(host) else hashlib.sha256(host.encode()).hexdigest()
        file = os.open(self._folder / f"{name}.slot", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def _read(file: int) -> float:
    try:
        return float(os.pread(file, 64, 0))
    except ValueError:  # a new file
        return 0.0


def _write(file: int, free_at: float) -> None:
    os.pwrite(file, f"{free_at:<24.6f}".encode(), 0)
