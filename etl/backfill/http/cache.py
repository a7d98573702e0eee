"""Answers on disk, also those that say "nothing": asked once, whatever becomes of the process that asked."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl.core.errors import SettingsError
from etl.core.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 60.0  # seconds that another process of the home may take to write


@dataclass(frozen=True)
class Cached:
    """An answer as it was stored: JSON, whether it holds anything, and when it was given (seconds since 1970)."""

    value: bytes
    is_found: bool
    answered_at: int


class Cache:
    """A SQLite file of answers. One connection serves all threads, one after the other."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises ``SettingsError`` where that is impossible."""
        self._path = path
        self._using = threading.Lock()
        with self._told():
            self._connection = sqlite3.connect(path, _PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing
                self._connection.execute(statement("cache", "create"))
            except sqlite3.Error:
                self._connection.close()
                raise

    def find(self, question: str) -> Cached | None:
        """Return the answer to ``question``, however old."""
        with self._using, self._told():
            row = self._connection.execute(statement("cache", "find"), (question,)).fetchone()
        return None if row is None else Cached(row[0], bool(row[1]), row[2])

    def store(self, question: str, cached: Cached) -> None:
        """Keep an answer; when this returns it survives the process."""
        values = (question, cached.value, int(cached.is_found), cached.answered_at)
        with self._using, self._told():
            self._connection.execute(statement("cache", "store"), values)

    def close(self) -> None:
        """Close the file."""
        with self._using:
            self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SettingsError(
                f"{self._path}, the cache of answers, cannot be used: {error}",
                "Free some space or set its rights; if it is broken, remove it: what it held is asked for again",
            ) from error
