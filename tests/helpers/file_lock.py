"""Keeps an SQLite file locked from another process, like a program that writes for a long time."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5)
if sys.argv[2]:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE users SET username = username")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(file: Path, *, for_readers: bool = False) -> Iterator[None]:
    """Hold the write lock of ``file`` in the block; with ``for_readers``, it cannot be read either."""
    words = [sys.executable, "-c", _HOLD, str(file), "yes" if for_readers else ""]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            process.kill()
