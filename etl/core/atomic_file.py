"""Writes a file under a temporary name and renames it once it is complete and on disk."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

import msgspec
import polars as pl

from etl.core.errors import SettingsError
from etl.core.failpoints import Point, failpoint

_HINT = "Free some disk space, fix the permissions, or choose another place"
_OS_ERROR = re.compile(r"([^:]+) \(os error \d+\)")


class AtomicFile(msgspec.Struct, frozen=True):
    """A file that gets its final name only when it is complete and on disk."""

    path: Path
    """The temporary path, where it is written."""
    final: Path
    before: Point
    """The failpoint between writing and renaming."""
    hint: str
    """What the user can do if it cannot be written."""

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
        # Polars raises errors of the operating system as errors of its own
        if isinstance(error, OSError) or (
            isinstance(error, pl.exceptions.PolarsError) and _OS_ERROR.search(str(error))
        ):
            raise unwritable(self.final, error, self.hint) from error


def atomic_file(path: Path) -> AtomicFile:
    """Return ``path`` as a file that is first written under a temporary name in the same folder.

    Leaving its context raises ``SettingsError`` if it could not be written. Raises as ``real_place`` does.
    """
    final = real_place(path)
    return AtomicFile(final.with_name(f".{final.name}.partial"), final, Point.BEFORE_RENAME, _HINT)


def real_place(path: Path) -> Path:
    """Return where a file named ``path`` will be: where a symbolic link leads, so that the link stays.

    Raises ``SettingsError`` for a device or a pipe, which would be gone after a file was renamed to it.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise SettingsError(f"{path} is not a regular file", "Name another file")
    except OSError as error:
        raise unwritable(path, error, _HINT) from error
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def unwritable(path: Path, error: Exception, hint: str) -> SettingsError:
    """Return the error that says that ``path`` cannot be written, and why; ``hint`` says what to do."""
    from_system = _OS_ERROR.search(str(error))
    reason = from_system[1] if from_system else getattr(error, "strerror", None) or error
    return SettingsError(f"{path} cannot be written: {reason}", hint)
