"""The interface through which a run reports its progress to whoever started it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Count(StrEnum):
    """What a run counts."""

    FILES = "files"
    """Files that were looked at."""
    ROWS = "rows"
    """Rows that were read."""
    KEYS = "keys"
    """Keys that have their ids."""
    LISTENS = "listens"
    """Listens that were written or found present."""
    ENTITIES = "entities"
    """Artists, albums and tracks that a backfill has looked up."""


class Progress(Protocol):
    """Receives the progress of a run: once per step, file and batch, from any thread, so methods must return fast."""

    def begin(self, run_id: str) -> None:
        """Note that the run has its directory."""

    def step(self, name: str) -> None:
        """Note that a step begins; ``name`` is its name in ``timings``."""

    def expect(self, what: Count, total: int) -> None:
        """Note how many there are in total."""

    def advance(self, what: Count, number: int) -> None:
        """Note that ``number`` more are done."""


class NullProgress:
    """Ignores all progress."""

    def begin(self, run_id: str) -> None:
        """Ignore it."""

    def step(self, name: str) -> None:
        """Ignore it."""

    def expect(self, what: Count, total: int) -> None:
        """Ignore it."""

    def advance(self, what: Count, number: int) -> None:
        """Ignore it."""
