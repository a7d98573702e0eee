"""Moves the export files that a run has fully loaded out of the folder where they arrive."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.core.errors import ExitCode, SettingsError, decisive
from etl.core.sanitize import display_path
from etl.core.schema import FileStatus, RunStatus
from etl.extract.reader import OF_ANOTHER_SOURCE
from etl.runs.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from etl.core.settings import RunSettings
    from etl.extract.discover import Discovered

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20
_CODES = {int(code): code for code in ExitCode}
_DONE = (FileStatus.LOADED, FileStatus.KNOWN)


class _NotMovedError(Exception):
    """Why a file stays where it is."""


@dataclass(frozen=True)
class Inbox:
    """The files on disk that a run reads, their state before, and where they move; without ``target`` nothing moves."""

    target: Path | None = None
    files: Mapping[Path, Path] = field(default_factory=dict)
    """Where each file goes below ``target``."""
    before: Mapping[Path, tuple[int, ...]] = field(default_factory=dict)

    def clear(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Move what the run of ``manifest`` has fully loaded; return the manifest with each file's ``moved_to``.

        A file that cannot be moved is logged. The exit code is then 2, unless a more decisive one applies.
        """
        if self.target is None or manifest["status"] not in (RunStatus.COMPLETE, RunStatus.PARTIAL):
            return manifest
        moved: dict[str, str] = {}
        troubles = []
        for path, entries in self._of_disk(manifest["files"]):
            if not _is_done(entries):
                continue
            try:
                moved_to = self._move(path, self.target / self.files[path], entries)
            except _NotMovedError as error:
                troubles.append(f"{display_path(path)} was loaded and not moved: {error}")
                logger.warning("%s", troubles[-1])
            else:
                logger.info("moved %s to %s", display_path(path), display_path(moved_to))
                before, after = display_path(path), display_path(moved_to)
                moved |= {entry["path"]: after + entry["path"][len(before) :] for entry in entries}
        if not (moved or troubles):
            return manifest
        updated = {**manifest, "files": [{**file, **_moved_to(moved, file["path"])} for file in manifest["files"]]}
        if troubles:
            updated["exit_code"] = int(decisive([_CODES[manifest["exit_code"]], ExitCode.USAGE]))
            updated["error"] = manifest["error"] or troubles[0]
        RunDirectory(Path(manifest["run_dir"])).write_manifest(updated)
        return updated

    def _of_disk(self, files: Sequence[dict[str, Any]]) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        """Yield each file on disk with its entries in the manifest: one, or one per member of an archive."""
        for path in self.files:
            entries = [file for file in files if file["path"] == display_path(path)]
            entries += [file for file in files if file["path"].startswith(f"{display_path(path)}!")]
            yield path, entries

    def _move(self, path: Path, wanted: Path, entries: Sequence[dict[str, Any]]) -> Path:
        """Move one file and return its new path: its own name, with a number if that name is taken."""
        try:
            if path.is_symlink():
                raise _NotMovedError("it is a link")
            if _stamp(path) != self.before[path] or not _holds(path, entries):
                raise _NotMovedError("it has changed since it was read; the next run reads it again")
            wanted.parent.mkdir(parents=True, exist_ok=True)
            for destination in _free_names(wanted):
                if _moved(path, destination):
                    return destination
        except OSError as error:
            raise _NotMovedError(f"{error.strerror or error}") from error
        raise AssertionError("unreachable")  # pragma: no cover


def open_inbox(paths: Sequence[Path], found: Discovered, settings: RunSettings) -> Inbox:
    """Return the inbox of a run that is about to read ``found`` below ``paths``.

    Raises ``SettingsError`` where ``move_to`` cannot be used, before anything is loaded.
    """
    if settings.move_to is None or settings.dry_run:
        return Inbox()
    target = Path(settings.move_to).expanduser().absolute()
    for path in paths:
        if path.is_dir() and _would_be_read(target.resolve(), path.resolve()):
            raise SettingsError(
                f"--move-to {display_path(target)} lies in {display_path(path)}: moved files would be read again",
                "Choose a folder beside it, or one whose name begins with a dot",
            )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"--move-to {display_path(target)} cannot be made: {error.strerror}", "Choose another"
        ) from error
    if not os.access(target, os.W_OK | os.X_OK):
        raise SettingsError(
            f"--move-to {display_path(target)} cannot be written to", "Set its rights, or choose another"
        )
    locations = dict.fromkeys(file.location for file in found.files)
    return Inbox(target, {path: _below(path, paths) for path in locations}, {path: _stamp(path) for path in locations})


def _would_be_read(target: Path, folder: Path) -> bool:
    return target == folder or (
        folder in target.parents and not any(part.startswith(".") for part in target.relative_to(folder).parts)
    )


def _below(path: Path, tops: Sequence[Path]) -> Path:
    """Return the path of a file below the folder that the user named; its name, if the user named the file itself."""
    folders = [top for top in tops if top in path.parents]
    return path.relative_to(max(folders, key=lambda top: len(top.parts))) if folders else Path(path.name)


def _is_done(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether the next run would find all that is in a file known: nothing is refused or of another source.

    Nothing is unresolved, either, or rejected for a reason for which the next run reads the file again.
    """
    return any(entry["status"] in _DONE for entry in entries) and all(
        entry["status"] != FileStatus.REFUSED
        and not entry["counts"]["unresolved"]
        and not entry.get("unsettled")
        and OF_ANOTHER_SOURCE not in entry["reason"]
        for entry in entries
    )


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:  # it is gone
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _holds(path: Path, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a file still has the bytes that were read; an archive, whose hash is not known, passes."""
    read = next((entry["sha256"] for entry in entries if entry["path"] == display_path(path)), None)
    if read is None:
        return True
    with path.open("rb") as stream:
        return bool(hashlib.file_digest(stream, "sha256").hexdigest() == read)


def _free_names(wanted: Path) -> Iterator[Path]:
    """Yield ``a.json``, ``a.2.json``, ``a.3.json`` and so on."""
    yield wanted
    for number in count(2):
        yield wanted.with_name(f"{wanted.stem}.{number}{wanted.suffix}")


def _moved(path: Path, destination: Path) -> bool:
    """Move ``path`` to ``destination``, never over another file; say whether the name was free."""
    try:
        os.link(path, destination)
    except FileExistsError:
        return False
    except OSError:  # another file system, or one without hard links
        if destination.exists() or not _copied(path, destination):
            return False
    try:
        path.unlink()
    except OSError:
        destination.unlink()
        raise
    return True


def _copied(path: Path, destination: Path) -> bool:
    """Copy a file so that ``destination`` is whole and on disk, or absent; say whether the name was free."""
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
    try:
        with path.open("rb") as source, partial.open("xb") as copy:
            shutil.copyfileobj(source, copy, _CHUNK)
            copy.flush()
            os.fsync(copy.fileno())
        shutil.copystat(path, partial)
        try:
            os.link(partial, destination)
        except FileExistsError:
            return False
        except OSError:  # no hard links here
            destination.touch(exist_ok=False)
            partial.replace(destination)
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return True


def _moved_to(moved: Mapping[str, str], path: str) -> dict[str, str]:
    return {"moved_to": moved[path]} if path in moved else {}
