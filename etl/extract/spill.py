"""Keeps the listens of a run on the disk where they are too many for the memory, to be read by spans of time."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

import polars as pl

from etl.core.atomic_file import atomic_file, unwritable
from etl.core.errors import SettingsError
from etl.core.schema import NORMALIZED, conform

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NEVER = datetime.min.replace(tzinfo=UTC)
_PREFIX = ".spool-"  # `etl runs` passes over names with a dot
_ROWS = 100_000  # of a row group: a span of time reads those that it meets


class Window(Protocol):
    """Some of the listens of a run: of the same second all or none."""

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """Return them (schema NORMALIZED), or these columns of them."""


@dataclass(frozen=True)
class InMemory:
    """All listens of a run."""

    listens: pl.DataFrame

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """See ``Window``."""
        return self.listens.select(columns) if columns else self.listens


class Span(NamedTuple):
    """From ``first`` to before ``until``; to the end where that is null."""

    first: datetime
    until: datetime | None


@dataclass(frozen=True)
class OnDisk:
    """Those of a span of time."""

    parts: list[Path]
    span: Span

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """See ``Window``."""
        time = pl.col("listened_at")
        inside = time >= self.span.first
        if self.span.until is not None:
            inside &= time < self.span.until
        schema = pl.Schema({name: NORMALIZED[name] for name in columns or NORMALIZED})
        rows = pl.scan_parquet(self.parts, glob=False).filter(inside).select(schema.names())
        try:
            return conform(rows.collect(), schema)
        except (OSError, pl.exceptions.PolarsError) as error:
            folder = self.parts[0].parent
            raise SettingsError(f"{folder} cannot be read any more: {error}", "Run the same command again") from error


@dataclass
class Spool:
    """A folder of its own below ``parent``, from the first listens on until it is closed."""

    parent: Path
    parts: list[Path] = field(default_factory=list)
    _folder: Path | None = None
    _held: int | None = None

    def add(self, listens: pl.DataFrame) -> None:
        """Take ``listens`` (schema NORMALIZED). Raises ``SettingsError`` where they cannot be written."""
        try:
            path = self._made() / f"{len(self.parts)}.parquet"
        except OSError as error:
            raise unwritable(self.parent, error, "Set its rights, or choose another --home") from error
        with atomic_file(path) as partial:
            conform(listens, NORMALIZED).sort("listened_at").write_parquet(
                partial.path, compression="zstd", compression_level=1, row_group_size=_ROWS
            )
        self.parts.append(path)

    def windows(self, rows: int) -> list[OnDisk]:
        """Divide the listens into spans of time, in their order, of ``rows`` listens each if seconds were endless."""
        times = pl.scan_parquet(self.parts, glob=False).select("listened_at").collect().to_series().sort()
        firsts = times.gather_every(max(rows, 1)).unique().sort().to_list() or [NEVER]
        return [OnDisk(self.parts, Span(*span)) for span in zip(firsts, [*firsts[1:], None], strict=True)]

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)
        self._folder = self._held = None

    def _made(self) -> Path:
        if self._folder is None:
            self.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for unloaded in self.parent.glob(f"{_PREFIX}*"):
                _remove_unheld(unloaded)
            self._folder = self.parent / f"{_PREFIX}{secrets.token_hex(3)}"
            self._folder.mkdir(mode=0o700)
            self._held = os.open(self._folder, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._held, fcntl.LOCK_SH)
        return self._folder


def _remove_unheld(folder: Path) -> None:
    """Remove a folder that a killed run has left behind: the lock on it ended with its process."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
