"""Caches answers in an SQLite file, including those without a result, so that no run sends a request twice."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import SettingsError
from etl.core.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIMEOUT = 60.0  # seconds for which another process of the same home may hold the write lock


class CachedAnswer(msgspec.Struct, frozen=True):
    """An answer as stored: JSON, whether it has a result, and when the service gave it (seconds since 1970)."""

    value: bytes
    is_found: bool
    answered_at: int


class Cache:
    """The SQLite file. All threads take turns on one connection."""

    def __init__(self, path: Path) -> None:
        """Open the file, and create it if necessary; raises ``SettingsError`` if that fails."""
        self._path = path
        self._lock = threading.Lock()
        with self._explained():
            self._connection = sqlite3.connect(path, _TIMEOUT, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing
                self._connection.execute(statement("cache", "create"))
            except sqlite3.Error:
                self._connection.close()
                raise

    def find(self, key: str) -> CachedAnswer | None:
        """Return the answer stored under ``key``, however old; None if there is none."""
        with self._lock, self._explained():
            row = self._connection.execute(statement("cache", "find"), (key,)).fetchone()
        return None if row is None else CachedAnswer(row[0], bool(row[1]), row[2])

    def store(self, key: str, answer: CachedAnswer) -> None:
        """Store ``answer`` under ``key``; once this returns, the answer survives a crash of the process."""
        values = (key, answer.value, int(answer.is_found), answer.answered_at)
        with self._lock, self._explained():
            self._connection.execute(statement("cache", "store"), values)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into a ``SettingsError`` that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise SettingsError(
                f"{self._path}, the cache of answers, cannot be used: {error}",
                "Free some disk space or fix its permissions. If it is damaged, delete it: its answers are then "
                "requested again",
            ) from error
