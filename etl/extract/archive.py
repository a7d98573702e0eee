"""Reads files on disk and inside archives. Nothing is ever unpacked to disk."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from etl.core.errors import BrokenFileError
from etl.extract.containers import open_container, split_member
from etl.extract.memory import ADVICE, NO_MEMORY, SMALL, available_memory, check_fits
from etl.extract.random_access import FileBytes
from etl.formats import Peek, peek_at
from etl.formats.base import PEEK_BYTES
from etl.parsers.workbook import is_workbook

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from etl.extract.containers import Container, Entry

MAX_DEPTH = 3
CHANGED = "was changed while it was read. Run the same command again"
NEXT_RUN = "the next run reads it"  # in the reason of a file that is ignored only by this run

# The exceptions for a damaged archive. NotImplementedError is a RuntimeError, UnicodeDecodeError a ValueError.
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True)
class InputFile:
    """A file that can be read: on disk, or inside an archive."""

    path: str
    """The path as the user typed it, continued to the file: ``folder/a.zip!inner/name``."""
    location: Path
    members: tuple[str, ...] = ()
    """The names that lead to it inside the archive at ``location``, outermost first."""
    listed_size: int | None = field(default=None, compare=False)
    """Its size according to the archive."""

    @property
    def name(self) -> str:
        """The base name."""
        return split_member(self.members[-1])[-1] if self.members else self.location.name

    @cached_property
    def size(self) -> int:
        """Its uncompressed size in bytes; 0 if unknown, because reading it will then say why."""
        if self.listed_size is not None:
            return self.listed_size
        try:
            return self.location.stat().st_size
        except OSError:
            return 0

    def peek(self) -> Peek:
        """Return the beginning of the file, or all of a workbook. Raises ``BrokenFileError`` if it cannot be read."""
        head = self.head(PEEK_BYTES)
        return peek_at(self.name, self.read() if is_workbook(head) else head)

    def read(self, cost: int = 1) -> bytes:
        """Return the whole file; processing it takes ``cost`` bytes of memory for each of its bytes.

        Raises ``BrokenFileError`` if it cannot be read, is too large for the memory, or is written to at the same time.
        """
        before = stamp(self.location)
        try:
            data = self._all(cost)
        except BrokenFileError as error:
            if stamp(self.location) == before:
                raise
            raise BrokenFileError(f"{self.path} {CHANGED}") from error
        if stamp(self.location) != before:
            raise BrokenFileError(f"{self.path} {CHANGED}")
        return data

    def _all(self, cost: int) -> bytes:
        """Return the whole file if it fits. A gzip file may contain more than it says: it is read as far as it fits."""
        size = (self.listed_size or 0) if self.members else self.size
        try:
            while True:
                most = SMALL if size <= SMALL else available_memory() // cost
                check_fits(self.path, size, cost, most * cost)
                data = self.head(most + 1 if self.members else -1)
                if not self.members or len(data) <= most:
                    return data
                size = len(data)
        except MemoryError as error:
            raise BrokenFileError(f"{self.path} {NO_MEMORY}", ADVICE) from error

    def head(self, size: int) -> bytes:
        """Return its first ``size`` bytes. Raises ``BrokenFileError`` if it cannot be read."""
        try:
            if self.members:
                return _container_at(self.location, self.members[:-1]).read(self.members[-1], size)
            with self.location.open("rb") as stream:
                return stream.read(size)
        except OSError as error:
            raise BrokenFileError(f"{self.path} cannot be read: {error.strerror or error}") from error
        except BrokenFileError as error:
            raise BrokenFileError(f"{self.path} {error.message}", error.hint) from error
        except (KeyError, *_DAMAGED) as error:
            raise BrokenFileError(f"{self.path} is damaged inside its archive: {error}", "Download it again") from error


def stamp(location: Path) -> tuple[int, ...]:
    """Return values of a file on disk that change once it is written to or replaced; none if the file is gone."""
    try:
        return stamp_of(location.stat())
    except OSError:
        return ()


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """Return the values of ``stamp`` for a file whose ``status`` is known."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def list_members(location: Path, members: tuple[str, ...]) -> Sequence[Entry]:
    """Return the files in the archive on disk at ``location``, or in the archive inside it that ``members`` leads to.

    Raises ``BrokenFileError`` if it cannot be read or has too many files; the message does not name the path.
    """
    try:
        return _container_at(location, members).entries
    except (OSError, KeyError, *_DAMAGED) as error:
        raise BrokenFileError(
            f"is not an archive that can be read: {error}. It may have been cut off: download it again"
        ) from error


def _container_at(location: Path, members: tuple[str, ...]) -> Container:
    return _opened(location, members, stamp_of(location.stat()))


@lru_cache(maxsize=2 * MAX_DEPTH)
def _opened(location: Path, members: tuple[str, ...], stamp: tuple[int, ...]) -> Container:
    """Return an open archive, cached so that its directory is read once. A changed file has another ``stamp``.

    An archive inside another one is read in place, neither unpacked nor kept in memory.
    """
    if not members:
        return open_container(FileBytes(location), location.name, is_nested=False)
    *outer, last = members
    inside = _opened(location, tuple(outer), stamp).source(last)
    return open_container(inside, split_member(last)[-1], is_nested=True)
