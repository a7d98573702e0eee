"""The run lock for an SQLite file: a lock file of our own, which the system unlocks when the process ends.

The database file itself must not be opened here: closing it would drop SQLite's locks.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError, LockedError
from etl.core.private_folder import make_private
from etl.core.waits import Reminder
from etl.targets.processes import describe_processes, holders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

SUFFIX = ".etl-lock"
POLL_INTERVAL = 0.05  # seconds
LOG_AFTER = 3.0  # seconds of waiting after which the holder of the lock is logged


def acquire_run_lock(
    database: Path, home: Path, *, exclusive: bool, check: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """Take the lock next to ``database``, or in ``home`` if that folder is read-only; return a function to release it.

    Runs share the lock; they wait for an undo, which holds it exclusively. Raises ``LockedError`` if ``exclusive`` is
    set and another run has the lock. ``check`` is called while waiting and may raise to end the wait.
    """
    descriptor, file = _opened(database, home)
    reminder = Reminder(LOG_AFTER)

    def waiting() -> None:
        check()
        if reminder.is_due():
            logger.info(
                "waiting for the run lock of %s, held by %s; Ctrl-C stops waiting",
                database,
                describe_processes(holders(file), "another process"),
            )

    try:
        _poll(lambda: _try_share(descriptor, file, waiting, exclusive=exclusive), waiting)
    except BaseException:
        os.close(descriptor)
        raise
    return lambda: os.close(descriptor)


def try_lock_exclusive(
    database: Path, home: Path, check: Callable[[], None] = lambda: None
) -> Callable[[], None] | None:
    """Take the lock exclusively if no run is active; return a function to release it. New runs wait for that."""
    descriptor, file = _opened(database, home)
    try:
        with _one_at_a_time(file.parent, check):
            if _take(descriptor, fcntl.LOCK_EX):
                return lambda: os.close(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def run_lock_holders(database: Path, home: Path) -> str:
    """Describe the other processes that hold the lock; blank if they are unknown."""
    descriptor, file = _opened(database, home)
    os.close(descriptor)
    return describe_processes(holders(file), "")


def _opened(database: Path, home: Path) -> tuple[int, Path]:
    """Return a descriptor of the lock file, and its path."""
    reasons = []
    for file in (database.with_name(database.name + SUFFIX), home / f"{database.name}{SUFFIX}"):
        with suppress(OSError):
            make_private(file.parent, home)
        try:
            return os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644), file
        except OSError as error:
            reasons.append(str(error))
    raise DatabaseError(f"the run lock cannot be created: {reasons[-1]}", "Make the folder of the database writable")


def _try_share(descriptor: int, file: Path, check: Callable[[], None], *, exclusive: bool) -> bool:
    """Take the lock as shared, unless an undo holds it; say whether it was taken.

    Raises ``LockedError`` if ``exclusive`` is set and other runs have the lock.
    """
    with _one_at_a_time(file.parent, check):
        if _take(descriptor, fcntl.LOCK_EX):
            with suppress(OSError):
                os.utime(file)  # since when runs have been active
        elif exclusive:
            raise _locked(os.fstat(descriptor).st_mtime, holders(file))
        return _take(descriptor, fcntl.LOCK_SH)


def _locked(since: float, pids: list[int]) -> LockedError:
    began = datetime.fromtimestamp(since, UTC)
    who = f": {describe_processes(pids, '')}" if pids else ""
    return LockedError(
        f"another run is active on this database, since {began:%Y-%m-%d %H:%M:%S} UTC{who}",
        "Run the same command again later",
    )


def _take(descriptor: int, kind: int) -> bool:
    """Take the lock if no other lock prevents it; say whether it was taken."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _poll(take: Callable[[], bool], check: Callable[[], None]) -> None:
    """Try until ``take`` has the lock; a blocking call would not notice that the run ends."""
    while not take():
        check()
        time.sleep(POLL_INTERVAL)


@contextmanager
def _one_at_a_time(folder: Path, check: Callable[[], None]) -> Iterator[None]:
    """Let one run at a time try: changing an exclusive lock to a shared one is not atomic."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _poll(lambda: _take(descriptor, fcntl.LOCK_EX), check)
        yield
    finally:
        os.close(descriptor)
