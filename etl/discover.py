"""Walks the paths that a user gives and looks into zips, without unpacking them.

An edge: it touches the file system, and decides by names and sizes alone what must not be read. What a file holds is
the business of ``etl.formats``.
"""

from __future__ import annotations

import io
import lzma
import os
import re
import stat
import struct
import threading
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from etl.core.errors import BrokenFileError, InputError
from etl.formats import PACKAGES, Package, Peek, name_matches, peek_at
from etl.formats.base import PEEK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_DEPTH = 3
MAX_MEMBERS = 100_000
MAX_BYTES = 4 * 1024**3
BOMB_BYTES = 50 * 1024**2
BOMB_RATIO = 200

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_HIDDEN = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_ENCRYPTED = 0x1
_ZIPS = threading.Lock()  # an open zip counts its readers, and files may be read side by side
# What zipfile raises on a damaged archive; NotImplementedError is a RuntimeError, UnicodeDecodeError a ValueError.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError)


@dataclass(frozen=True)
class RefusedPath:
    """A path that is not read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class InputFile:
    """A file that can be read: on disk, or inside a zip (``members``: the names that lead to it, outermost first)."""

    path: str
    """As the user typed it, and what lies below: ``folder/a.zip!inner/name``."""
    location: Path
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The base name."""
        return _parts(self.members[-1])[-1] if self.members else self.location.name

    @cached_property
    def size(self) -> int:
        """Its size in bytes, unpacked; 0 if that cannot be told, and reading it will say why."""
        try:
            if self.members:
                with _ZIPS:
                    return _zip_at(self.location, self.members[:-1]).getinfo(self.members[-1]).file_size
            return self.location.stat().st_size
        except (OSError, KeyError, *_DAMAGED):
            return 0

    def peek(self) -> Peek:
        """Return what the beginning of the file shows. Raises ``BrokenFileError`` where it cannot be read."""
        return peek_at(self.name, self._bytes(PEEK_BYTES))

    def read(self) -> bytes:
        """Return the whole file. Raises ``BrokenFileError`` where it cannot be read."""
        return self._bytes(-1)

    def _bytes(self, size: int) -> bytes:
        try:
            with _opened(self.location, self.members) as stream:
                return stream.read(size)
        except OSError as error:
            raise BrokenFileError(f"{self.path} cannot be read: {error.strerror or error}") from error
        except _DAMAGED as error:
            raise BrokenFileError(f"{self.path} is damaged inside its zip: {error}", "Download it again") from error


_Item = TypeVar("_Item", InputFile, RefusedPath)


@dataclass(frozen=True)
class Found:
    """What lies below the paths of a run, each sorted by path."""

    files: list[InputFile]
    refused: list[RefusedPath]
    """Counts as an error: the user should know, and the run ends with code 4."""
    left_aside: list[RefusedPath]
    """Listed, and costs nothing."""


def discover(paths: Sequence[str | Path]) -> Found:
    """Find every file below ``paths`` (files, folders, zips), each real file once, hidden ones not at all.

    Raises ``InputError`` naming a path that does not exist. Files that must not be opened, such as private data in
    an account download, are left aside by their names.
    """
    search = _Search()
    candidates = [found for path in paths for found in search.walk(Path(path))]
    seen: set[str] = set()
    # One file may be reached in several ways: of its names the plainest is shown, whatever their order.
    for path, typed in sorted(candidates, key=lambda found: (".." in found[0].parts, str(found[0]), not found[1])):
        real = os.path.realpath(path)
        if real not in seen:
            seen.add(real)
            search.take(path, typed=typed)
    return search.found()


@dataclass
class _Search:
    files: list[InputFile] = field(default_factory=list)
    refused: list[RefusedPath] = field(default_factory=list)
    left_aside: list[RefusedPath] = field(default_factory=list)
    downloads: set[tuple[str, Package]] = field(default_factory=set)
    histories: set[str] = field(default_factory=set)
    room: int = 0
    """How many bytes more the zip on disk that is looked into may hold, zips in it and their files included."""

    def found(self) -> Found:
        """Return the result, with a word about each download that has private files only."""
        bare = [
            RefusedPath(container, package.advice)
            for container, package in self.downloads
            if container not in self.histories
        ]
        return Found(_by_path(self.files), _by_path(self.refused), _by_path([*self.left_aside, *bare]))

    def walk(self, top: Path) -> Iterator[tuple[Path, bool]]:
        """Yield the regular files at or below ``top``, and whether the user named the file itself."""
        try:
            mode = top.stat().st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise InputError(f"{shown(top)} does not exist", "Give files, folders or zips that exist") from error
        except OSError as error:
            self.refused.append(RefusedPath(shown(top), f"cannot be read: {error.strerror}"))
            return
        if stat.S_ISREG(mode):
            yield top, True
        elif stat.S_ISDIR(mode):
            yield from ((path, False) for path in self._walk_folder(top))
        else:
            self.refused.append(RefusedPath(shown(top), "is no regular file"))

    def _walk_folder(self, top: Path) -> Iterator[Path]:
        folders = [top]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = [entry for entry in listing if not _is_hidden(entry.name)]
            except OSError as error:
                self.refused.append(RefusedPath(shown(folder), f"cannot be listed: {error.strerror}"))
                continue
            folders += [folder / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            for entry in entries:
                path = folder / entry.name
                if not entry.is_dir(follow_symlinks=False) and self._is_regular(path):
                    yield path

    def _is_regular(self, path: Path) -> bool:
        """Say whether an entry of a folder is a file or a link to one; anything else is left aside, unopened."""
        try:
            mode = path.stat().st_mode
        except OSError as error:
            found = self.left_aside if path.is_symlink() else self.refused
            found.append(RefusedPath(shown(path), f"cannot be read: {error.strerror}"))
            return False
        if stat.S_ISREG(mode):
            return True
        is_folder = stat.S_ISDIR(mode)
        reason = "is a link to a folder: name the folder itself to have it read" if is_folder else "is no regular file"
        self.left_aside.append(RefusedPath(shown(path), reason))
        return False

    def take(self, path: Path, *, typed: bool) -> None:
        """Sort one regular file in: a file to read, a zip to look into, or one to leave alone."""
        container = None if typed else shown(path.parent)
        if self._is_private(shown(path), path.parts, container):
            return
        try:
            with path.open("rb") as stream:
                magic, size = stream.read(4), os.fstat(stream.fileno()).st_size
        except OSError as error:
            self.refused.append(RefusedPath(shown(path), f"cannot be read: {error.strerror}"))
            return
        named_zip = path.suffix.lower() == ".zip"
        if named_zip or (magic in _ZIP_MAGIC and (typed or not path.suffix)):
            self.room = max(BOMB_BYTES, BOMB_RATIO * size)
            self._look_into(shown(path), path, ())
        else:
            self.files.append(InputFile(shown(path), path))

    def _look_into(self, shown_path: str, location: Path, members: tuple[str, ...]) -> None:
        """Sort in the members of a zip; ``members`` leads to it where it lies in another zip."""
        try:
            infos = _zip_at(location, members).infolist()
        except (OSError, *_DAMAGED) as error:
            reason = f"is no zip that can be read: {error}. It may have been cut off: download it again"
            self.refused.append(RefusedPath(shown_path, reason))
            return
        if len(infos) > MAX_MEMBERS:
            self.refused.append(RefusedPath(shown_path, f"holds {len(infos):,} files, more than {MAX_MEMBERS:,}"))
            return
        names: set[str] = set()
        for info in sorted(infos, key=lambda info: info.filename):
            parts = _parts(info.filename)
            if info.is_dir() or any(map(_is_hidden, parts[:-1])) or _is_hidden(parts[-1]):
                continue
            member = _readable(f"{shown_path}!{info.filename}")
            if self._is_private(member, parts, shown_path):
                continue
            trouble = "has the same name as another file in its zip" if info.filename in names else _trouble(info)
            names.add(info.filename)
            is_zip = info.filename.lower().endswith(".zip")
            if trouble is None and is_zip and len(members) + 1 >= MAX_DEPTH:
                trouble = f"is a zip nested more than {MAX_DEPTH} deep: unpack it first"
            if trouble is None and info.file_size > self.room:
                trouble = "makes its zip grow beyond all measure, as no export does"
            if trouble is None:
                self.room -= info.file_size
            if trouble is not None:
                self.refused.append(RefusedPath(member, trouble))
            elif is_zip:
                self._look_into(member, location, (*members, info.filename))
            else:
                self.files.append(InputFile(member, location, (*members, info.filename)))

    def _is_private(self, path: str, parts: tuple[str, ...], container: str | None) -> bool:
        """Leave a file aside that is nobody's business. Notes which containers hold such files, and which a history."""
        for package in PACKAGES:
            if any(name_matches(name, package.private) for name in (parts[-1], "/".join(parts[-2:]))):
                self.left_aside.append(RefusedPath(path, f"private data of {package.source.title()}: not opened"))
                if container is not None:
                    self.downloads.add((container, package))
                return True
            if container is not None and name_matches(parts[-1], package.histories):
                self.histories.add(container)
        return False


def shown(path: Path) -> str:
    """Return ``path`` as text that every frame and file can hold; bytes that are not UTF-8 become escapes."""
    return _readable(str(path))


def _readable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _by_path(found: list[_Item]) -> list[_Item]:
    return sorted(dict.fromkeys(found), key=lambda item: item.path)


def _is_hidden(name: str) -> bool:
    return (name.startswith(".") and name not in {".", ".."}) or name in _HIDDEN


def _parts(name: str) -> tuple[str, ...]:
    """Split the name of a zip member; zips made on Windows may have backslashes."""
    return tuple(re.split(r"[/\\]", name.rstrip("/\\")))


def _trouble(info: zipfile.ZipInfo) -> str | None:
    """Return why a zip member must not be read, judged by the zip's directory."""
    parts = _parts(info.filename)
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
    """Return an open zip: its directory is read once, not for each of its files. ``stamp`` tells versions apart."""
    if not members:
        return zipfile.ZipFile(location)
    return zipfile.ZipFile(io.BytesIO(_opened_zip(location, members[:-1], stamp).read(members[-1])))
