"""Finds the files below the paths that a user gives, also inside archives, without unpacking them.

It decides by names and sizes alone which files must not be read. ``etl.formats`` decides what a file contains.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from etl.core.errors import BrokenFileError, InputError
from etl.core.sanitize import display_path
from etl.extract import containers
from etl.extract.archive import MAX_DEPTH, NEXT_RUN, InputFile, list_members
from etl.extract.containers import HEAD_BYTES, has_magic, is_container, may_be_container, split_member
from etl.extract.writers import has_writer
from etl.formats import FORMATS, OTHER_FILES, PACKAGES, REFUSALS, Package, name_matches, peek_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from etl.extract.containers import Entry

_HIDDEN = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_NAMES = [name for kinds in (FORMATS, REFUSALS) for kind in kinds for name in kind.file_names]
_DOT_FILES = [name for name in _NAMES if name.startswith(".")]


class RefusedPath(msgspec.Struct, frozen=True):
    """A path that is not read, and why."""

    path: str
    reason: str


_Item = TypeVar("_Item", InputFile, RefusedPath)


class Hidden(msgspec.Struct):
    """How many hidden files and folders were ignored. What is in a hidden folder on disk is not counted."""

    files: int = 0
    folders: int = 0

    def __str__(self) -> str:
        named = [
            f"{number:,} hidden {noun}{'' if number == 1 else 's'}"
            for number, noun in ((self.files, "file"), (self.folders, "folder"))
            if number
        ]
        return " and ".join(named)


class Discovered(msgspec.Struct, frozen=True):
    """What is below the paths of a run; each list is sorted by path."""

    files: list[InputFile]
    refused: list[RefusedPath]
    """Errors: the run ends with exit code 4."""
    left_aside: list[RefusedPath]
    """Listed only; the exit code stays the same."""
    hidden: Hidden = msgspec.field(default_factory=Hidden)


def discover(paths: Sequence[str | Path], *, settle: float = 0) -> Discovered:
    """Find every file below ``paths`` (files, folders, archives), each real file once. Hidden files are only counted.

    A file is hidden if its name begins with a dot, unless a format has such names, as a player's ``.scrobbler.log``
    does. Files that must not be opened, such as private data in an account download, are recognised by name and listed
    only. Files that were written to in the last ``settle`` seconds, or are open for writing, may be incomplete: they
    are ignored. Raises ``InputError`` for a path that does not exist.
    """
    search = _Search(settle)
    candidates = [found for path in paths for found in search.walk(Path(path))]
    seen: set[str] = set()
    # Several paths may lead to one file. The simplest of them is shown, whatever their order.
    for path, typed in sorted(candidates, key=lambda found: (".." in found[0].parts, str(found[0]), not found[1])):
        real = os.path.realpath(path)
        if real not in seen:
            seen.add(real)
            search.take(path, typed=typed)
    return search.found()


class _Search(msgspec.Struct):
    settle: float
    files: list[InputFile] = msgspec.field(default_factory=list)
    refused: list[RefusedPath] = msgspec.field(default_factory=list)
    left_aside: list[RefusedPath] = msgspec.field(default_factory=list)
    downloads: set[tuple[str, Package]] = msgspec.field(default_factory=set)
    histories: set[str] = msgspec.field(default_factory=set)
    room: int = 0
    """How many more bytes the current archive on disk may contain, including those in nested ones."""
    hidden: Hidden = msgspec.field(default_factory=Hidden)

    def found(self) -> Discovered:
        """Return the result, with advice about each download that contains only private files."""
        without_history = [
            RefusedPath(container, package.advice)
            for container, package in self.downloads
            if container not in self.histories
        ]
        left_aside = _by_path([*self.left_aside, *without_history])
        return Discovered(_by_path(self.files), _by_path(self.refused), left_aside, self.hidden)

    def walk(self, top: Path) -> Iterator[tuple[Path, bool]]:
        """Yield the regular files at or below ``top``, and whether the user typed the file's own path."""
        try:
            mode = top.stat().st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise InputError(
                f"{display_path(top)} does not exist", "Give files, folders or archives that exist"
            ) from error
        except OSError as error:
            self.refused.append(RefusedPath(display_path(top), f"cannot be read: {error.strerror}"))
            return
        if stat.S_ISREG(mode):
            yield top, True
        elif stat.S_ISDIR(mode):
            yield from ((path, False) for path in self._walk_folder(top))
        else:
            self.refused.append(RefusedPath(display_path(top), "it is not a regular file"))

    def _walk_folder(self, top: Path) -> Iterator[Path]:
        folders = [top]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = [entry for entry in listing if not self._is_hidden(entry)]
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
        reason = (
            "is a link to a folder: name the folder itself to have it read" if is_folder else "it is not a regular file"
        )
        self.left_aside.append(RefusedPath(display_path(path), reason))
        return False

    def _is_hidden(self, entry: os.DirEntry[str]) -> bool:
        """Say whether an entry of a folder is hidden, and count it if it is."""
        is_folder = entry.is_dir(follow_symlinks=False)
        if not _has_hidden_name(entry.name, is_folder=is_folder):
            return False
        self.hidden.folders += is_folder
        self.hidden.files += not is_folder
        return True

    def take(self, path: Path, *, typed: bool) -> None:
        """Add one regular file: to be read, to be searched as an archive, or to be ignored."""
        container = None if typed else display_path(path.parent)
        if self._is_private(display_path(path), path.parts, container):
            return
        try:
            with path.open("rb") as stream:
                head, status = stream.read(HEAD_BYTES), os.fstat(stream.fileno())
                is_written = self.settle > 0 and has_writer(stream.fileno())
        except OSError as error:
            self.refused.append(RefusedPath(display_path(path), f"cannot be read: {error.strerror}"))
            return
        if abs(time.time() - status.st_mtime) < self.settle:  # the clock of a file server may be ahead of ours
            reason = f"was written to less than {self.settle:g} s ago, so it may still be arriving: {NEXT_RUN}"
            self.left_aside.append(RefusedPath(display_path(path), reason))
        elif is_written:
            reason = f"another program has it open for writing, so it may still be arriving: {NEXT_RUN}"
            self.left_aside.append(RefusedPath(display_path(path), reason))
        elif is_container(path.name, head, typed=typed) and not _is_refused(path.name, head):
            self.room = max(containers.BOMB_BYTES, containers.BOMB_RATIO * status.st_size)
            self._look_into(display_path(path), path, ())
        else:
            self.files.append(InputFile(display_path(path), path))

    def _look_into(self, shown_path: str, location: Path, members: tuple[str, ...]) -> None:
        """Add the members of an archive; ``members`` leads to it if it is inside another one."""
        try:
            entries = list_members(location, members)
        except BrokenFileError as error:
            self.refused.append(RefusedPath(shown_path, error.message))
            return
        if not entries:
            self.left_aside.append(RefusedPath(shown_path, "it is an archive without files"))
        names: set[str] = set()
        for entry in sorted(entries, key=lambda entry: entry.name):
            parts = split_member(entry.name)
            if any(_has_hidden_name(part, is_folder=True) for part in parts[:-1]) or _has_hidden_name(parts[-1]):
                self.hidden.files += 1
                continue
            member = InputFile(display_path(f"{shown_path}!{entry.name}"), location, (*members, entry.name), entry.size)
            if self._is_private(member.path, parts, shown_path):
                continue
            problem = "has the same name as another file in its archive" if entry.name in names else entry.problem
            names.add(entry.name)
            self._take_member(member, entry, problem)

    def _take_member(self, member: InputFile, entry: Entry, problem: str | None) -> None:
        """Add one member of an archive; ``problem`` is why it must not be read, if anything."""
        if problem is None and not entry.is_regular:
            self.left_aside.append(RefusedPath(member.path, "it is not a regular file"))
            return
        is_archive = problem is None and _is_nested(member)
        if is_archive and len(member.members) >= MAX_DEPTH:
            problem = f"is an archive nested more than {MAX_DEPTH} levels deep: unpack it first"
        elif problem is None and (entry.size > self.room or (is_archive and not self.room)):
            problem = "makes its archive unpack to a size that no export has"
            self.room = 0
        if problem is not None:
            self.refused.append(RefusedPath(member.path, problem))
            return
        self.room -= entry.size
        if is_archive:
            self._look_into(member.path, member.location, member.members)
        else:
            self.files.append(member)

    def _is_private(self, path: str, parts: tuple[str, ...], container: str | None) -> bool:
        """Say whether a file is private, and list it if so. Notes which containers have private files or a history."""
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


def _has_hidden_name(name: str, *, is_folder: bool = False) -> bool:
    if not is_folder and name_matches(name, _DOT_FILES) and not name.startswith("._"):
        return False
    return (name.startswith(".") and name not in {".", ".."}) or name in _HIDDEN


def _is_nested(member: InputFile) -> bool:
    """Say whether a member is itself an archive. An archive that cannot be read is not: reading it will say why."""
    if not may_be_container(member.name):
        return False
    try:
        head = member.head(HEAD_BYTES)
    except BrokenFileError:
        return False
    return is_container(member.name, head) and not _is_refused(member.name, head)


def _is_refused(name: str, head: bytes) -> bool:
    """Say whether a file is known as one not to read: a backup, or a web page with the name of a zip."""
    peek = peek_at(name, head)
    return any(kind.recognise(peek) for kind in (REFUSALS if has_magic(head) else (*REFUSALS, *OTHER_FILES)))
