"""Turns findings into the frames that a backfill writes to files and to the database. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.backfill.rules.entities import label
from etl.backfill.rules.findings import Field, FindingOutcome
from etl.core.schema import conform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from etl.backfill.rules.findings import Finding

_ENTITY = {"kind": pl.String, "id": pl.Int32, "name": pl.String, "artist": pl.String, "plays": pl.Int64}

# One row per change; a finding without changes has one row, with nulls.
FINDINGS = pl.Schema({**_ENTITY, "outcome": pl.String, "field": pl.String, "value": pl.String, "detail": pl.String})

# One row per candidate; a finding without candidates has one row, with nulls.
REVIEW = pl.Schema(
    {
        **_ENTITY,
        "reason": pl.String,
        "candidate": pl.String,  # an MBID, seconds, or the URL of a picture
        "candidate_name": pl.String,
        "candidate_artist": pl.String,
        "score": pl.Int32,
        "note": pl.String,
    }
)


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """Return all ``findings`` as a frame with the schema FINDINGS."""
    rows = [
        (
            *_entity_columns(finding),
            str(finding.outcome),
            change and str(change.field),
            change and change.value,
            finding.detail,
        )
        for finding in findings
        for change in finding.changes or (None,)
    ]
    return conform(pl.DataFrame(rows, schema=FINDINGS, orient="row"), FINDINGS)


def review_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """Return those of ``findings`` that are unsure as a frame with the schema REVIEW."""
    rows = [
        (
            *_entity_columns(finding),
            finding.detail,
            *((one.value, one.name, one.artist, one.score, one.note) if one else (None,) * 5),
        )
        for finding in findings
        if finding.outcome is FindingOutcome.UNSURE
        for one in finding.candidates or (None,)
    ]
    return conform(pl.DataFrame(rows, schema=REVIEW, orient="row"), REVIEW)


def for_spreadsheets(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` with an apostrophe before each text that a spreadsheet would take for a formula.

    The rule is that of OWASP ("CSV Injection"). Names come from exports and from services, which anybody can edit.
    """
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(text.str.contains(r"^[=+\-@\t\r]")).then("'" + text).otherwise(text).name.keep())


def changes_of(findings: Iterable[Finding], field: Field) -> list[tuple[int, str]]:
    """Return entity id and value of every change of ``field``, in order of ids, which prevents deadlocks."""
    return sorted(
        (finding.entity.id, change.value) for finding in findings for change in finding.changes if change.field is field
    )


def _entity_columns(finding: Finding) -> tuple[str, int, str, str, int]:
    entity = finding.entity
    return str(finding.kind), entity.id, *label(entity), entity.plays
