"""Locks the folder ``backfill/`` of the home: cache, rate limit files, a lock per task, and a folder per run."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.core.errors import EtlError, ExitCode, SettingsError
from etl.core.private_folder import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TaskLockedError(EtlError):
    """Another process runs the same task."""

    exit_code = ExitCode.LOCKED


@contextmanager
def locked_folder(home: Path, task: str) -> Iterator[Path]:
    """Yield the folder, created if necessary, while holding the lock of ``task``: no request is sent twice at once.

    Raises ``TaskLockedError`` if another process holds the lock, ``SettingsError`` if the folder cannot be used.
    """
    folder = home / "backfill"
    try:
        make_private(folder, home)
        lock = os.open(folder / f"{task}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be used: {error.strerror}", "Choose another --home") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TaskLockedError(
                f"`etl backfill {task}` is already running for {home}",
                "Wait until it ends, or stop it and run this command again",
            ) from error
        yield folder
    finally:
        os.close(lock)
