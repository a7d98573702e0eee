"""Holds the listens of a run, in memory or spilled to disk, and hands them out window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from etl.core.schema import NORMALIZED, empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from etl.extract.spill import SpillFolder


class Window(Protocol):
    """Some of the listens of a run: all of a second, or none."""

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """Return them (schema NORMALIZED), or these columns of them."""


@dataclass(frozen=True)
class InMemory:
    """All listens of a run that is held in memory."""

    listens: pl.DataFrame

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """See ``Window``."""
        return self.listens.select(columns) if columns else self.listens


@dataclass(frozen=True)
class RowStore:
    """The listens of a run (schema NORMALIZED)."""

    listens: pl.DataFrame
    """Those in memory: all of them, or none."""
    spilled: SpillFolder | None = None
    """Those on disk."""

    @property
    def height(self) -> int:
        """How many there are."""
        return self.spilled.rows if self.spilled else self.listens.height

    def windows(self, size: int) -> Sequence[Window]:
        """Return all of them as windows in the order of time, about ``size`` listens each; as one if in memory."""
        return self.spilled.windows(size) if self.spilled else [InMemory(self.listens)]

    def read(self) -> pl.DataFrame:
        """Return all of them; those that come from disk by file, then row."""
        if self.spilled is None:
            return self.listens
        (window,) = self.spilled.windows(self.height)
        return window.read().sort("file", "row")


def spilled(folder: SpillFolder) -> RowStore:
    """Return the store of the listens in ``folder``."""
    return RowStore(empty(NORMALIZED), folder)
