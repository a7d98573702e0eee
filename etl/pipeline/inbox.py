"""Moves the export files that a run has fully loaded out of the folder where they arrive."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from etl.core.errors import ExitCode, SettingsError, decisive
from etl.core.sanitize import display_path
from etl.core.schema import FileStatus, RunStatus
from etl.extract.archive import CHANGED, NEXT_RUN, stamp, stamp_of
from etl.extract.reader import OF_ANOTHER_SOURCE
from etl.extract.rows import FileResult
from etl.extract.writers import has_writer
from etl.pipeline.move import move_file, place
from etl.runs.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import BufferedReader

    from etl.core.settings import RunSettings
    from etl.extract.discover import Discovered

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 5  # a file that was written to more recently may still be arriving
_CODES = {int(code): code for code in ExitCode}
_DONE = (FileStatus.LOADED, FileStatus.KNOWN)
_HAS_CHANGED = "it has changed since it was read; the next run reads it again"
_IS_WRITTEN = "another program has it open for writing; the next run reads it again"


class _NotMovedError(Exception):
    """Why a file stays where it is."""


class Inbox(msgspec.Struct, frozen=True):
    """The files on disk that a run reads, their state before it, and where to move them: nowhere without ``target``."""

    target: Path | None = None
    files: Mapping[Path, Path] = msgspec.field(default_factory=dict)
    """The path of each file below ``target``."""
    before: Mapping[Path, tuple[int, ...]] = msgspec.field(default_factory=dict)

    def clear(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Move the files that the run of ``manifest`` fully loaded; return the manifest with each file's ``moved_to``.

        A file that cannot be moved is logged. The exit code is then 2, unless a more decisive one applies.
        """
        if self.target is None or manifest["status"] not in (RunStatus.COMPLETE, RunStatus.PARTIAL):
            return manifest
        moved: dict[str, str] = {}
        new_paths: dict[Path, Path] = {}
        problems = []
        for path, entries in self._of_disk(manifest["files"]):
            if not _is_done(entries):
                continue
            try:
                moved_to = self._move(path, self.target / self.files[path], entries)
            except _NotMovedError as error:
                problems.append(f"{display_path(path)} was loaded but not moved: {error}")
                logger.warning("%s", problems[-1])
            else:
                new_paths[path] = moved_to
                logger.info("moved %s to %s", display_path(path), display_path(moved_to))
                before, after = display_path(path), display_path(moved_to)
                moved |= {entry["path"]: after + entry["path"][len(before) :] for entry in entries}
        problems += self._written_to_since(new_paths)
        if not (moved or problems):
            return manifest
        updated = {**manifest, "files": [{**file, **_moved_to(moved, file["path"])} for file in manifest["files"]]}
        if problems:
            updated["exit_code"] = int(decisive([_CODES[manifest["exit_code"]], ExitCode.USAGE]))
            updated["error"] = manifest["error"] or problems[0]
        RunDirectory(Path(manifest["run_dir"])).write_manifest(updated)
        return updated

    def _written_to_since(self, new_paths: Mapping[Path, Path]) -> list[str]:
        """Log and return the files that were written to after they had been moved: the writer goes on at the new path.

        The ledger knows the bytes that were read; loading such a file again adds what is missing.
        """
        late = [to for path, to in new_paths.items() if stamp(to)[2:] != self.before[path][2:]]
        found = [f"{display_path(to)} was written to after it was moved there: load that file again" for to in late]
        for problem in found:
            logger.warning("%s", problem)
        return found

    def _of_disk(self, files: Sequence[dict[str, Any]]) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        """Yield each file on disk with its entries in the manifest: a single one, or one per member of an archive."""
        for path in self.files:
            entries = [file for file in files if file["path"] == display_path(path)]
            entries += [file for file in files if file["path"].startswith(f"{display_path(path)}!")]
            yield path, entries

    def _move(self, path: Path, wanted: Path, entries: Sequence[dict[str, Any]]) -> Path:
        """Move one file and return its new path: its own name, with a number if that name is taken."""
        try:
            if path.is_symlink():
                raise _NotMovedError("it is a link")
            if stamp(path) != self.before[path]:
                raise _NotMovedError(_HAS_CHANGED)
            wanted.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source:
                if has_writer(source.fileno()):
                    raise _NotMovedError(_IS_WRITTEN)
                destination = move_file(path, source, wanted)
                if stamp_of(os.fstat(source.fileno())) != self.before[path] or not _holds(source, path, entries):
                    _move_back(destination, source, path)
                return destination
        except OSError as error:
            raise _NotMovedError(f"{error.strerror or error}") from error


def deferred_to_the_next_run(files: Sequence[FileResult]) -> list[FileResult]:
    """Return ``files``; those that were written to while they were read are now ignored for this run, not refused."""
    return [
        FileResult(file.path, FileStatus.LEFT_ASIDE, f"was written to while it was read: {NEXT_RUN}")
        if file.status is FileStatus.REFUSED and CHANGED in file.reason
        else file
        for file in files
    ]


def open_inbox(paths: Sequence[Path], found: Discovered, settings: RunSettings) -> Inbox:
    """Return the inbox of a run that is about to read ``found`` below ``paths``.

    Raises ``SettingsError`` if ``move_to`` cannot be used, before anything is loaded.
    """
    if settings.move_to is None or settings.dry_run:
        return Inbox()
    target = Path(settings.move_to).expanduser().absolute()
    for path in paths:
        if path.is_dir() and _would_be_read(target.resolve(), path.resolve()):
            raise SettingsError(
                f"--move-to {display_path(target)} is in {display_path(path)}: moved files would be read again",
                "Choose a folder next to it, or one whose name begins with a dot",
            )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"--move-to {display_path(target)} cannot be created: {error.strerror}", "Choose another"
        ) from error
    if not os.access(target, os.W_OK | os.X_OK):
        raise SettingsError(
            f"--move-to {display_path(target)} cannot be written to", "Fix its permissions, or choose another"
        )
    locations = dict.fromkeys(file.location for file in found.files)
    return Inbox(target, {path: _below(path, paths) for path in locations}, {path: stamp(path) for path in locations})


def _would_be_read(target: Path, folder: Path) -> bool:
    return target == folder or (
        folder in target.parents and not any(part.startswith(".") for part in target.relative_to(folder).parts)
    )


def _below(path: Path, tops: Sequence[Path]) -> Path:
    """Return the path of a file below the folder that the user named, or its name if the user named the file itself."""
    folders = [top for top in tops if top in path.parents]
    return path.relative_to(max(folders, key=lambda top: len(top.parts))) if folders else Path(path.name)


def _is_done(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether the next run would know everything in a file.

    Then nothing in it was refused, belongs to another source, is unresolved, or was rejected for a reason that the next
    run checks again.
    """
    return any(entry["status"] in _DONE for entry in entries) and all(
        entry["status"] != FileStatus.REFUSED
        and not entry["counts"]["unresolved"]
        and not entry.get("unsettled")
        and OF_ANOTHER_SOURCE not in entry["reason"]
        for entry in entries
    )


def _holds(source: BufferedReader, path: Path, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether ``source`` still has the bytes that were read; an archive passes, because its hash is not known."""
    read = next((entry["sha256"] for entry in entries if entry["path"] == display_path(path)), None)
    if read is None:
        return True
    source.seek(0)
    return bool(hashlib.file_digest(source, "sha256").hexdigest() == read)


def _move_back(moved: Path, source: BufferedReader, path: Path) -> NoReturn:
    """Move a file, open as ``source``, back to ``path`` and say so: another program was still writing to it."""
    if not place(moved, source, path):
        raise _NotMovedError(f"it was written to while it was moved to {display_path(moved)}: load that file again")
    moved.unlink()
    raise _NotMovedError(_HAS_CHANGED)


def _moved_to(moved: Mapping[str, str], path: str) -> dict[str, str]:
    return {"moved_to": moved[path]} if path in moved else {}
