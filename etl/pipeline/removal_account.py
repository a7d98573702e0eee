"""Composes ``run.json`` of a run that removes listens, and says what became of each. Pure, except for the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.core.dsn import redact
from etl.core.errors import ExitCode, decisive
from etl.core.schema import REMOVED, FileStatus, RunStatus, conform
from etl.core.settings import RunSettings
from etl.pipeline.manifest import status
from etl.runs import accounting
from etl.runs.directory import versions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from etl.core.errors import EtlError
    from etl.pipeline.removal import RemovalRun
    from etl.runs.directory import RunDirectory

REMOVED_NOW = "removed"
GONE_BEFORE = "gone_before"
NOT_REACHED = "not_reached"
FORGOTTEN = "no longer known: the next load of it reads it again"
NO_ENTITIES = {"artists": 0, "albums": 0, "tracks": 0}


class RemovalResult(msgspec.Struct, frozen=True):
    """What a run that removes listens did, or would do."""

    outcomes: pl.DataFrame
    """Schema REMOVED."""
    removed: Mapping[str, int]
    """How many artists, albums and tracks were removed."""
    kept: Mapping[str, int]
    forgotten: list[dict[str, Any]] = msgspec.field(default_factory=list)
    """Files that are no longer known: sha256, format, path."""
    retries: int = 0
    imbalances: list[str] = msgspec.field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return the counts of ``run.json``: those of a load, all 0, and those of a removal."""
        outcomes = dict(self.outcomes.group_by("outcome").len().iter_rows())
        own = {name: outcomes.get(name, 0) for name in (NOT_REACHED, REMOVED_NOW, GONE_BEFORE)}
        return {**accounting.NO_COUNTS, **own, "kept": sum(self.kept.values())}


def outcomes(listens: pl.DataFrame, removed: Collection[int], reached: int) -> pl.DataFrame:
    """Return what became of ``listens`` (schema INSERTED, numbered in order): schema REMOVED.

    ``removed`` has the numbers of those that were present; the first ``reached`` were looked for.
    """
    place = pl.int_range(pl.len())
    outcome = (
        pl.when(place >= reached)
        .then(pl.lit(NOT_REACHED))
        .when(place.is_in(pl.Series(list(removed), dtype=pl.Int64).implode()))
        .then(pl.lit(REMOVED_NOW))
        .otherwise(pl.lit(GONE_BEFORE))
    )
    return conform(listens.with_columns(outcome=outcome), REMOVED)


def imbalances(result: RemovalResult, ledger: int) -> list[str]:
    """Return a sentence if the batches in the ledger removed a different number of listens than was counted."""
    removed = result.counts()[REMOVED_NOW]
    if removed == ledger:
        return []
    return [f"{removed} listens count as removed, but the ledger's batches have {ledger}"]


def exit_code(result: RemovalResult, failure: EtlError | None, *, is_complete: bool) -> ExitCode:
    """Return the exit code of the run; ``is_complete`` is false if some listens to remove are unknown."""
    codes = [failure.exit_code] if failure else [ExitCode.UNBALANCED] * bool(result.imbalances)
    return decisive(codes + [ExitCode.REJECTS] * (not is_complete))


def compose(
    run: RemovalRun,
    directory: RunDirectory,
    result: RemovalResult,
    code: ExitCode,
    failure: EtlError | None,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """Return the content of ``run.json``."""
    files = [
        {**file, "status": str(FileStatus.LEFT_ASIDE), "reason": FORGOTTEN, "counts": accounting.NO_COUNTS}
        for file in sorted(result.forgotten, key=lambda file: (file["path"], file["sha256"]))
    ]
    return {
        "run_id": directory.run_id,
        "run_dir": str(directory.path),
        "status": str(status(code, dry=dry_run)),
        "exit_code": int(code),
        "error": str(failure) if failure else None,
        **run.about(),
        "counts": result.counts(),
        "removed": dict(result.removed),
        "kept": dict(result.kept),
        "skipped_by_reason": {},
        "rejected_by_reason": {},
        "created": NO_ENTITIES,
        "timings": dict(run.timings),
        "files": files,
        "imbalances": result.imbalances,
        "removed_meanwhile": 0,
        "likely_doubles": 0,
        "account_twins": 0,
        "other_user": 0,
        "texts_cleaned": 0,
        "retries": result.retries,
        "started_at": run.started.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "dsn": redact(run.workspace.dsn),
        "settings": RunSettings(source=run.source, dry_run=dry_run, user=str(run.user_id)).as_json(),
        "versions": versions(),
    }


def undone_before(runs: Path, undone_run: str, undone_by: str) -> dict[str, Any]:
    """Return the manifest of an undo that had nothing to do, because ``undone_by`` undid the run before."""
    return {
        "run_id": undone_by,
        "run_dir": str(runs / undone_by),
        "status": str(RunStatus.COMPLETE),
        "exit_code": int(ExitCode.OK),
        "error": None,
        "undone_run": undone_run,
        "undone_before": True,
        "counts": {"removed": 0, "gone_before": 0, "kept": 0, "not_reached": 0},
        "removed": NO_ENTITIES,
        "kept": NO_ENTITIES,
        "files": [],
    }
