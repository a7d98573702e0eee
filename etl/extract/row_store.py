"""Holds the listens of a run, in memory or spilled to disk, and hands them out chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from etl.core.schema import NORMALIZED, empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from etl.extract.spill import SpillFolder


class Chunk(Protocol):
    """Some of the listens of a run; if it has a listen, it has all listens of the same second."""

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """Return its listens (schema NORMALIZED), or only these columns."""


class InMemory(msgspec.Struct, frozen=True):
    """All listens of a run, held in memory."""

    listens: pl.DataFrame

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """See ``Chunk``."""
        return self.listens.select(columns) if columns else self.listens


class RowStore(msgspec.Struct, frozen=True):
    """The listens of a run (schema NORMALIZED)."""

    listens: pl.DataFrame
    """The listens in memory: all of them, or none."""
    spilled: SpillFolder | None = None
    """The listens on disk."""

    @property
    def height(self) -> int:
        """The number of listens."""
        return self.spilled.rows if self.spilled else self.listens.height

    def chunks(self, size: int) -> Sequence[Chunk]:
        """Return all listens as chunks in order of time, of about ``size`` listens; as a single one if in memory."""
        return self.spilled.chunks(size) if self.spilled else [InMemory(self.listens)]

    def read(self) -> pl.DataFrame:
        """Return all listens; those from disk are sorted by file, then row."""
        if self.spilled is None:
            return self.listens
        (chunk,) = self.spilled.chunks(self.height)
        return chunk.read().sort("file", "row")


def spilled(folder: SpillFolder) -> RowStore:
    """Return the store of the listens in ``folder``."""
    return RowStore(empty(NORMALIZED), folder)
