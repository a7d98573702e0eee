"""Measures how much time each index and constraint of the largest tables adds to a COPY.

It drops one at a time, copies, and rolls back.

python -m benchmarks.inside URI [ROUNDS]   # a loaded database that may be lost; prints a table
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import pyarrow as pa

from benchmarks.floor import connected, read_back, values

if TYPE_CHECKING:
    import polars as pl
    from adbc_driver_manager.dbapi import Connection

TABLES = ("listens", "track_lookup", "track_aliases", "artist_tracks", "tracks")
# A primary key that others refer to stays; so does what belongs to a constraint: it goes with that.
PARTS = """
SELECT coalesce(array_agg(part ORDER BY part), '{{}}') FROM (
    SELECT format('ALTER TABLE public.%I DROP CONSTRAINT %I', '{table}', conname) AS part FROM pg_constraint c
    WHERE conrelid = 'public.{table}'::regclass AND (contype = 'f' OR (contype IN ('p', 'u') AND NOT EXISTS (
        SELECT FROM pg_constraint r WHERE r.contype = 'f' AND r.confrelid = c.conrelid)))
    UNION ALL
    SELECT format('DROP INDEX public.%I', i.relname) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indrelid = 'public.{table}'::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid)
) parts
"""


def copied(connection: Connection, table: str, rows: pl.DataFrame, without: tuple[str, ...]) -> float:
    """Return the seconds to copy ``rows`` into the emptied ``table`` ``without`` parts of it; rolled back."""
    with connection.cursor() as cursor:
        for statement in (*without, f"TRUNCATE public.{table} CASCADE"):
            cursor.execute(statement)
        started = time.perf_counter()
        cursor.adbc_ingest(table, pa.RecordBatchReader.from_stream(rows), mode="append", db_schema_name="public")
        seconds = time.perf_counter() - started
    connection.rollback()
    return seconds


def costs(connection: Connection, table: str, rows: pl.DataFrame, rounds: int) -> dict[str, float]:
    """Return the median seconds of a COPY with all parts of the table, without each part, and without all of them."""
    (listed,) = values(connection, PARTS.format(table=table))
    parts = tuple(listed) if isinstance(listed, list) else ()
    connection.rollback()
    cases = {"as it is": (), **{part.split("public.")[1]: (part,) for part in parts}, "without all of these": parts}
    found: dict[str, list[float]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, without in cases.items():
            found[case].append(copied(connection, table, rows, without))
    return {case: statistics.median(seconds) for case, seconds in found.items()}


def main() -> None:
    """Measure the parts and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inside", description="What indexes and keys cost.")
    parser.add_argument("uri", help="libpq URI of a database that may be lost")
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    args = parser.parse_args()
    with connected(args.uri) as connection:
        frames = read_back(connection)
        connection.rollback()
        for table in TABLES:
            print(f"{table}: {frames[table].height:,} rows")
            seconds = costs(connection, table, frames[table], args.rounds)
            for case, median in seconds.items():
                print(f"  {case:<70}{median:8.2f} s{median / seconds['as it is']:8.2f} x")


if __name__ == "__main__":
    main()
