"""Files that appear under their final name only when they are complete and on the disk."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from etl.core.errors import SettingsError
from etl.core.failpoints import Point, failpoint

if TYPE_CHECKING:
    from pathlib import Path

_OS_ERROR = re.compile(r"([^:]+) \(os error \d+\)")


@dataclass(frozen=True)
class AtomicFile:
    """A file that appears under its name when it is whole and on the disk."""

    path: Path
    """Where it is written."""
    final: Path
    before: Point
    """Reached between the two."""
    hint: str
    """What to do where it cannot be written."""

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        try:
            if kind is None:
                with self.path.open("rb") as written:
                    os.fsync(written.fileno())
                failpoint(self.before)
                self.path.replace(self.final)
        except OSError as failed:
            raise unwritable(self.final, failed, self.hint) from failed
        finally:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
        # Polars tells the operating system's errors as its own
        if isinstance(error, OSError) or (
            isinstance(error, pl.exceptions.PolarsError) and _OS_ERROR.search(str(error))
        ):
            raise unwritable(self.final, error, self.hint) from error


def atomic_file(path: Path) -> AtomicFile:
    """Return ``path``, written under a temporary name in its folder first. Raises ``SettingsError`` if that fails."""
    hint = "Free some space or set its rights, or choose another place"
    return AtomicFile(path.with_name(f".{path.name}.partial"), path, Point.BEFORE_RENAME, hint)


def unwritable(path: Path, error: Exception, hint: str) -> SettingsError:
    """Return what tells that ``path`` cannot be written, and the ``hint`` what to do."""
    told = _OS_ERROR.search(str(error))
    reason = told[1] if told else getattr(error, "strerror", None) or error
    return SettingsError(f"{path} cannot be written: {reason}", hint)
