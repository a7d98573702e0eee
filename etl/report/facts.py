"""The facts that the pages show, as values and frames. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


class RunFacts(msgspec.Struct, frozen=True):
    """Everything that a page shows about a run."""

    manifest: Mapping[str, Any]
    """``run.json``."""
    answers: Mapping[str, pl.DataFrame]
    """Results of the named queries, by name; times are UTC."""
    missing: list[str]
    """Parquet files that are missing from the run directory, e.g. after the disk was full; they count as empty."""


class LibraryFacts(msgspec.Struct, frozen=True):
    """Everything that a page shows about a library."""

    user: str
    zone: str
    """The zone of the local times, an IANA name."""
    answers: Mapping[str, pl.DataFrame]
    """Results of the named queries, by name."""
    version: str
    """The version of this program."""
