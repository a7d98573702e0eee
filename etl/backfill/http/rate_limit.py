"""The next free moment of each host, in files that all processes of a home share: the rate holds for all together."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.backfill.http import limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PLAIN = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Slots:
    """Says when a host may be asked. Safe between threads and between processes."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """``clock`` must be one that processes share, such as the time of day."""
        self._folder = folder
        self._clock = clock

    def take(self, host: str, interval: float) -> float:
        """Take the moment if ``host`` may be asked now and return 0; else the seconds after which to try again."""
        with self._opened(host) as file:
            free_at = _read(file)
            wait, free_from = limiter.take(free_at, self._clock(), interval)
            if free_from != free_at:
                _write(file, free_from)
        return wait

    def postpone(self, host: str, pause: float) -> None:
        """Let nobody ask ``host`` for ``pause`` seconds."""
        with self._opened(host) as file:
            _write(file, limiter.postpone(_read(file), self._clock(), pause))

    @contextmanager
    def _opened(self, host: str) -> Iterator[int]:
        name = host if _PLAIN.fullmatch(host) else hashlib.sha256(host.encode()).hexdigest()
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
