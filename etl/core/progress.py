"""What a run tells while it goes on: the narrow interface through which whoever started it listens."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Count(StrEnum):
    """What is counted."""

    FILES = "files"
    """Looked at."""
    ROWS = "rows"
    """Read."""
    KEYS = "keys"
    """That have their ids."""
    LISTENS = "listens"
    """That were written or found present."""
    ENTITIES = "entities"
    """Artists, albums and tracks that a backfill has looked up."""


class Progress(Protocol):
    """Hears how far a run is: once per step, file and batch, from any thread, so it must return at once."""

    def begin(self, run_id: str) -> None:
        """Hear that the run has its directory."""

    def step(self, name: str) -> None:
        """Hear that a step begins; ``name`` is its name in ``timings``."""

    def expect(self, what: Count, total: int) -> None:
        """Hear how much there is."""

    def advance(self, what: Count, number: int) -> None:
        """Hear that so much more is done."""


class NullProgress:
    """Hears nothing."""

    def begin(self, run_id: str) -> None:
        """Ignore it."""

    def step(self, name: str) -> None:
        """Ignore it."""

    def expect(self, what: Count, total: int) -> None:
        """Ignore it."""

    def advance(self, what: Count, number: int) -> None:
        """Ignore it."""
