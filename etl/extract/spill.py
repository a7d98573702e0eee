"""Spills the listens of a run to disk if they are too many for the memory, and reads them back by time range."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import polars as pl

from etl.core.atomic_file import atomic_file, unwritable
from etl.core.errors import SettingsError
from etl.core.private_folder import make_private
from etl.core.schema import NORMALIZED, conform
from etl.core.write_error_advice import write_error_advice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NEVER = datetime.min.replace(tzinfo=UTC)
_PREFIX = ".spill-"  # `etl runs` ignores names with a dot
_ROWS = 100_000  # per row group; a time range reads the row groups that it overlaps


class TimeRange(NamedTuple):
    """The time from ``first`` to before ``until``; if ``until`` is None, without an end."""

    first: datetime
    until: datetime | None


class OnDisk(msgspec.Struct, frozen=True):
    """The spilled listens of a time range."""

    parts: list[Path]
    range: TimeRange

    def read(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """Return its listens (schema NORMALIZED), or only these columns."""
        time = pl.col("listened_at")
        inside = time >= self.range.first
        if self.range.until is not None:
            inside &= time < self.range.until
        schema = pl.Schema({name: NORMALIZED[name] for name in columns or NORMALIZED})
        rows = pl.scan_parquet(self.parts, glob=False).filter(inside).select(schema.names())
        try:
            return conform(rows.collect(), schema)
        except (OSError, pl.exceptions.PolarsError) as error:
            folder = self.parts[0].parent
            raise SettingsError(f"{folder} cannot be read any more: {error}", "Run the same command again") from error


class SpillFolder(msgspec.Struct):
    """A temporary folder below ``parent``, which exists from the first listens until it is closed."""

    parent: Path
    parts: list[Path] = msgspec.field(default_factory=list)
    rows: int = 0
    """How many listens it holds."""
    _folder: Path | None = None
    _held: int | None = None

    def add(self, listens: pl.DataFrame) -> None:
        """Write ``listens`` (schema NORMALIZED) to disk. Raises ``SettingsError`` if that is impossible."""
        try:
            path = self._made() / f"{len(self.parts)}.parquet"
        except OSError as error:
            raise unwritable(self.parent, error, write_error_advice(self.parent, error)) from error
        with atomic_file(path) as partial:
            conform(listens, NORMALIZED).sort("listened_at").write_parquet(
                partial.path, compression="zstd", compression_level=1, row_group_size=_ROWS
            )
        self.parts.append(path)
        self.rows += listens.height

    def chunks(self, rows: int) -> list[OnDisk]:
        """Divide the listens into consecutive time ranges of about ``rows`` listens each; no second is divided."""
        times = pl.scan_parquet(self.parts, glob=False).select("listened_at").collect().to_series().sort()
        firsts = times.gather_every(max(rows, 1)).unique().sort().to_list() or [NEVER]
        return [OnDisk(self.parts, TimeRange(*ends)) for ends in zip(firsts, [*firsts[1:], None], strict=True)]

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)
        self._folder = self._held = None

    def _made(self) -> Path:
        if self._folder is None:
            make_private(self.parent, self.parent.parent)
            for abandoned in self.parent.glob(f"{_PREFIX}*"):
                _remove_unheld(abandoned)
            self._folder = self.parent / f"{_PREFIX}{secrets.token_hex(3)}"
            self._folder.mkdir(mode=0o700)
            self._held = os.open(self._folder, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._held, fcntl.LOCK_SH)
        return self._folder


def _remove_unheld(folder: Path) -> None:
    """Remove a folder that a killed run left behind: its lock ended with the process."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
