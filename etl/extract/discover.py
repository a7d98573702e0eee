"""Finds the files below the paths that a user gives, also inside zips, without unpacking them.

It decides by names and sizes alone which files must not be read. ``etl.formats`` decides what a file contains.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from etl.core.errors import BrokenFileError, InputError
from etl.core.sanitize import display_path
from etl.extract import archive
from etl.extract.archive import ZIP_MAGIC, InputFile, list_members, split_member, why_unreadable
from etl.formats import PACKAGES, Package, name_matches
from etl.parsers.workbook import is_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HIDDEN = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class RefusedPath:
    """A path that is not read, and why."""

    path: str
    reason: str


_Item = TypeVar("_Item", InputFile, RefusedPath)


@dataclass(frozen=True)
class Discovered:
    """What is below the paths of a run; each list is sorted by path."""

    files: list[InputFile]
    refused: list[RefusedPath]
    """Errors: the run ends with exit code 4."""
    left_aside: list[RefusedPath]
    """Listed only; the exit code stays the same."""


def discover(paths: Sequence[str | Path]) -> Discovered:
    """Find every file below ``paths`` (files, folders, zips), except hidden ones. Each real file is found once.

    Raises ``InputError`` for a path that does not exist. Files that must not be opened, such as private data in an
    account download, are recognised by name and listed only.
    """
    search = _Search()
    candidates = [found for path in paths for found in search.walk(Path(path))]
    seen: set[str] = set()
    # Several paths may lead to one file. The plainest of them is shown, whatever their order.
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
    """How many more bytes the current zip on disk may contain, including those in nested zips."""

    def found(self) -> Discovered:
        """Return the result, with advice about each download that has private files only."""
        without_history = [
            RefusedPath(container, package.advice)
            for container, package in self.downloads
            if container not in self.histories
        ]
        return Discovered(_by_path(self.files), _by_path(self.refused), _by_path([*self.left_aside, *without_history]))

    def walk(self, top: Path) -> Iterator[tuple[Path, bool]]:
        """Yield the regular files at or below ``top``, and whether the user typed the file's own path."""
        try:
            mode = top.stat().st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise InputError(f"{display_path(top)} does not exist", "Give files, folders or zips that exist") from error
        except OSError as error:
            self.refused.append(RefusedPath(display_path(top), f"cannot be read: {error.strerror}"))
            return
        if stat.S_ISREG(mode):
            yield top, True
        elif stat.S_ISDIR(mode):
            yield from ((path, False) for path in self._walk_folder(top))
        else:
            self.refused.append(RefusedPath(display_path(top), "is no regular file"))

    def _walk_folder(self, top: Path) -> Iterator[Path]:
        folders = [top]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = [entry for entry in listing if not _is_hidden(entry.name)]
            except OSError as error:
                self.refused.append(RefusedPath(display_path(folder), f"cannot be listed: {error.strerror}"))
                continue
            folders += [folder / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            for entry in entries:
                path = folder / entry.name
                if not entry.is_dir(follow_symlinks=False) and self._is_regular(path):
                    yield path

    def _is_regular(self, path: Path) -> bool:
        """Say whether an entry of a folder is a file or a link to one. Anything else is listed and not opened."""
        try:
            mode = path.stat().st_mode
        except OSError as error:
            found = self.left_aside if path.is_symlink() else self.refused
            found.append(RefusedPath(display_path(path), f"cannot be read: {error.strerror}"))
            return False
        if stat.S_ISREG(mode):
            return True
        is_folder = stat.S_ISDIR(mode)
        reason = "is a link to a folder: name the folder itself to have it read" if is_folder else "is no regular file"
        self.left_aside.append(RefusedPath(display_path(path), reason))
        return False

    def take(self, path: Path, *, typed: bool) -> None:
        """Add one regular file: to be read, to be searched as a zip, or to be left alone."""
        container = None if typed else display_path(path.parent)
        if self._is_private(display_path(path), path.parts, container):
            return
        try:
            with path.open("rb") as stream:
                head, size = stream.read(64), os.fstat(stream.fileno()).st_size
        except OSError as error:
            self.refused.append(RefusedPath(display_path(path), f"cannot be read: {error.strerror}"))
            return
        named_zip = path.suffix.lower() == ".zip"
        if named_zip or (head.startswith(ZIP_MAGIC) and not is_workbook(head) and (typed or not path.suffix)):
            self.room = max(archive.BOMB_BYTES, archive.BOMB_RATIO * size)
            self._look_into(display_path(path), path, ())
        else:
            self.files.append(InputFile(display_path(path), path))

    def _look_into(self, shown_path: str, location: Path, members: tuple[str, ...]) -> None:
        """Add the members of a zip; ``members`` leads to it if it is inside another zip."""
        try:
            infos = list_members(location, members)
        except BrokenFileError as error:
            self.refused.append(RefusedPath(shown_path, error.message))
            return
        names: set[str] = set()
        for info in sorted(infos, key=lambda info: info.filename):
            parts = split_member(info.filename)
            if info.is_dir() or any(map(_is_hidden, parts[:-1])) or _is_hidden(parts[-1]):
                continue
            member = display_path(f"{shown_path}!{info.filename}")
            if self._is_private(member, parts, shown_path):
                continue
            trouble = "has the same name as another file in its zip" if info.filename in names else why_unreadable(info)
            names.add(info.filename)
            is_zip = info.filename.lower().endswith(".zip")
            if trouble is None and is_zip and len(members) + 1 >= archive.MAX_DEPTH:
                trouble = f"is a zip nested more than {archive.MAX_DEPTH} deep: unpack it first"
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
        """Say whether a file is private, and list it then. Notes which containers have private files or a history."""
        for package in PACKAGES:
            if any(name_matches(name, package.private) for name in (parts[-1], "/".join(parts[-2:]))):
                self.left_aside.append(RefusedPath(path, f"private data of {package.source.title()}: not opened"))
                if container is not None:
                    self.downloads.add((container, package))
                return True
            if container is not None and name_matches(parts[-1], package.histories):
                self.histories.add(container)
        return False


def _by_path(found: list[_Item]) -> list[_Item]:
    return sorted(dict.fromkeys(found), key=lambda item: item.path)


def _is_hidden(name: str) -> bool:
    return (name.startswith(".") and name not in {".", ".."}) or name in _HIDDEN
