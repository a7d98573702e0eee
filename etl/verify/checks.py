"""What a verification finds: checks, their results, and the exit code that they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from etl.core.errors import ExitCode
from etl.core.reasons import Reason

SHOWN = 20
"""Rows of a finding that are shown; all are counted."""


class Result(Reason):
    """What became of a check."""

    OK = "ok", "holds"
    FAILED = "failed", "does not hold: exit code 7"
    WARNING = "warning", "worth a look, and perhaps as somebody wants it"
    CHANGED_SINCE = "changed_since", "merged or deleted since the run"
    NOT_CHECKED = "not_checked", "cannot be told"


@dataclass(frozen=True)
class Check:
    """One sentence that was checked, and the rows that speak against it."""

    name: str
    about: str
    result: Result
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Numbers, texts and lists of them; what they are, the columns' names say."""
    reason: str = ""
    """Why it was not checked, or what else there is to say."""
    query: str = ""
    """For the database's own shell, where that is all it takes to see the rows."""

    @classmethod
    def of(cls, name: str, about: str, rows: pl.DataFrame, otherwise: Result = Result.FAILED, query: str = "") -> Check:
        """Return the check that holds if there are no ``rows``."""
        return cls(name, about, otherwise if rows.height else Result.OK, rows, query=query)

    def as_json(self) -> dict[str, Any]:
        """Return what ``etl verify --json`` prints of it."""
        return {
            "name": self.name,
            "about": self.about,
            "result": str(self.result),
            "reason": self.reason or None,
            "count": self.rows.height,
            "rows": self.rows.head(SHOWN).to_dicts(),
            **({"query": self.query} if self.query else {}),
        }


@dataclass(frozen=True)
class Verdict:
    """All checks of a run or of the database."""

    checks: list[Check]
    about: dict[str, Any] = field(default_factory=dict)
    """What was verified: keys of the JSON object."""

    @property
    def exit_code(self) -> ExitCode:
        """7 if a check failed, else 0."""
        is_bad = any(check.result is Result.FAILED for check in self.checks)
        return ExitCode.UNBALANCED if is_bad else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """Return what ``etl verify --json`` prints."""
        return {
            **self.about,
            "exit_code": int(self.exit_code),
            "checks": [check.as_json() for check in self.checks],
        }
