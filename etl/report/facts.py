"""The facts that a page shows about a run, as values and frames. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


@dataclass(frozen=True)
class Facts:
    """All that a page shows about a run."""

    manifest: Mapping[str, Any]
    """``run.json``."""
    answers: Mapping[str, pl.DataFrame]
    """Results of the named queries, by name; times are UTC."""
    missing: list[str]
    """Parquet files that the run directory lacks, as after a full disk; they count as empty."""
