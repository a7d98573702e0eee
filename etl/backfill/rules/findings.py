"""What became of an entity: found, not found, unsure or failed; what is to be written; the sums. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from etl.backfill.rules.entities import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from etl.backfill.rules.entities import Entity


class Outcome(StrEnum):
    """What became of an entity that was looked at."""

    FOUND = "found"
    """Something was found and written, or would be in a dry run."""
    ALREADY_SET = "already_set"
    """Something was found, but somebody else was faster, or the entity is gone; nothing was overwritten."""
    NOT_FOUND = "not_found"
    UNSURE = "unsure"
    """Left to a person: see the review file."""
    FAILED = "failed"
    """A question had no useful answer; the next run asks again."""


class Field(StrEnum):
    """What is written to an entity."""

    IMAGE = "image"
    MBID = "mbid"
    ALIAS = "alias"
    DURATION = "duration"


LEFT = "left"  # entities that were not looked at: --limit, --max-runtime, or the run was ended
TERMS = ("entities", *(str(outcome) for outcome in Outcome), LEFT)


@dataclass(frozen=True)
class Change:
    """A value for a field: an address, an MBID, a name, or seconds."""

    field: Field
    value: str


@dataclass(frozen=True)
class Candidate:
    """Something that an entity may be."""

    value: str
    name: str
    artist: str = ""
    score: int = 0
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """What became of one entity. ``detail`` says why; ``candidates`` are for a person to choose from."""

    entity: Entity
    outcome: Outcome
    detail: str = ""
    changes: tuple[Change, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    @property
    def kind(self) -> Kind:
        """What the entity is."""
        return kind_of(self.entity)

    @property
    def order(self) -> tuple[int, int, int]:
        """What sorts findings as their entities were read: by kind, the most played first."""
        return list(Kind).index(self.kind), -self.entity.plays, self.entity.id

    def became(self, outcome: Outcome, detail: str) -> Finding:
        """Return the finding as it stands after an attempt to write it, with nothing left to write."""
        return replace(self, outcome=outcome, detail=detail, changes=())


def found(entity: Entity, *changes: Change, detail: str = "") -> Finding:
    """Return a finding with ``changes`` to write."""
    return Finding(entity, Outcome.FOUND, detail, changes)


def missing(entity: Entity, detail: str) -> Finding:
    """Return a finding of nothing."""
    return Finding(entity, Outcome.NOT_FOUND, detail)


def unsure(entity: Entity, detail: str, candidates: Iterable[Candidate]) -> Finding:
    """Return a finding for a person to decide."""
    return Finding(entity, Outcome.UNSURE, detail, candidates=tuple(candidates))


def count(lacking: Mapping[Kind, int], findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """Return for each kind how many entities there were (``lacking``), and what became of how many of them."""
    by_kind: dict[Kind, Counter[str]] = {kind: Counter() for kind in lacking}
    for finding in findings:
        by_kind[finding.kind][finding.outcome] += 1
    return {
        kind: {
            "entities": lacking[kind],
            **{outcome: seen[outcome] for outcome in Outcome},
            LEFT: lacking[kind] - seen.total(),
        }
        for kind, seen in by_kind.items()
    }
