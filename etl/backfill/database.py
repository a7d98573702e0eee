"""Reads the entities that lack a value, and writes the values found. An existing value is never overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from msgspec.structs import replace

from etl.backfill.rules.entities import AlbumEntity, ArtistEntity, EntityKind, TrackEntity
from etl.backfill.rules.findings import Candidate, Field, FindingOutcome
from etl.backfill.rules.frames import changes_of
from etl.normalize.text import MAX_NAME_BYTES, clean
from etl.targets.base import NEEDS_NEW_PLAN, Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from etl.backfill.rules.entities import Entity
    from etl.backfill.rules.findings import Finding
    from etl.targets.base import Connection, Target

    MbidOwners: TypeAlias = dict[tuple[EntityKind, str], int]

_READ = {
    EntityKind.ARTISTS: ("backfill_artists", ArtistEntity),
    EntityKind.ALBUMS: ("backfill_albums", AlbumEntity),
    EntityKind.TRACKS: ("backfill_tracks", TrackEntity),
}
_WRITE = {
    (EntityKind.ARTISTS, Field.IMAGE): "backfill_artist_images",
    (EntityKind.ALBUMS, Field.IMAGE): "backfill_release_images",
    (EntityKind.ARTISTS, Field.MBID): "backfill_artist_mbids",
    (EntityKind.ALBUMS, Field.MBID): "backfill_release_mbids",
    (EntityKind.TRACKS, Field.MBID): "backfill_track_mbids",
    (EntityKind.TRACKS, Field.DURATION): "backfill_durations",
    (EntityKind.ARTISTS, Field.ALIAS): "backfill_artist_aliases",
    (EntityKind.ALBUMS, Field.ALIAS): "backfill_release_aliases",
}
_ATTEMPTS = 8
_RETRIED = frozenset({Failure.TRANSIENT, *NEEDS_NEW_PLAN})  # Koito has changed something since we looked


def read_missing(connection: Connection, task: str, kind: EntityKind) -> list[Entity]:
    """Return the entities of ``kind`` that lack what ``task`` finds, the most played first."""
    name, make = _READ[kind]
    rows = connection.query(name, task)
    connection.rollback()  # requests take hours, during which no transaction may stay open
    return [make(**_with_lists(row)) for row in rows.iter_rows(named=True)]


def _with_lists(row: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in row.items()}


def write_findings(
    target: Target, connection: Connection, findings: Sequence[Finding], owners: MbidOwners, *, dry_run: bool
) -> list[Finding]:
    """Write the changes of ``findings`` in one transaction and return the findings as they are afterwards.

    ``owners`` has the entities to which this run gave MBIDs, and is updated. A finding whose MBID belongs to another
    entity, of this run or of the database, becomes unsure. A dry run writes nothing.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            if not dry_run:
                target.begin_round(connection, exclusive=True)  # no load reads names and MBIDs while they change
            new_owners = dict(owners)
            checked = _check_owners(connection, findings, new_owners)
            written = checked if dry_run else _write(connection, checked)
            connection.rollback() if dry_run else connection.commit()
        except StatementError as error:
            connection.rollback()
            if error.failure not in _RETRIED or attempt == _ATTEMPTS:
                raise
        else:
            owners.update(new_owners)
            return written
    raise AssertionError("unreachable")  # pragma: no cover


def _check_owners(connection: Connection, findings: Sequence[Finding], owners: MbidOwners) -> list[Finding]:
    """Return ``findings``, made unsure if their MBID belongs to another entity; the others are added to ``owners``."""
    known = owners | _stored_owners(connection, findings)
    checked = []
    for finding in findings:
        if not finding.mbid:
            checked.append(finding)
            continue
        owner = known.setdefault((finding.kind, finding.mbid), finding.entity.id)
        if owner == finding.entity.id:
            owners[finding.kind, finding.mbid] = owner
            checked.append(finding)
        else:
            checked.append(_taken(finding, finding.mbid, owner))
    return checked


def _stored_owners(connection: Connection, findings: Sequence[Finding]) -> MbidOwners:
    """Return the entities of the database that have the MBIDs of ``findings``."""
    owners: MbidOwners = {}
    for kind in EntityKind:
        mbids = [mbid for _, mbid in changes_of(_of_kind(findings, kind), Field.MBID)]
        if mbids:
            rows = connection.query("backfill_mbid_owners", str(kind), pl.Series(mbids, dtype=pl.String))
            owners.update({(kind, mbid): owner for owner, mbid in rows.iter_rows()})
    return owners


def _of_kind(findings: Sequence[Finding], kind: EntityKind) -> list[Finding]:
    return [finding for finding in findings if finding.kind is kind]


def _taken(finding: Finding, mbid: str, owner: int) -> Finding:
    note = f"{str(finding.kind)[:-1]} {owner} in the database has this MBID. If both are the same, merge them in Koito"
    unsure = finding.unwritten(FindingOutcome.UNSURE, f"another entry has its MBID: {owner}")
    return replace(unsure, candidates=(Candidate(mbid, "", note=note),))


def _write(connection: Connection, findings: Sequence[Finding]) -> list[Finding]:
    """Write all changes; a finding with no change that could be written becomes "already set"."""
    written: set[tuple[EntityKind, int]] = set()
    for (kind, field), name in _WRITE.items():
        changes = changes_of(_of_kind(findings, kind), field)
        pairs = pl.DataFrame(changes, schema={"id": pl.Int32, "value": pl.String}, orient="row")
        if field is Field.ALIAS:
            pairs = _storable(pairs)
        if not pairs.is_empty():
            rows = connection.query(name, pairs)
            written |= {(kind, one) for one in rows.get_column("id")}
    return [
        finding
        if finding.outcome is not FindingOutcome.FOUND or (finding.kind, finding.entity.id) in written
        else finding.unwritten(
            FindingOutcome.ALREADY_SET, "set or removed in the meantime, or every name belongs to another entry"
        )
        for finding in findings
    ]


def _storable(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the names of ``pairs`` cleaned as a load cleans them, without duplicates and names that are too long."""
    return (
        pairs.with_columns(clean(pl.col("value")))
        .filter(pl.col("value").str.len_bytes() <= MAX_NAME_BYTES)
        .unique()
        .sort("id", "value")
    )
