"""Says what became of a run, in the words of ``run.json``: its status and exit code, its counts, its files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from etl.core.errors import ExitCode, decisive
from etl.core.schema import FileStatus, RunStatus
from etl.core.settings import redact
from etl.dedupe import ACCOUNT_TWIN
from etl.runs import accounting
from etl.runs.directory import versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.core.errors import EtlError
    from etl.core.settings import RunSettings, Workspace
    from etl.extract.rows import FileResult, Rows
    from etl.pipeline.account import Part, RunTotals
    from etl.runs.directory import RunDirectory


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    code: ExitCode
    books: RunTotals
    problems: list[str]
    """What does not balance."""
    failure: EtlError | None


def of_check(settings: RunSettings, rows: Rows) -> dict[str, Any]:
    """Return what ``run.json`` would say of the files and rows that were only read."""
    refused = any(file.status is FileStatus.REFUSED for file in rows.files)
    codes = [ExitCode.INPUT] * refused + [ExitCode.REJECTS] * (rows.rejects.height > settings.max_rejects)
    return {
        "exit_code": int(decisive(codes)),
        "counts": accounting.count_read(rows.skipped, rows.rejects, rows.listens),
        "skipped_by_reason": accounting.by_reason(rows.skipped),
        "rejected_by_reason": accounting.by_reason(rows.rejects),
        "files": [
            _file_entry(file, accounting.count_read(file.skipped, file.rejects, file.listens)) for file in rows.files
        ],
    }


def of_run(
    directory: RunDirectory,
    workspace: Workspace,
    settings: RunSettings,
    rows: Rows,
    parts: Sequence[Part],
    ending: Ending,
    started: datetime,
    timings: Mapping[str, float],
) -> dict[str, Any]:
    """Return the content of ``run.json``."""
    books = ending.books
    created = sum((part.loaded.created for part in parts), Counter[str]())
    details = dict(books.told.details.iter_rows())
    return {
        "run_id": directory.run_id,
        "run_dir": str(directory.path),
        "status": str(status(ending.code, dry=settings.dry_run)),
        "exit_code": int(ending.code),
        "error": str(ending.failure) if ending.failure else None,
        "counts": books.counts,
        "skipped_by_reason": accounting.by_reason(rows.skipped),
        "rejected_by_reason": accounting.by_reason(rows.rejects),
        "created": {name: created[name] for name in ("artists", "albums", "tracks")},
        "timings": timings,
        "files": [_file_entry(file, books.per_file.get(file.path, accounting.NO_COUNTS)) for file in rows.files],
        "imbalances": ending.problems,
        "removed_meanwhile": books.removed,
        "likely_doubles": books.told.doubles,
        "account_twins": details.get(ACCOUNT_TWIN, 0),
        "other_user": details.get(accounting.OTHER_USER, 0),
        "texts_cleaned": sum(file.cleaned for file in rows.files),
        "retries": sum(part.loaded.retries for part in parts),
        "started_at": started.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "dsn": redact(workspace.dsn),
        "settings": settings.as_json(),
        "versions": versions(),
    }


def exit_code(
    settings: RunSettings, rows: Rows, counts: Mapping[str, int], problems: list[str], failure: EtlError | None
) -> ExitCode:
    """Return the code that a run ends with."""
    codes = [failure.exit_code] if failure else []
    if problems and not failure:
        codes.append(ExitCode.UNBALANCED)
    if any(file.status is FileStatus.REFUSED for file in rows.files):
        codes.append(ExitCode.INPUT)
    # a key that failed in one span of time and not in another counts as resolved: its listens tell
    if counts["rejected"] > settings.max_rejects or counts["failed"] or counts["unresolved"]:
        codes.append(ExitCode.REJECTS)
    return decisive(codes)


def status(code: ExitCode, *, dry: bool) -> RunStatus:
    """Return the word for how a run ended."""
    if code not in (ExitCode.OK, ExitCode.INPUT, ExitCode.REJECTS):
        return RunStatus.FAILED
    if dry:
        return RunStatus.DRY_RUN
    return RunStatus.COMPLETE if code is ExitCode.OK else RunStatus.PARTIAL


def _file_entry(file: FileResult, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "path": file.path,
        "sha256": file.sha256,
        "format": file.format.name if file.format else None,
        "status": str(file.status),
        "reason": file.reason,
        "counts": counts,
    }
