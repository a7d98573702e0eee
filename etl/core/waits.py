"""Tells people what a command is waiting for: after a moment, and again at intervals."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds after which a user wants to know what the command is waiting for
REPEAT = 60.0  # seconds between two reminders


class Reminder:
    """Says when it is time to mention again that the command is still waiting."""

    def __init__(self, first: float | None = None) -> None:
        """``first``: seconds until the first mention, by default ``PATIENCE``."""
        self._due = time.monotonic() + (PATIENCE if first is None else first)

    def is_due(self) -> bool:
        """Say whether to mention it now; if so, the next time is ``REPEAT`` seconds later."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + REPEAT
        return True


@contextmanager
def log_long_wait(what: str) -> Iterator[None]:
    """Log ``what`` the command is waiting for if the block takes longer than a moment, and again at intervals."""
    ended = Event()

    def tell() -> None:
        patience = PATIENCE
        while not ended.wait(patience):
            logger.info("%s", what)
            patience = REPEAT

    Thread(target=tell, name="etl-announce", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
