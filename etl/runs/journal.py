"""Records in the run directory what each batch inserts, before its commit, for ``etl undo`` of a run that was killed.

A run that ends normally writes ``outcome.parquet`` and removes the journal. The ledger says which batches were
committed.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.schema import STAGE, conform, empty

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FOLDER = ".inserted"
PAIRS = pl.Schema({"track_id": STAGE["track_id"], "listened_at": STAGE["listened_at"]})


class Journal(msgspec.Struct, frozen=True):
    """The journal of the run whose directory is ``path``."""

    path: Path

    @property
    def folder(self) -> Path:
        """The folder of its files, one per batch."""
        return self.path / _FOLDER

    def record(self, batch: int, inserted: pl.DataFrame) -> None:
        """Record what a batch inserts (schema PAIRS). Ignores errors: a load must not fail for its journal."""
        with suppress(OSError, pl.exceptions.PolarsError):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            partial = self.folder / f"{batch}.partial"
            conform(inserted, PAIRS).write_ipc(partial)
            partial.replace(self._file(batch))

    def read(self, batches: Iterable[int]) -> pl.DataFrame:
        """Return what ``batches`` inserted, as far as it is recorded: schema PAIRS."""
        parts = [empty(PAIRS)]
        for batch in batches:
            with suppress(OSError, pl.exceptions.PolarsError):  # lost when the machine crashed
                parts.append(conform(pl.read_ipc(self._file(batch)), PAIRS))
        return pl.concat(parts)

    def exists(self) -> bool:
        """Say whether anything is recorded."""
        return self.folder.is_dir()

    def remove(self) -> None:
        """Remove the journal, because ``outcome.parquet`` has the same."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, batch: int) -> Path:
        return self.folder / f"{batch}.arrow"
