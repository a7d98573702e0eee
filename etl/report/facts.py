"""What the page tells of a run, as values and frames. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


@dataclass(frozen=True)
class Facts:
    """A run as the page tells it."""

    manifest: Mapping[str, Any]
    """``run.json``."""
    answers: Mapping[str, pl.DataFrame]
    """By the name of the query; dates are dates, times UTC."""
    missing: list[str]
    """Parquet files that are not there, as after a full disk; their rows count as none."""
