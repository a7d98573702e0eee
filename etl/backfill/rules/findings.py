"""Defines a finding: the outcome for one entity, what to write, and what a person must decide. Pure."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from etl.backfill.rules.entities import EntityKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from etl.backfill.rules.entities import Entity


class FindingOutcome(StrEnum):
    """The outcome for an entity that was looked up."""

    FOUND = "found"
    """A value was found and written; in a dry run it would be."""
    ALREADY_SET = "already_set"
    """A value was found, but the entity has one by now or is gone; nothing was overwritten."""
    NOT_FOUND = "not_found"
    UNSURE = "unsure"
    """A person must decide: see the review file."""
    FAILED = "failed"
    """A request had no usable response; the next run sends it again."""


class Field(StrEnum):
    """The fields of an entity that a backfill writes."""

    IMAGE = "image"
    MBID = "mbid"
    ALIAS = "alias"
    DURATION = "duration"


LEFT = "left"  # entities that were not looked up: --limit, --max-runtime, or the run ended early


class Change(msgspec.Struct, frozen=True):
    """A value to write to a field: a URL, an MBID, a name, or seconds."""

    field: Field
    value: str


class Candidate(msgspec.Struct, frozen=True):
    """One of the values that a person can choose from."""

    value: str
    name: str
    artist: str = ""
    score: int = 0
    note: str = ""


class Finding(msgspec.Struct, frozen=True):
    """The outcome for one entity. ``detail`` gives the reason; ``candidates`` are for a person to choose from."""

    entity: Entity
    outcome: FindingOutcome
    detail: str = ""
    changes: tuple[Change, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    @property
    def kind(self) -> EntityKind:
        """The kind of the entity."""
        return kind_of(self.entity)

    @property
    def mbid(self) -> str | None:
        """The MBID to write, if there is one."""
        return next((change.value for change in self.changes if change.field is Field.MBID), None)

    @property
    def order(self) -> tuple[int, int, int]:
        """The key that sorts findings as their entities were read: by kind, then the most played first."""
        return list(EntityKind).index(self.kind), -self.entity.plays, self.entity.id

    def unwritten(self, outcome: FindingOutcome, detail: str) -> Finding:
        """Return the finding with another outcome, and without changes."""
        return replace(self, outcome=outcome, detail=detail, changes=())


def found(entity: Entity, *changes: Change) -> Finding:
    """Return a finding with ``changes`` to write."""
    return Finding(entity, FindingOutcome.FOUND, changes=changes)


def not_found(entity: Entity, detail: str) -> Finding:
    """Return a finding that no service has anything."""
    return Finding(entity, FindingOutcome.NOT_FOUND, detail)


def unsure(entity: Entity, detail: str, candidates: Iterable[Candidate]) -> Finding:
    """Return a finding that a person must decide."""
    return Finding(entity, FindingOutcome.UNSURE, detail, candidates=tuple(candidates))


def count(missing: Mapping[EntityKind, int], findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """Return the accounting by kind: ``missing`` entities in all, how many had each outcome, and how many are left."""
    outcomes: dict[EntityKind, Counter[str]] = {kind: Counter() for kind in missing}
    for finding in findings:
        outcomes[finding.kind][finding.outcome] += 1
    return {
        kind: {
            "entities": missing[kind],
            **{outcome: counted[outcome] for outcome in FindingOutcome},
            LEFT: missing[kind] - counted.total(),
        }
        for kind, counted in outcomes.items()
    }
