"""Finds the rows that a run did not load, and reads them again: from the export, or else from the run directory."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.core.errors import BrokenFileError, ExitCode, InputError, SettingsError
from etl.core.schema import LISTENS, NORMALIZED, REJECTS, FileStatus, Outcome, conform, empty
from etl.core.settings import RunSettings
from etl.extract.archive import InputFile
from etl.extract.companions import read_companions
from etl.extract.discover import discover
from etl.extract.extractor import read_rows
from etl.extract.memory import per_byte
from etl.extract.rows import FileResult
from etl.formats import by_name
from etl.formats.local_times import LocalTime
from etl.normalize.listens import normalize
from etl.runs.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from etl.extract.discover import Discovered
    from etl.formats import Companions, Format, ReadOptions
    from etl.normalize.listens import Rules

IS_GONE = "the export is gone"
HAS_CHANGED = "the export has changed"
NUMBERED_DIFFERENTLY = "this version of the program numbers the rows of the export differently"
CANNOT_BE_READ = "the export cannot be read"
_NOT_LOADED = (str(Outcome.UNRESOLVED), str(Outcome.NOT_REACHED))
PROBLEMS = (IS_GONE, HAS_CHANGED, NUMBERED_DIFFERENTLY, CANNOT_BE_READ)


class Unloaded(msgspec.Struct, frozen=True):
    """What a run read but did not load."""

    run: RunDirectory
    manifest: dict[str, Any]
    """The run's ``run.json``."""
    rejects: pl.DataFrame
    """Schema REJECTS."""
    unresolved: pl.DataFrame
    """Columns of LISTENS, and ``detail``: why."""
    not_reached: pl.DataFrame
    """The same columns, for listens that the run did not reach because it ended early."""

    @property
    def listens(self) -> pl.DataFrame:
        """All listens that are not loaded."""
        return pl.concat([self.unresolved, self.not_reached])


def unloaded(run: RunDirectory) -> Unloaded:
    """Return what ``run`` rejected and what it did not load; raises ``InputError`` if it has not ended."""
    run.check_load()
    manifest = run.read_manifest()
    lost = run.read_where("outcome", pl.col("outcome").is_in(_NOT_LOADED)).select("file", "row", "detail", "outcome")
    listens = run.read_frame("listens") if lost.height else empty(LISTENS)
    left = listens.join(lost, on=["file", "row"], maintain_order="right")
    unresolved, not_reached = (left.filter(outcome=outcome).drop("outcome") for outcome in _NOT_LOADED)
    return Unloaded(run, manifest, run.read_frame("rejects"), unresolved, not_reached)


def replayable(run: RunDirectory) -> Unloaded:
    """Return the rows of ``run`` that can be retried; raises ``SettingsError`` for a dry run."""
    left = unloaded(run)
    if left.manifest["settings"]["dry_run"]:
        raise SettingsError(
            f"run {run.run_id} was a dry run: it loaded nothing, so nothing is left to replay", "Use `etl run`"
        )
    return left


def replay_settings(left: Unloaded, *, user: str | None, workers: int, dry_run: bool, max_rejects: int) -> RunSettings:
    """Return the settings of the replayed run with these changes; for ``user`` None, its own user."""
    before = RunSettings.from_json(left.manifest["settings"])
    return replace(
        before,
        no_overlap=False,
        move_to=None,
        user=user or before.user,
        workers=workers,
        dry_run=dry_run,
        max_rejects=max_rejects,
        replay_of=left.run.run_id,
    )


def origins(run: RunDirectory) -> tuple[str, ...]:
    """Return ``run`` and the runs that it replays in turn; their files count as loaded once nothing is left.

    Empty if one of them does not balance, because then it is unknown what it did not load.
    """
    chain: list[str] = []
    following: str | None = run.run_id
    while following and following not in chain:
        try:
            manifest = RunDirectory(run.path.with_name(following)).read_manifest()
        except InputError:  # its directory was removed
            return (*chain, following)
        if manifest["exit_code"] == ExitCode.UNBALANCED:
            return ()
        chain.append(following)
        following = manifest["settings"].get("replay_of")
    return tuple(chain)


class UnloadedReader(msgspec.Struct, frozen=True):
    """Reads the unloaded rows of a run again with the same settings; they keep their ``file`` and ``row``."""

    options: ReadOptions
    rules: Rules
    _found: dict[Path, Discovered] = msgspec.field(default_factory=dict)

    def read(self, left: Unloaded) -> list[FileResult]:
        """Return the files with rows to retry, and only these rows. Raises ``InputError``."""
        rejects = left.rejects.partition_by("file", as_dict=True)
        listens = left.listens.partition_by("file", as_dict=True)
        return [
            self._read_file(
                file, rejects.get((file["path"],), empty(REJECTS)), listens.get((file["path"],), empty(LISTENS))
            )
            for file in left.manifest["files"]
            if file["status"] == FileStatus.LOADED and ((file["path"],) in rejects or (file["path"],) in listens)
        ]

    def _read_file(self, file: dict[str, Any], rejects: pl.DataFrame, listens: pl.DataFrame) -> FileResult:
        path, sha256 = file["path"], file["sha256"]
        companions = file.get("companions", "")  # the ledger knows the file with these
        try:
            kind = by_name(file["format"])
        except KeyError as error:
            raise InputError(
                f"{path} was read as {file['format']}, a format that this version of the program does not know",
                "Use the version that made the run, or a newer one",
            ) from error
        local_times = {LocalTime.UNIQUE: count} if (count := file.get("local_times", 0)) else {}
        wanted = pl.concat([rejects.get_column("row"), listens.get_column("row")])
        location = file.get("location") or path  # earlier versions recorded only the path as typed
        export = self._find(location) or self._find(file.get("moved_to") or location)
        problem = IS_GONE
        try:
            if export is not None:
                data = export.read(per_byte(kind))
                problem = HAS_CHANGED
                if hashlib.sha256(data).hexdigest() == sha256:
                    options = msgspec.structs.replace(self.options, companions=_companions(export, file, kind))
                    read = read_rows(path, data, sha256, kind, options, self.rules, wanted)
                    if read.records == len(wanted):
                        return msgspec.structs.replace(read, companions=companions, location=location)
                    problem = NUMBERED_DIFFERENTLY
        except BrokenFileError:
            problem = CANNOT_BE_READ
        rows = self._from_run_directory(path, kind, problem, rejects, listens)
        return msgspec.structs.replace(
            rows,
            reason=f"{problem}; its rows come from the run directory",
            sha256=sha256,
            format=kind,
            local_times=local_times,
            companions=companions,
            location=location,
        )

    def _find(self, path: str) -> InputFile | None:
        """Return the file that a run recorded as ``path``: on disk, or inside an archive (``a.zip!inner/name``)."""
        for location in _containers(path):
            try:
                if not location.is_file():
                    continue
            except (OSError, ValueError):  # such as a name that is too long for the file system
                continue
            if location not in self._found:
                self._found[location] = discover([location])
            files = self._found[location].files
            same = next((file for file in files if file.path == path), None)
            # the member of a gzip file is named after it, so renaming it renames both; the hash is compared anyway
            return same or (files[0] if len(files) == 1 else None)
        return None

    def _from_run_directory(
        self, path: str, kind: Format, problem: str, rejects: pl.DataFrame, listens: pl.DataFrame
    ) -> FileResult:
        """Return the rows that the run directory has: the records of rejected rows, and the listens."""
        has_record = pl.col("record").is_not_null()
        read = self._from_records(path, kind, rejects.filter(has_record))
        others = rejects.filter(~has_record)
        if read is None:
            read, others = FileResult(path, FileStatus.LOADED), rejects
        return msgspec.structs.replace(
            read,
            listens=pl.concat([read.listens, as_normalized(listens)]).sort("row"),
            rejects=pl.concat([read.rejects, others.with_columns(detail=_with_problem(problem))]).sort("row"),
        )

    def _from_records(self, path: str, kind: Format, rejects: pl.DataFrame) -> FileResult | None:
        """Read rejected rows from the fields that the run recorded; None if that is impossible."""
        if rejects.is_empty():
            return FileResult(path, FileStatus.LOADED)
        try:
            extracted = kind.read(kind.layout.document(rejects.get_column("record").to_list()), self.options)
        except BrokenFileError:
            return None
        if extracted.height != rejects.height:
            return None
        rows = normalize(
            extracted.with_columns(rejects.get_column("row")), path, kind.source, kind.earliest, self.rules
        )
        locations = rejects.select("row", "offset", "length", "record")
        still = rows.rejected.join(locations, on="row", maintain_order="left")
        return FileResult(
            path,
            FileStatus.LOADED,
            listens=rows.listens,
            skipped=rows.skipped,
            rejects=conform(still, REJECTS),
            cleaned=rows.cleaned,
        )


def _companions(export: InputFile, file: Mapping[str, Any], kind: Format) -> Companions:
    """Return the companions of the export: where it is now, or where it was before ``--move-to`` moved it alone."""
    found = read_companions(export, kind)
    if found.files or "moved_to" not in file:
        return found
    return read_companions(InputFile(file["path"], Path(file.get("location") or file["path"])), kind)


def _containers(path: str) -> Iterator[Path]:
    """Yield the parts of ``path`` that may be a file on disk: all of it, or up to one of its exclamation marks."""
    for end in (len(path), *(mark.start() for mark in re.finditer("!", path))):
        yield Path(path[:end])


def as_normalized(listens: pl.DataFrame) -> pl.DataFrame:
    """Return listens of the run directory as schema NORMALIZED; columns that are not in the directory are null."""
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in NORMALIZED.items() if name not in LISTENS]
    return conform(listens.with_columns(absent), NORMALIZED)


def _with_problem(problem: str) -> pl.Expr:
    """Return the detail of a row that could not be read again: its earlier detail, and ``problem``."""
    before = pl.col("detail").str.replace(rf"(^|; )({'|'.join(PROBLEMS)})$", "")
    return pl.concat_str(pl.when(before != "").then(before), pl.lit(problem), separator="; ", ignore_nulls=True)
