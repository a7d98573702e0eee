"""The results of a verification: checks with their findings, and the exit code that follows from them."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

from etl.core.errors import ExitCode
from etl.core.reasons import Reason

SHOWN = 20
"""Rows of a finding that are shown; all rows are counted."""


class Result(Reason):
    """The result of a check."""

    OK = "ok", "passed"
    FAILED = "failed", "failed: exit code 7"
    WARNING = "warning", "worth a look; it may be intended"
    CHANGED_SINCE = "changed_since", "merged or deleted since the run"
    NOT_CHECKED = "not_checked", "cannot be checked"


class Check(msgspec.Struct, frozen=True):
    """A statement that was checked, and the rows that contradict it."""

    name: str
    about: str
    result: Result
    rows: pl.DataFrame = msgspec.field(default_factory=pl.DataFrame)
    """Numbers, texts and lists of them; the names of the columns say what they are."""
    reason: str = ""
    """Why it was not checked, or another remark."""
    query: str = ""
    """The query that shows the rows in the database's own shell, if one query is enough."""

    @classmethod
    def of(cls, name: str, about: str, rows: pl.DataFrame, otherwise: Result = Result.FAILED, query: str = "") -> Check:
        """Return the check that succeeds if ``rows`` is empty."""
        return cls(name, about, otherwise if rows.height else Result.OK, rows, query=query)

    def as_json(self) -> dict[str, Any]:
        """Return the check as ``etl verify --json`` prints it."""
        return {
            "name": self.name,
            "about": self.about,
            "result": str(self.result),
            "reason": self.reason or None,
            "count": self.rows.height,
            "rows": self.rows.head(SHOWN).to_dicts(),
            **({"query": self.query} if self.query else {}),
        }


class Verdict(msgspec.Struct, frozen=True):
    """All checks of a run or of the database."""

    checks: list[Check]
    about: dict[str, Any] = msgspec.field(default_factory=dict)
    """What was verified, as keys of the JSON object."""

    @property
    def exit_code(self) -> ExitCode:
        """7 if a check failed, else 0."""
        is_bad = any(check.result is Result.FAILED for check in self.checks)
        return ExitCode.UNBALANCED if is_bad else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as ``etl verify --json`` prints it."""
        return {
            **self.about,
            "exit_code": int(self.exit_code),
            "checks": [check.as_json() for check in self.checks],
        }
