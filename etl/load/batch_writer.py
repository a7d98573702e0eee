"""Writes one batch: its new entities and its listens, through COPY and the staging table, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.failpoints import Point, failpoint
from etl.core.schema import ENTITY_TABLES, LOOKUPS, STAGE
from etl.resolve.rows import EntityRows
from etl.targets.base import Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.runs.journal import Journal
    from etl.targets.base import Connection, Target

RETRIES = 8  # of a transaction that was ended by a deadlock or a serialization conflict

LISTEN_PAIRS = pl.Schema({"track_id": STAGE["track_id"], "listened_at": STAGE["listened_at"]})


class Batch(msgspec.Struct, frozen=True):
    """What one transaction writes."""

    number: int
    """Its number within the run; the ledger's key."""
    listens: pl.DataFrame
    """Schema STAGE; each (track, second) once."""
    keys: Sequence[str] = ()
    """The keys that the batch resolves, or whose listens it holds."""
    entities: EntityRows = msgspec.field(default_factory=EntityRows)
    cached: pl.DataFrame | None = None
    """For a batch of listens only, the cached keys that it depends on: lookup_key, track_id."""


class Written(msgspec.Struct, frozen=True):
    """What a committed batch wrote."""

    inserted: pl.DataFrame
    """track_id, listened_at of the listens that were new."""
    of_other_users: pl.DataFrame
    """track_id, listened_at of the listens that the database already has for another user."""
    retries: int


def write_batch(
    target: Target, connection: Connection, run_id: str | None, batch: Batch, journal: Journal | None = None
) -> Written:
    """Write ``batch`` and commit it; raises ``StatementError`` after rolling back. A batch without keys is skipped.

    Without a run (a live listen), nothing is written to the ledger. Before the commit, ``journal`` records what is
    inserted.
    """
    if not batch.keys:
        return Written(LISTEN_PAIRS.to_frame(), LISTEN_PAIRS.to_frame(), retries=0)
    for attempt in range(RETRIES + 1):
        try:
            inserted, of_other_users = _write(target, connection, run_id, batch)
            if journal and inserted.height:
                journal.record(batch.number, inserted)
            failpoint(Point.BEFORE_COMMIT)
            connection.commit()
            failpoint(Point.AFTER_COMMIT)
        except StatementError as error:
            connection.rollback()
            if error.failure is not Failure.TRANSIENT or attempt == RETRIES:
                raise
        else:
            return Written(inserted, of_other_users, attempt)
    raise AssertionError("unreachable")  # pragma: no cover


def _write(
    target: Target, connection: Connection, run_id: str | None, batch: Batch
) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = batch.entities
    target.begin_batch(connection, batch.cached)
    for table, schema in ENTITY_TABLES.items():
        if table in rows.tables:
            connection.append(table, rows.tables[table], schema)
            failpoint(Point.AFTER_STAGE)
    if rows.attached.height:
        connection.execute("attach_artists", rows.attached)
    if _is_fresh(batch):
        connection.append("listens", batch.listens, STAGE)
        failpoint(Point.AFTER_STAGE)
        inserted, of_other_users = batch.listens.select(LISTEN_PAIRS.names()), LISTEN_PAIRS.to_frame()
    else:
        inserted, of_other_users = _insert(connection, batch.listens)
    if LOOKUPS in rows.tables:
        target.append_lookups(connection, rows.tables[LOOKUPS], batch.listens)
        failpoint(Point.AFTER_STAGE)
    owned = batch.listens.select("user_id").head(1)
    target.check_references(connection, rows.tables, [rows.attached, inserted, owned])
    if run_id is not None:
        counts = {"listens": batch.listens.height, "inserted": inserted.height, **created(batch)}
        target.record_batch(connection, run_id, batch.number, batch.listens, counts)
    return inserted, of_other_users


def created(batch: Batch) -> dict[str, int]:
    """Return how many artists, albums and tracks ``batch`` creates."""
    tables = {"artists": "artists", "albums": "releases", "tracks": "tracks"}
    made = batch.entities.tables
    return {name: made[table].height if table in made else 0 for name, table in tables.items()}


def _is_fresh(batch: Batch) -> bool:
    """Say whether this same transaction creates all tracks of the listens.

    No other transaction can have listens of them, so nothing can conflict, and COPY writes directly into the table:
    0.45 s for 49,050 rows in batches of 7,000, against 0.60 s via the staging table.
    """
    tracks = batch.entities.tables.get("tracks")
    return tracks is not None and bool(
        batch.listens.get_column("track_id").is_in(tracks.get_column("id").implode()).all()
    )


def _insert(connection: Connection, listens: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Insert via the staging table; return the listens that were new, and those that another user has already."""
    if listens.is_empty():
        return LISTEN_PAIRS.to_frame(), LISTEN_PAIRS.to_frame()
    connection.append("etl_stage", listens, STAGE, temporary=True)
    failpoint(Point.AFTER_STAGE)
    first, last = listens.select(first=pl.col("track_id").min(), last=pl.col("track_id").max()).row(0)
    inserted = connection.query("insert_listens", first, last)
    if inserted.height == listens.height:
        return inserted, LISTEN_PAIRS.to_frame()
    return inserted, connection.query("staged_of_other_users", first, last)


def present_listens(connection: Connection, listens: pl.DataFrame) -> pl.DataFrame:
    """Return track_id, listened_at and user_id of those ``listens`` (schema STAGE) that the database already has."""
    seconds = pl.col("listened_at").dt.epoch("s").alias("second")
    return connection.query("present_listens", listens.select("track_id", seconds))
