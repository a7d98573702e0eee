"""Run directories: Parquet files and ``run.json``. Each file is written under a temporary name and then renamed."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.atomic_file import AtomicFile, unwritable
from etl.core.errors import InputError, SettingsError
from etl.core.failpoints import Point
from etl.core.lists import listed
from etl.core.private_folder import make_private
from etl.core.schema import FILES_OF_SOME_RUNS, RUN_FILES, conform, empty
from etl.core.settings import DEDUPE, UNDO
from etl.core.version import __version__
from etl.core.write_error_advice import write_error_advice
from etl.runs.identity import RUN_JSON, note_number, run_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

_SCHEMAS = {**RUN_FILES, **FILES_OF_SOME_RUNS}
_RUN_AGAIN = (
    "Free some disk space, fix the permissions or choose another --home, then run the same command again: nothing is "
    "loaded twice"
)


@dataclass(frozen=True)
class RunDirectory:
    """The folder of one run below ``HOME/runs``."""

    path: Path
    unwritten: list[SettingsError] = field(default_factory=list, compare=False)
    """The errors of ``keep_frame``, for files that could not be written."""

    @property
    def run_id(self) -> str:
        """The id of the run, which is the name of the directory."""
        return self.path.name

    @property
    def is_undo(self) -> bool:
        """Whether the run is an undo. Its name says so, even if it was killed."""
        return self.run_id.split("-")[1:2] == [UNDO]

    @property
    def is_load(self) -> bool:
        """Whether the run loads files. Its name says so, even if it was killed."""
        return self.run_id.split("-")[1:2] not in ([UNDO], [DEDUPE])

    def check_load(self) -> None:
        """Raise ``SettingsError`` for an undo or a dedupe, which read no files."""
        if not self.is_load:
            what = "an undo" if self.is_undo else "a dedupe"
            raise SettingsError(f"run {self.run_id} is {what}: it read no files", "`etl runs show` shows what it did")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Protect the directory from being pruned during the block, with a lock that ends with the process."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def is_active(self) -> bool:
        """Say whether a process has locked the directory with ``held``."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

    def write_frame(self, name: str, frame: pl.DataFrame, schema: pl.Schema | None = None) -> None:
        """Write ``<name>.parquet``; ``frame`` must have ``schema``, by default the schema of that name.

        Raises ``SettingsError`` if it cannot be written, e.g. because the disk is full.
        """
        checked = conform(frame, schema or _SCHEMAS[name])
        with self._replacing(f"{name}.parquet") as partial:
            checked.write_parquet(partial.path, compression="zstd", compression_level=1)

    def write_csv(self, name: str, frame: pl.DataFrame) -> None:
        """Write ``<name>.csv``, for people. Raises as ``write_frame`` does."""
        with self._replacing(f"{name}.csv") as partial:
            frame.write_csv(partial.path)

    def keep_frame(self, name: str, frame: pl.DataFrame) -> None:
        """Write ``<name>.parquet``; note an error and go on, so that a run that has loaded something can report it."""
        try:
            self.write_frame(name, frame)
        except SettingsError as error:
            self.unwritten.append(error)

    def keep_parts(self, name: str, parts: Iterator[pl.DataFrame]) -> None:
        """Write the rows of all ``parts``, one after the other, as ``keep_frame`` does; read all in any case."""
        first = next(parts)
        second = next(parts, None)
        if second is None:
            self.keep_frame(name, first)
            return
        left = chain((first, second), parts)
        try:
            with self._replacing(f"{name}.parquet") as partial:
                _write_parts(partial.path, (conform(part, RUN_FILES[name]) for part in left))
        except SettingsError as error:
            self.unwritten.append(error)
            for _ in left:
                pass

    def read_frame(self, name: str) -> pl.DataFrame:
        """Read ``<name>.parquet``."""
        return self.read_where(name, pl.lit(value=True))

    def read_where(self, name: str, wanted: pl.Expr) -> pl.DataFrame:
        """Read the ``wanted`` rows of ``<name>.parquet``; raises ``InputError`` if the file cannot be read.

        A missing file counts as empty if only some runs have it.
        """
        path = self.path / f"{name}.parquet"
        if name in FILES_OF_SOME_RUNS and not path.exists():
            return empty(_SCHEMAS[name])
        try:
            rows = pl.scan_parquet(path, glob=False).filter(wanted).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(f"run {self.run_id} has no readable {path.name}") from error
        return conform(rows, _SCHEMAS[name])

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write ``run.json``. Raises as ``write_frame`` does."""
        with self._replacing(RUN_JSON) as partial:
            text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
            # a lone surrogate, in a reason that quotes a file, becomes its JSON escape
            partial.path.write_text(text, encoding="utf-8", errors="backslashreplace")

    def read_manifest(self) -> dict[str, Any]:
        """Read ``run.json``; raises ``InputError`` if there is none, as after a run that was killed."""
        try:
            manifest: dict[str, Any] = {**json.loads((self.path / RUN_JSON).read_text(encoding="utf-8"))}
        except (OSError, TypeError, ValueError) as error:
            raise InputError(f"run {self.run_id} has no readable run.json: it did not finish") from error
        return _with_later_counts(manifest)

    def mark_undone(self, undone_by: str) -> None:
        """Record in ``run.json`` which undo undid the run; a run that was killed has no ``run.json``."""
        try:
            manifest = self.read_manifest()
        except InputError:
            return
        if manifest.get("undone_by") != undone_by:
            self.write_manifest({**manifest, "undone_by": undone_by})

    def _replacing(self, name: str) -> AtomicFile:
        before = Point.BEFORE_MANIFEST if name == RUN_JSON else Point.BEFORE_RENAME
        # two undos of one run may write into its run.json at the same time
        partial = self.path / f".{name}.{os.getpid()}.partial"
        return AtomicFile(partial, self.path / name, before, _RUN_AGAIN)


def _write_parts(path: Path, parts: Iterator[pl.DataFrame]) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 (only the largest runs need it)

    first = next(parts).to_arrow()
    with pq.ParquetWriter(path, first.schema, compression="zstd", compression_level=1) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part.to_arrow())


def create_run(runs: Path, source: str, now: datetime) -> RunDirectory:
    """Create a new run directory below ``runs``: ``<utc>-<source>-<short id>``, mode 0700.

    Raises ``SettingsError`` if it cannot be created.
    """
    path = runs / f"{now:%Y%m%dT%H%M%SZ}-{source}-{secrets.token_hex(3)}"
    try:
        make_private(runs, runs.parent)
        path.mkdir(mode=0o700)
        note_number(path)
    except OSError as error:
        raise unwritable(path, error, write_error_advice(path, error, runs.parent)) from error
    return RunDirectory(path)


def _with_later_counts(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return ``run.json`` with 0 for the counts that an earlier version of this program did not write.

    In such a run, listens that were not reached count as unresolved, and their keys as failed.
    """
    counted = [part for part in (manifest, *manifest.get("files", ())) if "counts" in part]
    for part in counted:
        part["counts"] = {**dict.fromkeys(("not_reached", "keys_not_reached"), 0), **part["counts"]}
    return manifest


def is_removal(manifest: Mapping[str, Any]) -> bool:
    """Say whether a run removed listens (an undo or a dedupe) rather than loading any, by its ``run.json``."""
    return "removed" in manifest


def versions() -> dict[str, str]:
    """Return the versions of this program and of the packages that affect its results."""
    libraries = ("adbc-driver-postgresql", "adbc-driver-sqlite", "duckdb", "polars", "pyarrow")
    return {"etl": __version__, "python": platform.python_version(), **{name: version(name) for name in libraries}}


def list_runs(runs: Path) -> list[RunDirectory]:
    """Return all run directories, the newest last. Raises ``SettingsError`` if the folder may not be read."""
    try:
        if not runs.is_dir():
            return []
        return [RunDirectory(path) for path in run_folders(runs)]
    except OSError as error:
        raise SettingsError(f"{runs} cannot be read: {error.strerror}", write_error_advice(runs, error)) from error


def find_run(runs: Path, wanted: str | None, *, undoable: bool = False) -> RunDirectory:
    """Return the run whose id is, begins or ends with ``wanted``; for None or "latest", the newest load.

    ``undoable``: "latest" is the newest load that is not a dry run, or dedupe that removed something. Raises
    ``InputError`` if no run or more than one fits.
    """
    known = list_runs(runs)
    if not known:
        raise InputError(f"there are no runs in {runs}", "Load something first: `etl run --source auto PATH`")
    if wanted in (None, "latest"):
        return _newest(known, undoable=undoable)
    exact = [run for run in known if run.run_id == wanted]
    ends = str(wanted) or " "  # a script's empty variable must not match the only run
    found = exact or [run for run in known if run.run_id.startswith(ends) or run.run_id.endswith(ends)]
    if len(found) == 1:
        return found[0]
    names = listed([run.run_id for run in reversed(found or known)], 3)
    problem = f'several runs fit "{wanted}"' if found else f'no run fits "{wanted}"'
    raise InputError(problem, f"Runs: {names}; `etl runs list` shows all")


def _newest(known: Sequence[RunDirectory], *, undoable: bool) -> RunDirectory:
    for run in reversed(known):
        if run.is_load or (undoable and not run.is_undo):
            if undoable and _changed_nothing(run):
                continue
            return run
    raise InputError("there is no such run: only undos and dry runs are left", "`etl runs list` shows them")


def _changed_nothing(run: RunDirectory) -> bool:
    """Say whether the run was a dry run, or a dedupe that found nothing; a load may have nothing to undo, too."""
    try:
        manifest = run.read_manifest()
    except InputError:
        return False
    return bool(manifest["settings"].get("dry_run")) or (not run.is_load and not manifest["counts"]["removed"])
