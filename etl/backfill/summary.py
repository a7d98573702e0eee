"""Writes the files that a backfill leaves behind: findings, review, and the summary as ``run.json``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from etl.backfill.rules.findings import FindingOutcome, count
from etl.backfill.rules.frames import FINDINGS, REVIEW, findings_frame, for_spreadsheets, review_frame
from etl.core.dsn import redact
from etl.core.errors import INTERRUPTIONS, ExitCode, decisive
from etl.core.schema import RunStatus
from etl.runs.directory import versions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from etl.backfill.rules.entities import EntityKind
    from etl.backfill.rules.findings import Finding
    from etl.backfill.settings import BackfillSettings
    from etl.core.errors import EtlError
    from etl.runs.directory import RunDirectory


class BackfillResult(msgspec.Struct, frozen=True):
    """The result of a run."""

    missing: Mapping[EntityKind, int]
    """How many entities lack what the task finds."""
    findings: Sequence[Finding]
    given_up: Collection[str]
    """Why services were given up."""
    stopped_by: str | None
    """``limit`` or ``max_runtime``, if one of them left entities undone."""
    failure: EtlError | None
    """The error that ended the run early."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the process."""
        codes = [self.failure.exit_code] if self.failure else []
        if self.given_up or any(finding.outcome is FindingOutcome.FAILED for finding in self.findings):
            codes.append(ExitCode.REJECTS)
        return decisive(codes)

    @property
    def error(self) -> str | None:
        """The message about what went wrong."""
        return str(self.failure) if self.failure else "; ".join(sorted(self.given_up)) or None


def write_summary(
    directory: RunDirectory,
    settings: BackfillSettings,
    result: BackfillResult,
    traffic: Mapping[str, Any],
    dsn: str,
    started: datetime,
) -> dict[str, Any]:
    """Write all files of a run and return its summary, which is also its ``run.json``.

    ``traffic``: what ``ServiceClient.traffic`` returns. Raises ``SettingsError`` if a file cannot be written.
    """
    findings = sorted(result.findings, key=lambda finding: finding.order)
    review = review_frame(findings)
    directory.write_frame("findings", findings_frame(findings), FINDINGS)
    directory.write_frame("review", review, REVIEW)
    directory.write_csv("review", for_spreadsheets(review))
    summary = {
        "run_id": directory.run_id,
        "run_dir": str(directory.path),
        "task": settings.task,
        "status": str(_status(result.exit_code, dry_run=settings.dry_run)),
        "exit_code": int(result.exit_code),
        "error": result.error,
        "stopped": result.stopped_by,
        "counts": count(result.missing, findings),
        "review": str(directory.path / "review.csv") if review.height else None,
        **traffic,
        "started_at": started.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "dsn": redact(dsn),
        "settings": settings.as_json(),
        "versions": versions(),
    }
    directory.write_manifest(summary)
    return summary


def _status(code: ExitCode, *, dry_run: bool) -> RunStatus:
    if code in INTERRUPTIONS:
        return RunStatus.INTERRUPTED
    if code not in (ExitCode.OK, ExitCode.REJECTS):
        return RunStatus.FAILED
    if dry_run:
        return RunStatus.DRY_RUN
    return RunStatus.PARTIAL if code is ExitCode.REJECTS else RunStatus.COMPLETE
