"""What a backfill tells of itself when it ends: its files, and its account as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from etl.backfill.rules.findings import Outcome, count
from etl.backfill.rules.frames import FINDINGS, REVIEW, findings_frame, review_frame
from etl.core.errors import ExitCode, decisive
from etl.core.schema import RunStatus
from etl.core.settings import redact
from etl.runs.directory import versions

if TYPE_CHECKING:
    from datetime import datetime

    from etl.backfill.http.client import Client
    from etl.backfill.http.service import Asker
    from etl.backfill.rules.entities import Kind
    from etl.backfill.rules.findings import Finding
    from etl.backfill.settings import BackfillSettings
    from etl.core.errors import EtlError
    from etl.core.settings import Workspace
    from etl.runs.directory import RunDirectory


@dataclass
class Tally:
    """What has come of a run so far."""

    lacking: dict[Kind, int] = field(default_factory=dict)
    """How many entities lack what the task looks for."""
    findings: list[Finding] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)
    """Why services were given up."""
    stopped: str | None = None
    """``limit`` or ``max_runtime``, where one of them left something undone."""

    def exit_code(self, failure: EtlError | None) -> ExitCode:
        """Return what the process tells its caller."""
        codes = [failure.exit_code] if failure else []
        if self.unreachable or any(one.outcome is Outcome.FAILED for one in self.findings):
            codes.append(ExitCode.REJECTS)
        return decisive(codes)


def tell(
    directory: RunDirectory,
    place: Workspace,
    settings: BackfillSettings,
    tally: Tally,
    asked: tuple[Asker, Client],
    failure: EtlError | None,
    times: tuple[datetime, datetime],
) -> dict[str, Any]:
    """Write the files of a run and return its account, which is also its ``run.json``."""
    asker, client = asked
    findings = sorted(tally.findings, key=lambda one: one.order)
    review = review_frame(findings)
    directory.write_frame("findings", findings_frame(findings), FINDINGS)
    directory.write_frame("review", review, REVIEW)
    directory.write_csv("review", review)
    code = tally.exit_code(failure)
    account = {
        "run_id": directory.run_id,
        "run_dir": str(directory.path),
        "task": settings.task,
        "status": str(_status(code, dry_run=settings.dry_run)),
        "exit_code": int(code),
        "error": str(failure) if failure else "; ".join(sorted(tally.unreachable)) or None,
        "stopped": tally.stopped,
        "counts": count(tally.lacking, findings),
        "review": str(directory.path / "review.csv") if review.height else None,
        "asked": dict(sorted(asker.asked.items())),
        "cached": dict(sorted(asker.cached.items())),
        "requests": {"repeated": client.repeated, "hosts": dict(sorted(client.requests.items()))},
        "started_at": times[0].isoformat(),
        "finished_at": times[1].isoformat(),
        "dsn": redact(place.dsn),
        "settings": settings.as_json(),
        "versions": versions(),
    }
    directory.write_manifest(account)
    return account


def _status(code: ExitCode, *, dry_run: bool) -> RunStatus:
    if code not in (ExitCode.OK, ExitCode.REJECTS):
        return RunStatus.FAILED
    if dry_run:
        return RunStatus.DRY_RUN
    return RunStatus.PARTIAL if code is ExitCode.REJECTS else RunStatus.COMPLETE
