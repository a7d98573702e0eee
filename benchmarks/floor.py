"""Measures the floor of a load: the time of a bare COPY of the rows that the load stored.

Every row of Koito's tables and ``track_lookup`` is read back in physical order, the tables are emptied, and the rows
are copied through ADBC, one table after the other on one connection in one transaction. The time runs from the first
ingest to the commit. Afterwards the tables hold the same rows as before.

All SQL of the benchmarks is here, so that the runner stays a small process: the peak memory that a child reports is
never below the memory of its parent when it was started.

    python -m benchmarks.floor measure URI     # JSON: seconds, rows and seconds per table
    python -m benchmarks.floor empty URI       # deletes every row of listens, entities, cache and ledger

Only for a database that may be lost: both refuse a database that Koito has used.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
from adbc_driver_postgresql import dbapi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adbc_driver_manager.dbapi import Connection

# In the order that the foreign keys allow. A uuid is 16 bytes of Binary, a timestamptz Datetime("us", "UTC").
ROWS = {
    "artists": "SELECT id, musicbrainz_id, image, image_source FROM public.artists",
    "artist_aliases": "SELECT artist_id, alias, source, is_primary FROM public.artist_aliases",
    "releases": "SELECT id, musicbrainz_id, image, various_artists, image_source FROM public.releases",
    "release_aliases": "SELECT release_id, alias, source, is_primary FROM public.release_aliases",
    "artist_releases": "SELECT artist_id, release_id, is_primary FROM public.artist_releases",
    "tracks": "SELECT id, musicbrainz_id, duration, release_id FROM public.tracks",
    "track_aliases": "SELECT track_id, alias, is_primary, source FROM public.track_aliases",
    "artist_tracks": "SELECT artist_id, track_id, is_primary FROM public.artist_tracks",
    "track_lookup": "SELECT lookup_key, artist_id, album_id, track_id, created_at FROM public.track_lookup",
    "listens": "SELECT track_id, listened_at, client, user_id FROM public.listens",
}
TYPES = {pl.Int32(), pl.String(), pl.Boolean(), pl.Binary(), pl.Datetime("us", "UTC")}

# Our tables come with the first load.
READY = "SELECT to_regclass('public.track_lookup') IS NOT NULL AND to_regclass('etl.batches') IS NOT NULL"
TRUNCATE = """
TRUNCATE public.artists, public.artist_aliases, public.releases, public.release_aliases, public.artist_releases,
    public.tracks, public.track_aliases, public.artist_tracks, public.track_lookup, public.listens
"""
EMPTY_LEDGER = "TRUNCATE etl.batches, etl.files, etl.runs"
# Parallel or joined scans would hand the rows over in another order than the tables hold them.
PHYSICAL_ORDER = ("SET max_parallel_workers_per_gather = 0", "SET synchronize_seqscans = off")


@dataclass(frozen=True)
class Floor:
    """One bare COPY: its seconds from the first ingest to the commit, and what it copied."""

    seconds: float
    rows: dict[str, int]
    table_seconds: dict[str, float]
    server: str


def measure(uri: str) -> Floor:
    """Read every row back, empty the tables, copy the rows, and return the time of the copy.

    Raises ``SystemExit`` if Koito has used the database. An error on the way leaves the tables empty.
    """
    with connected(uri) as connection:
        server = values(connection, "SELECT current_setting('server_version')")[0]
        frames = read_back(connection)
        _execute(connection, TRUNCATE)
        connection.commit()
        _checkpoint(connection)
        table_seconds: dict[str, float] = {}
        with connection.cursor() as cursor:
            started = time.perf_counter()
            for table, frame in frames.items():
                before = time.perf_counter()
                reader = pa.RecordBatchReader.from_stream(frame)
                copied = cursor.adbc_ingest(table, reader, mode="append", db_schema_name="public")
                table_seconds[table] = time.perf_counter() - before
                if copied != frame.height:
                    raise SystemExit(f"{table}: {copied} of {frame.height} rows were copied")
            connection.commit()
            seconds = time.perf_counter() - started
    return Floor(seconds, {table: frame.height for table, frame in frames.items()}, table_seconds, str(server))


def empty(uri: str) -> None:
    """Empty Koito's tables (users stay), ``track_lookup`` and the ledger, where they exist; the next ids are 1.

    Raises ``SystemExit`` if Koito has used the database.
    """
    with connected(uri) as connection:
        if values(connection, READY)[0]:
            _execute(connection, f"{TRUNCATE} RESTART IDENTITY")
            _execute(connection, EMPTY_LEDGER)
            connection.commit()
        _checkpoint(connection)


def read_back(connection: Connection) -> dict[str, pl.DataFrame]:
    """Return all rows of each table, in physical order. Raises ``SystemExit`` for a type that COPY would garble."""
    for statement in PHYSICAL_ORDER:
        _execute(connection, statement)
    frames = {}
    for table, query in ROWS.items():
        with connection.cursor() as cursor:
            cursor.execute(query)
            frame = cursor.fetch_polars().rechunk()
        if wrong := [f"{table}.{name} is {dtype}" for name, dtype in frame.schema.items() if dtype not in TYPES]:
            raise SystemExit(f"cannot be copied: {', '.join(wrong)}")
        frames[table] = frame
    return frames


@contextmanager
def connected(uri: str) -> Iterator[Connection]:
    """Yield a connection to a database that may be lost. Raises ``SystemExit`` if Koito has used the database."""
    with dbapi.connect(uri) as connection:
        if values(connection, "SELECT to_regclass('public.goose_db_version')::text")[0] is not None:
            raise SystemExit("Koito has been running in this database: a benchmark would empty it")
        yield connection


def _checkpoint(connection: Connection) -> None:
    """Make the server write everything that came before, if we are allowed to."""
    if values(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0]:
        _execute(connection, "CHECKPOINT")
    connection.commit()


def _execute(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def values(connection: Connection, query: str) -> tuple[object, ...]:
    """Return the first row of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return tuple(cursor.fetchall()[0])


def main() -> None:
    """Measure the floor of a database or empty it, as given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description="The bare COPY of a load's rows.")
    parser.add_argument("command", choices=("measure", "empty"))
    parser.add_argument("uri", help="libpq URI of a database that may be lost")
    args = parser.parse_args()
    if args.command == "empty":
        empty(args.uri)
    else:
        print(json.dumps(asdict(measure(args.uri)), indent=2))


if __name__ == "__main__":
    main()
