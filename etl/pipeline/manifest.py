"""Composes ``run.json``: the status and exit code of a run, its counts, its files. Pure, except for the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import asdict

from etl.core.dsn import redact
from etl.core.errors import INTERRUPTIONS, ExitCode, decisive
from etl.core.reasons import ReadAgain
from etl.core.schema import FileStatus, RunStatus
from etl.dedupe import ACCOUNT_TWIN
from etl.extract.caveats import caveats
from etl.extract.missing_pages import as_json, error_pages
from etl.runs import accounting
from etl.runs.directory import versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.errors import EtlError
    from etl.core.settings import RunSettings
    from etl.extract.rows import FileResult, Rows
    from etl.pipeline.account import RunTotals
    from etl.pipeline.context import Job
    from etl.runs.directory import RunDirectory


class Ending(msgspec.Struct, frozen=True):
    """How a run ended."""

    code: ExitCode
    totals: RunTotals
    imbalances: list[str]
    failure: EtlError | None


def of_check(settings: RunSettings, rows: Rows) -> dict[str, Any]:
    """Return the content of ``run.json`` for files and rows that were only read."""
    refused = any(file.status is FileStatus.REFUSED for file in rows.files)
    codes = [ExitCode.INPUT] * refused + [ExitCode.REJECTS] * (rows.rejects.height > settings.max_rejects)
    doubles = accounting.likely_doubles(rows.skipped)
    frames = (rows.skipped, rows.rejects, rows.duplicates, rows.listens.read())
    counts = accounting.count_read_files((file.path for file in rows.files), *frames)
    return {
        "exit_code": int(decisive(codes)),
        "counts": accounting.count_read(*frames),
        "skipped_by_reason": accounting.by_reason(rows.skipped),
        "rejected_by_reason": accounting.by_reason(rows.rejects),
        "likely_doubles": rows.likely.height,
        "caveats": caveats(rows.files, settings.timezone),
        "files": [_file_entry(file, counts[file.path], doubles.get(file.path, 0)) for file in rows.files],
        "hidden": asdict(rows.hidden),
        "missing_pages": as_json(rows.missing_pages),
        "error_pages": error_pages(rows.rejects),
    }


def of_run(job: Job, rows: Rows, ending: Ending, directory: RunDirectory | None) -> dict[str, Any]:
    """Return the content of ``run.json``; a run that had nothing to do has no directory."""
    settings, totals = job.settings, ending.totals
    details = dict(totals.tally.details.iter_rows())
    doubles = accounting.likely_doubles(rows.skipped)
    return {
        "run_id": directory.run_id if directory else None,
        "run_dir": str(directory.path) if directory else None,
        "status": str(status(ending.code, dry=settings.dry_run)),
        "exit_code": int(ending.code),
        "error": str(ending.failure) if ending.failure else None,
        "counts": totals.counts,
        "skipped_by_reason": accounting.by_reason(rows.skipped),
        "rejected_by_reason": accounting.by_reason(rows.rejects),
        "created": {name: totals.created.get(name, 0) for name in ("artists", "albums", "tracks")},
        "timings": job.timings,
        "files": [
            _file_entry(
                file,
                totals.per_file.get(file.path, accounting.NO_COUNTS),
                doubles.get(file.path, 0),
                job.folder,
            )
            for file in rows.files
        ],
        "hidden": asdict(rows.hidden),
        "missing_pages": as_json(rows.missing_pages),
        "error_pages": error_pages(rows.rejects),
        "caveats": caveats(rows.files, settings.timezone),
        "imbalances": ending.imbalances,
        "removed_meanwhile": totals.removed,
        "likely_doubles": totals.tally.doubles,
        "account_twins": details.get(ACCOUNT_TWIN, 0),
        "other_user": details.get(accounting.OTHER_USER, 0),
        "texts_cleaned": sum(file.cleaned for file in rows.files),
        "retries": totals.retries,
        "started_at": job.started.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "dsn": redact(job.workspace.dsn),
        "settings": settings.as_json(),
        "versions": versions(),
    }


def exit_code(
    settings: RunSettings, rows: Rows, counts: Mapping[str, int], imbalances: list[str], failure: EtlError | None
) -> ExitCode:
    """Return the exit code of a run."""
    codes = [failure.exit_code] if failure else []
    if imbalances and not failure:
        codes.append(ExitCode.UNBALANCED)
    if any(file.status is FileStatus.REFUSED for file in rows.files):
        codes.append(ExitCode.INPUT)
    # a key that failed in only some chunks counts as resolved, but has unresolved listens
    if counts["rejected"] > settings.max_rejects or counts["failed"] or counts["unresolved"]:
        codes.append(ExitCode.REJECTS)
    return decisive(codes)


def status(code: ExitCode, *, dry: bool) -> RunStatus:
    """Return the status of a run that ended with ``code``."""
    if code in INTERRUPTIONS:
        return RunStatus.INTERRUPTED
    if code not in (ExitCode.OK, ExitCode.INPUT, ExitCode.REJECTS):
        return RunStatus.FAILED
    if dry:
        return RunStatus.DRY_RUN
    return RunStatus.COMPLETE if code is ExitCode.OK else RunStatus.PARTIAL


def _file_entry(file: FileResult, counts: Mapping[str, int], doubles: int, folder: str = "") -> dict[str, Any]:
    """Return the entry of ``file`` in ``run.json``; ``folder`` is where its path starts, if that is relative."""
    unsettled = file.rejected(ReadAgain.BY_THE_NEXT_RUN)
    if file.status in (FileStatus.REFUSED, FileStatus.LEFT_ASIDE):  # another file in its archive may have the same path
        counts, doubles = dict.fromkeys(counts, 0), 0
    return {
        "path": file.path,
        "sha256": file.sha256,
        "format": file.format.name if file.format else None,
        "title": file.format.title if file.format else file.title or None,
        "status": str(file.status),
        "reason": file.reason,
        "counts": counts,
        "doubles_skipped": doubles,
        "local_times": sum(file.local_times.values()),
        **({"location": file.location or _location(file.path, folder)} if folder and file.sha256 else {}),
        **({"companions": file.companions} if file.companions else {}),
        **({"unsettled": unsettled} if unsettled else {}),
    }


def _location(path: str, folder: str) -> str:
    """Return ``path`` below ``folder``, unless it is absolute. As text, because names in archives may be anything."""
    return path if path.startswith("/") else f"{folder.rstrip('/')}/{path}"
