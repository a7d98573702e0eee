"""Reads files on disk and inside zip archives. Nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import lzma
import re
import struct
import threading
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import IO, TYPE_CHECKING

from etl.core.errors import BrokenFileError
from etl.formats import Peek, peek_at
from etl.formats.base import PEEK_BYTES
from etl.parsers.workbook import is_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_DEPTH = 3
MAX_MEMBERS = 100_000
MAX_BYTES = 4 * 1024**3
BOMB_BYTES = 50 * 1024**2
BOMB_RATIO = 200
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

_ENCRYPTED = 0x1
_ZIPS = threading.Lock()  # an open zip counts its readers, and threads read its files at the same time
# What zipfile raises for a damaged archive. NotImplementedError is a RuntimeError, UnicodeDecodeError a ValueError.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError)


@dataclass(frozen=True)
class InputFile:
    """A file that can be read: on disk, or inside a zip (``members``: the names that lead to it, outermost first)."""

    path: str
    """The path as the user typed it, continued to the file: ``folder/a.zip!inner/name``."""
    location: Path
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The base name."""
        return split_member(self.members[-1])[-1] if self.members else self.location.name

    @cached_property
    def size(self) -> int:
        """Its uncompressed size in bytes; 0 if unknown, because reading it will then say why."""
        try:
            if self.members:
                with _ZIPS:
                    return _zip_at(self.location, self.members[:-1]).getinfo(self.members[-1]).file_size
            return self.location.stat().st_size
        except (OSError, KeyError, *_DAMAGED):
            return 0

    def peek(self) -> Peek:
        """Return the beginning of the file, or all of a workbook. Raises ``BrokenFileError`` if it cannot be read."""
        head = self._bytes(PEEK_BYTES)
        return peek_at(self.name, self.read() if is_workbook(head) else head)

    def read(self) -> bytes:
        """Return the whole file. Raises ``BrokenFileError`` if it cannot be read."""
        return self._bytes(-1)

    def _bytes(self, size: int) -> bytes:
        try:
            with _opened(self.location, self.members) as stream:
                return stream.read(size)
        except OSError as error:
            raise BrokenFileError(f"{self.path} cannot be read: {error.strerror or error}") from error
        except _DAMAGED as error:
            raise BrokenFileError(f"{self.path} is damaged inside its zip: {error}", "Download it again") from error


def list_members(location: Path, members: tuple[str, ...]) -> list[zipfile.ZipInfo]:
    """Return the entries of the zip on disk at ``location``, or of the zip inside it that ``members`` leads to.

    Raises ``BrokenFileError`` if it cannot be read or has too many entries; the message does not name the path.
    """
    try:
        infos = _zip_at(location, members).infolist()
    except (OSError, *_DAMAGED) as error:
        raise BrokenFileError(
            f"is no zip that can be read: {error}. It may have been cut off: download it again"
        ) from error
    if len(infos) > MAX_MEMBERS:
        raise BrokenFileError(f"holds {len(infos):,} files, more than {MAX_MEMBERS:,}")
    return infos


def split_member(name: str) -> tuple[str, ...]:
    """Split the name of a zip member; zips made on Windows may have backslashes."""
    return tuple(re.split(r"[/\\]", name.rstrip("/\\")))


def why_unreadable(info: zipfile.ZipInfo) -> str | None:
    """Return why a zip member must not be read, according to the zip's directory; ``None`` if it may."""
    parts = split_member(info.filename)
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", info.filename):
        return "has a name that leads out of its zip"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted: unzip it with its password first"
    if info.file_size > MAX_BYTES:
        return f"is larger than {MAX_BYTES // 1024**3} GB"
    if info.file_size > BOMB_BYTES and info.file_size > BOMB_RATIO * info.compress_size:
        return f"grows from {info.compress_size:,} to {info.file_size:,} bytes, as no export does"
    return None


@contextmanager
def _opened(location: Path, members: tuple[str, ...]) -> Iterator[IO[bytes]]:
    if not members:
        with location.open("rb") as stream:
            yield stream
        return
    with _ZIPS:
        member = _zip_at(location, members[:-1]).open(members[-1])
    try:
        yield member
    finally:
        with _ZIPS:
            member.close()


def _zip_at(location: Path, members: tuple[str, ...]) -> zipfile.ZipFile:
    status = location.stat()
    return _opened_zip(location, members, (status.st_mtime_ns, status.st_size, status.st_ino))


@lru_cache(maxsize=2 * MAX_DEPTH)
def _opened_zip(location: Path, members: tuple[str, ...], stamp: tuple[int, ...]) -> zipfile.ZipFile:
    """Return an open zip, so that its directory is read once. A changed file has another ``stamp``."""
    if not members:
        return zipfile.ZipFile(location)
    return zipfile.ZipFile(io.BytesIO(_opened_zip(location, members[:-1], stamp).read(members[-1])))
