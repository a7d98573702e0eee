"""Reads what lacks something and writes what was found; nothing that is set is ever overwritten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.backfill.rules.entities import Album, Artist, Kind, Track
from etl.backfill.rules.findings import Candidate, Field, Outcome
from etl.backfill.rules.frames import values
from etl.normalize.text import MAX_NAME_BYTES, clean
from etl.targets.base import OVERTAKEN, Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.backfill.rules.entities import Entity
    from etl.backfill.rules.findings import Finding
    from etl.targets.base import Connection, Target

_READ = {
    Kind.ARTISTS: ("backfill_artists", Artist),
    Kind.ALBUMS: ("backfill_albums", Album),
    Kind.TRACKS: ("backfill_tracks", Track),
}
_WRITE = {
    (Kind.ARTISTS, Field.IMAGE): "backfill_artist_images",
    (Kind.ALBUMS, Field.IMAGE): "backfill_release_images",
    (Kind.ARTISTS, Field.MBID): "backfill_artist_mbids",
    (Kind.ALBUMS, Field.MBID): "backfill_release_mbids",
    (Kind.TRACKS, Field.MBID): "backfill_track_mbids",
    (Kind.TRACKS, Field.DURATION): "backfill_durations",
    (Kind.ARTISTS, Field.ALIAS): "backfill_artist_aliases",
    (Kind.ALBUMS, Field.ALIAS): "backfill_release_aliases",
}
_ATTEMPTS = 8
_PASSING = frozenset({Failure.TRANSIENT, *OVERTAKEN})  # Koito has changed something since we looked


def read_lacking(connection: Connection, task: str, kind: Kind) -> list[Entity]:
    """Return what ``task`` is to look at, the most played first."""
    name, make = _READ[kind]
    rows = connection.query(name, task)
    connection.rollback()  # asking takes hours: no transaction stays open meanwhile
    return [make(**_filled(row)) for row in rows.iter_rows(named=True)]


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in row.items()}


def settle(
    target: Target,
    connection: Connection,
    findings: Sequence[Finding],
    given: dict[tuple[Kind, str], int],
    *,
    dry_run: bool,
) -> list[Finding]:
    """Write what ``findings`` found, in one transaction, and return them as they stand then.

    An MBID that another entity has, or was ``given`` in this run before, makes the finding unsure. A dry run writes
    nothing.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            if not dry_run:
                target.begin_round(connection)  # a load does not read names and MBIDs while they change
            promised = dict(given)
            checked = _without_held(connection, findings, promised)
            settled = checked if dry_run else _write(connection, checked)
            connection.rollback() if dry_run else connection.commit()
        except StatementError as error:
            connection.rollback()
            if error.failure not in _PASSING or attempt == _ATTEMPTS:
                raise
        else:
            given.update(promised)
            return settled
    raise AssertionError("unreachable")  # pragma: no cover


def _without_held(
    connection: Connection, findings: Sequence[Finding], given: dict[tuple[Kind, str], int]
) -> list[Finding]:
    """Return ``findings``; those whose MBID belongs to another entity are unsure."""
    holders = dict(given)
    for kind in Kind:
        mbids = [value for _, value in values([one for one in findings if one.kind is kind], Field.MBID)]
        if mbids:
            rows = connection.query("backfill_holders", str(kind), pl.Series(mbids, dtype=pl.String))
            holders.update({(kind, mbid): holder for holder, mbid in rows.iter_rows()})
    checked = []
    for finding in findings:
        mbid = next((change.value for change in finding.changes if change.field is Field.MBID), None)
        holder = holders.setdefault((finding.kind, mbid), finding.entity.id) if mbid else finding.entity.id
        if mbid and holder == finding.entity.id:
            given[finding.kind, mbid] = holder
        checked.append(finding if holder == finding.entity.id else _held(finding, mbid or "", holder))
    return checked


def _held(finding: Finding, mbid: str, holder: int) -> Finding:
    note = f"{str(finding.kind)[:-1]} {holder} of the database has it: the same one twice? Merge them in Koito"
    held = finding.became(Outcome.UNSURE, f"its MBID belongs to another: {holder}")
    return replace(held, candidates=(Candidate(mbid, "", note=note),))


def _write(connection: Connection, findings: Sequence[Finding]) -> list[Finding]:
    written: set[tuple[Kind, int]] = set()
    for (kind, field), name in _WRITE.items():
        wanted = values([one for one in findings if one.kind is kind], field)
        pairs = pl.DataFrame(wanted, schema={"id": pl.Int32, "value": pl.String}, orient="row")
        if field is Field.ALIAS:
            pairs = _clean(pairs)
        if not pairs.is_empty():
            rows = connection.query(name, pairs)
            written |= {(kind, one) for one in rows.get_column("id")}
    return [
        one
        if one.outcome is not Outcome.FOUND or (one.kind, one.entity.id) in written
        else one.became(Outcome.ALREADY_SET, "set or removed meanwhile, or all of it is names of another")
        for one in findings
    ]


def _clean(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the names that may be stored, as a load would store them."""
    return (
        pairs.with_columns(clean(pl.col("value")))
        .filter(pl.col("value").str.len_bytes() <= MAX_NAME_BYTES)
        .unique()
        .sort("id", "value")
    )
