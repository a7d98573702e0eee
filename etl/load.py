"""Writes one batch: its new entities and its listens, through COPY and the staging table, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from etl.database.failures import Failure, StatementError
from etl.resolve.frames import EntityRows
from etl.schema import ENTITY_TABLES, STAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.database.connection import Connection

RETRIES = 8  # of a transaction that lost a deadlock or a serialization conflict

PAIRS = pl.Schema({"track_id": STAGE["track_id"], "listened_at": STAGE["listened_at"]})


@dataclass(frozen=True)
class Batch:
    """What one transaction writes."""

    number: int
    """Of the run; the ledger's key."""
    listens: pl.DataFrame
    """Schema STAGE; each (track, second) once."""
    keys: Sequence[str] = ()
    """The keys that the batch resolves, or whose listens it holds."""
    entities: EntityRows = field(default_factory=EntityRows)


@dataclass(frozen=True)
class Written:
    """What a committed batch did."""

    inserted: pl.DataFrame
    """track_id, listened_at of the listens that were not there before."""
    of_other_users: pl.DataFrame
    """track_id, listened_at of those that the database holds for another user."""
    retries: int


def prepare(connection: Connection) -> None:
    """Make a worker's connection ready for batches."""
    connection.write("commit_without_waiting")
    connection.write("create_stage")
    connection.commit()


def write_batch(connection: Connection, run_id: str, batch: Batch) -> Written:
    """Write ``batch`` and commit it; raises ``StatementError`` after rolling back. An empty one costs nothing."""
    if not batch.keys:
        return Written(PAIRS.to_frame(), PAIRS.to_frame(), retries=0)
    for attempt in range(RETRIES + 1):
        try:
            inserted, of_other_users = _write(connection, run_id, batch)
            connection.commit()
        except StatementError as error:
            connection.rollback()
            if error.failure is not Failure.TRANSIENT or attempt == RETRIES:
                raise
        else:
            return Written(inserted, of_other_users, attempt)
    raise AssertionError("unreachable")  # pragma: no cover


def _write(connection: Connection, run_id: str, batch: Batch) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = batch.entities
    if rows.tables:
        connection.read("batch_lock")
    for table, schema in ENTITY_TABLES.items():
        if table in rows.tables:
            connection.ingest(table, rows.tables[table], schema)
    if rows.attached.height:
        connection.write("attach_artists", *rows.attached.get_columns())
    connection.ingest("etl_stage", batch.listens, STAGE, temporary=True)
    inserted = connection.read("insert_listens")
    missing = batch.listens.height - inserted.height
    of_other_users = connection.read("staged_of_other_users") if missing else inserted.clear()
    created = rows.created
    counts = (batch.listens.height, inserted.height, created.artists, created.albums, created.tracks)
    connection.write("ledger_record_batch", run_id, batch.number, *counts)
    return inserted, of_other_users


def present_listens(connection: Connection, listens: pl.DataFrame) -> pl.DataFrame:
    """Return track_id, listened_at and user_id of those ``listens`` (schema STAGE) that the database holds."""
    return connection.read(
        "present_listens", listens.get_column("track_id"), listens.get_column("listened_at").dt.epoch("s")
    )
