"""The folder ``backfill/`` of the home: the cache, the hosts' slots, a lock for each task, and a folder per run."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.core.errors import EtlError, ExitCode, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class LockedError(EtlError):
    """Another process does the same task."""

    exit_code = ExitCode.LOCKED


@contextmanager
def held(home: Path, task: str) -> Iterator[Path]:
    """Give the folder, made if need be, and hold the lock of ``task``: nothing is asked twice at once.

    Raises ``LockedError`` where another process holds it, ``SettingsError`` for a folder that cannot be used.
    """
    folder = home / "backfill"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / f"{task}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be used: {error.strerror}", "Choose another --home") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(
                f"`etl backfill {task}` is at work already for {home}", "Wait for its end, or end it and go on here"
            ) from error
        yield folder
    finally:
        os.close(lock)
