"""Waits while another program has the file locked, in short tries, so that a signal can end the run."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from etl.core.waits import Reminder
from etl.targets.base import Failure
from etl.targets.processes import describe_processes, holders
from etl.targets.sqlite.errors import BUSY, SqliteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)

T = TypeVar("T")

TRY = 200  # milliseconds that SQLite itself waits: a statement cannot be interrupted
PATIENCE = 30.0  # seconds until we give up; Koito itself writes for moments only
LOG_AFTER = 3.0  # seconds of waiting after which a message is logged
_BRIEF = 0.02  # seconds between two tries if SQLite itself did not wait


def wait_for_lock(path: Path, attempt: Callable[[], T], check: Callable[[], None] = lambda: None) -> T:
    """Call ``attempt`` until no other program has the file at ``path`` locked, and return its result.

    ``check`` is called between two tries and may raise to end the wait. Raises ``StatementError`` with ``Failure.BUSY``
    once the file has been locked for too long.
    """
    began, reminder = time.monotonic(), Reminder(LOG_AFTER)
    while True:
        try:
            return attempt()
        except SqliteError as error:
            waited = time.monotonic() - began
            if BUSY not in error.message:
                raise
            check()
            if waited > PATIENCE:
                raise SqliteError(f"{_who(path)} has kept {path} locked for {waited:.0f} s", Failure.BUSY) from error
        if reminder.is_due():
            logger.info("waiting for %s, which has %s locked; at most %.0f s", _who(path), path, PATIENCE)
        time.sleep(_BRIEF)


def _who(path: Path) -> str:
    return describe_processes(holders(path), "another program")
