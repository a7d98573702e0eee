"""The facts that the pages show, as values and frames. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


@dataclass(frozen=True)
class RunFacts:
    """Everything that a page shows about a run."""

    manifest: Mapping[str, Any]
    """``run.json``."""
    answers: Mapping[str, pl.DataFrame]
    """Results of the named queries, by name; times are UTC."""
    missing: list[str]
    """Parquet files that are missing from the run directory, e.g. after the disk was full; they count as empty."""


@dataclass(frozen=True)
class LibraryFacts:
    """Everything that a page shows about a library."""

    user: str
    zone: str
    """The zone of the local times, an IANA name."""
    answers: Mapping[str, pl.DataFrame]
    """Results of the named queries, by name."""
    version: str
    """The version of this program."""
