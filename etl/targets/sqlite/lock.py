"""The lock of runs on a SQLite file: a file of our own, which the system unlocks when its process ends.

The database file itself must not be opened here: closing it would drop the locks of SQLite.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError, LockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUFFIX = ".etl-lock"
POLL = 0.1  # seconds between two looks at a lock that an undo holds alone


def acquire_run_lock(
    database: Path, home: Path, *, exclusive: bool, is_ended: Callable[[], bool] = lambda: False
) -> Callable[[], None]:
    """Hold the lock next to ``database``, or in ``home`` where that folder cannot be written; return what releases it.

    Runs share it, and wait for an undo, which holds it alone, until ``is_ended``. Raises ``LockedError`` where the lock
    is to be ``exclusive`` and another run has it, and when the waiting has ended.
    """
    descriptor, file = _opened(database, home)
    try:
        while not _try_share(descriptor, file, exclusive=exclusive):
            _wait(descriptor, is_ended)
    except BaseException:
        os.close(descriptor)
        raise
    return lambda: os.close(descriptor)


def try_lock_alone(database: Path, home: Path) -> Callable[[], None] | None:
    """Hold the lock alone if no run is active, and return what releases it; runs that begin meanwhile wait."""
    descriptor, file = _opened(database, home)
    with _one_at_a_time(file.parent):
        if _is_free(descriptor):
            return lambda: os.close(descriptor)
    os.close(descriptor)
    return None


def _opened(database: Path, home: Path) -> tuple[int, Path]:
    """Return a descriptor of the lock file, and its path."""
    reasons = []
    for file in (database.with_name(database.name + SUFFIX), home / f"{database.name}{SUFFIX}"):
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644), file
        except OSError as error:
            reasons.append(str(error))
    raise DatabaseError(f"the lock of runs cannot be made: {reasons[-1]}", "Make the folder of the database writable")


def _wait(descriptor: int, is_ended: Callable[[], bool]) -> None:
    """Sleep for a moment: nothing could call this thread back from the system's own queue."""
    if is_ended():
        raise _locked(os.fstat(descriptor).st_mtime)
    time.sleep(POLL)


def _try_share(descriptor: int, file: Path, *, exclusive: bool) -> bool:
    """Take the lock as one of several, unless an undo holds it; say whether it is taken.

    Raises ``LockedError`` where others are not wanted, and there are some.
    """
    with _one_at_a_time(file.parent):
        if _is_free(descriptor):
            with suppress(OSError):
                os.utime(file)  # since when runs have been active
        elif exclusive:
            raise _locked(os.fstat(descriptor).st_mtime)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _locked(since: float) -> LockedError:
    began = datetime.fromtimestamp(since, UTC)
    return LockedError(
        f"another run is at work on this database, since {began:%Y-%m-%d %H:%M:%S} UTC",
        "Run the same command again later",
    )


def _is_free(descriptor: int) -> bool:
    """Take the lock alone if nobody has it, and say so."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one run at a time try: changing an exclusive lock to a shared one is not atomic."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
