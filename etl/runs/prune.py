"""Decides which run directories can be deleted, and deletes them. The ledger in the database is not changed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import msgspec

from etl.core.errors import InputError, SettingsError
from etl.core.schema import FileStatus, RunStatus
from etl.runs.directory import RunDirectory, list_runs
from etl.runs.identity import is_run_name
from etl.runs.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_REMOVED = ".removed-"

RUNNING = "it is running"
HALF_UNDONE = "an interrupted undo of it needs it to continue"
LEFT_OVER = "it has listens, unresolved or not reached, that no later run has loaded"
EXPLAINS = "it loaded files that a kept run treated as known"
REPLAYED = "a run that is kept replays it"


class Kept(msgspec.Struct, frozen=True):
    """An older run that is not deleted, and the reason."""

    run_id: str
    reason: str


class Pruning(msgspec.Struct, frozen=True):
    """What to do with each run in a folder."""

    remove: list[RunDirectory]
    """The runs to delete, the oldest first."""
    keep: list[Kept]
    newest: int
    """How many are kept because they are the newest."""
    undoable: list[str]
    """Those of ``remove`` that can still be undone, but not after this: nothing else records what they inserted."""


def plan_pruning(runs: Path, keep: int) -> Pruning:
    """Return what to delete so that the newest ``keep`` runs stay, and any that are still needed.

    The next load needs none of them: the ledger records what is loaded. It keeps active runs; runs with listens
    that are nowhere else; and runs that ``explain`` and ``rejects replay`` of a kept run would need.
    """
    listed = list_runs(runs)
    manifests = {run.run_id: _manifest(run) for run in listed}
    newest = listed[max(0, len(listed) - keep) :]
    staying = {run.run_id: "" for run in newest}
    for place, run in enumerate(listed):
        if run.run_id not in staying and (
            reason := _half_undone(run, listed[place + 1 :], manifests)
            or _own_reason(run, [manifests[one.run_id] for one in listed[place:]])
        ):
            staying[run.run_id] = reason
    for place, run in reversed(list(enumerate(listed))):
        if run.run_id in staying:
            for needed, reason in _needs(manifests[run.run_id], listed[:place], manifests).items():
                staying.setdefault(needed, reason)
    going = [run for run in listed if run.run_id not in staying]
    return Pruning(
        going,
        [Kept(run.run_id, staying[run.run_id]) for run in listed if staying.get(run.run_id)],
        len(newest),
        [run.run_id for run in going if _is_undoable(run, manifests[run.run_id])],
    )


def remove(runs: Path, going: Sequence[RunDirectory]) -> None:
    """Delete run directories, and what an interrupted deletion left behind. Raises ``SettingsError``."""
    try:
        for run in going:
            run.path.rename(runs / f"{_REMOVED}{run.run_id}")  # in one step, so that no run is ever half deleted
        for path in runs.glob(f"{_REMOVED}*"):
            if is_run_name(path.name.removeprefix(_REMOVED)) and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or runs} cannot be removed: {error.strerror}", "Fix its permissions and try again"
        ) from error


def _manifest(run: RunDirectory) -> dict[str, Any]:
    """Return ``run.json``, or an empty manifest for a run that did not finish."""
    try:
        return run.read_manifest()
    except InputError:
        return {"files": [], "status": RunStatus.FAILED, "settings": {}}


def _half_undone(run: RunDirectory, later: Sequence[RunDirectory], manifests: Mapping[str, Mapping[str, Any]]) -> str:
    """Return why a dedupe must stay: an undo that was killed does not record which run it was undoing."""
    is_dedupe = not (run.is_load or run.is_undo)
    killed = (one for one in later if one.is_undo and "counts" not in manifests[one.run_id])
    return HALF_UNDONE if is_dedupe and any(killed) else ""


def _own_reason(run: RunDirectory, later: Sequence[Mapping[str, Any]]) -> str:
    """Return why an old run must stay; ``later`` has its manifest, then those of the runs after it."""
    if run.is_active():
        return RUNNING
    own, *others = later
    settled = {file["sha256"] for one in others if _has_loaded(one) for file in one["files"] if _is_settled(file)}
    undos = [one for one in others if own.get("run_id") and one.get("undone_run") == own["run_id"]]
    if undos and undos[-1]["error"] and not own.get("undone_by"):
        return HALF_UNDONE
    left = {file["sha256"] for file in own["files"] if _is_unloaded(file)}
    return LEFT_OVER if own["status"] != RunStatus.DRY_RUN and left - settled else ""


def _is_undoable(run: RunDirectory, manifest: Mapping[str, Any]) -> bool:
    """Return whether ``etl undo`` of ``run`` would change anything. A run that was killed may have a journal."""
    if "counts" not in manifest:
        return Journal(run.path).exists() or (not run.is_load and not run.is_undo)
    if manifest["status"] == RunStatus.DRY_RUN or manifest.get("undone_by") or run.is_undo:
        return False
    return any(manifest["counts"].get(name) for name in ("inserted", "removed")) or Journal(run.path).exists()


def _is_settled(file: Mapping[str, Any]) -> bool:
    return file["status"] in (FileStatus.LOADED, FileStatus.KNOWN) and not _is_unloaded(file)


def _is_unloaded(file: Mapping[str, Any]) -> bool:
    return bool(file["counts"]["unresolved"] or file["counts"]["not_reached"])


def _has_loaded(manifest: Mapping[str, Any]) -> bool:
    return manifest["status"] in (RunStatus.COMPLETE, RunStatus.PARTIAL)


def _needs(
    manifest: Mapping[str, Any], earlier: Sequence[RunDirectory], manifests: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return the runs that are needed to explain the rows of a run, each with the reason."""
    replayed = manifest["settings"].get("replay_of")
    needed = {replayed: REPLAYED} if replayed else {}
    known = {file["sha256"] for file in manifest["files"] if file["status"] == FileStatus.KNOWN}
    for run in reversed(earlier):
        if manifests[run.run_id]["status"] == RunStatus.DRY_RUN:
            continue
        loaded = {
            file["sha256"] for file in manifests[run.run_id]["files"] if file["status"] == FileStatus.LOADED
        } & known
        if loaded:
            needed.setdefault(run.run_id, EXPLAINS)
            known -= loaded
    return needed
