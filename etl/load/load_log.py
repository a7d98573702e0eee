"""Records what a load does, entry by entry: how each step starts, what it commits, how it ends. Append-only.

A run may end between any two entries. The log then holds what the database has confirmed.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from etl.targets.base import StatementError


class RunStart(NamedTuple):
    """The run is recorded in the ledger."""

    retries: int
    """How often the ledger's transaction was repeated after a conflict."""


class StepStart(NamedTuple):
    """A step is about to write."""

    hits: pl.DataFrame
    """The cached keys whose listens the step loads (schema TRACK_LOOKUP)."""


class CommittedBatch(msgspec.Struct, frozen=True):
    """A batch of a step was committed."""

    number: int
    """Its number within the run; the ledger's key."""
    resolved: pl.DataFrame
    """The keys that it resolved (schema TRACK_LOOKUP)."""
    reached: pl.DataFrame
    """Its listens: track_id, listened_at."""
    inserted: pl.DataFrame
    """The listens that were new."""
    of_other_users: pl.DataFrame
    """The listens that the database already has for another user."""
    created: Mapping[str, int]
    """How many artists, albums and tracks it created, by entity."""
    retries: int = 0


class StepResult(msgspec.Struct, frozen=True):
    """A step is over; what it could write is written."""

    unwritten: Mapping[str, StatementError]
    """The keys of failed batches, each with its error."""
    notes: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Remarks about keys that have their ids, by key."""


class KeyFailure(NamedTuple):
    """A key cannot be loaded."""

    key: str
    reason: str


Entry: TypeAlias = RunStart | StepStart | CommittedBatch | StepResult | KeyFailure


class LoadLog:
    """The log of a load. Any thread may append to it; entries never change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def append(self, entry: Entry) -> None:
        """Add ``entry``."""
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> tuple[Entry, ...]:
        """Return all entries so far, in order."""
        with self._lock:
            return tuple(self._entries)
