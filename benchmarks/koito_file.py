"""Creates Koito's SQLite file for the benchmarks, measures the floor of a load into it, and scrobbles like Koito.

The floor is the *bare ingest*: every row that the load left behind, in all of Koito's tables and ``etl_track_lookup``,
read back, then ingested through ADBC into the emptied tables in one transaction with foreign keys on; timed from the
first ingest to the commit.

python -m benchmarks.koito_file create PATH     # a new file, as Koito leaves it at its first start
python -m benchmarks.koito_file floor PATH      # JSON: seconds, rows and seconds per table; keeps the rows
python -m benchmarks.koito_file scrobble PATH   # until standard input ends; JSON: scrobbles, failed, longest wait
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbc_driver_manager import OperationalError
from adbc_driver_sqlite import dbapi

from tests.helpers.koito_sqlite import make_koito_file

if TYPE_CHECKING:
    import pyarrow as pa

# In the order that the foreign keys allow.
TABLES = (
    *("artists", "artist_aliases", "releases", "release_aliases", "artist_releases"),
    *("tracks", "track_aliases", "artist_tracks", "etl_track_lookup", "listens"),
)
WHOLE = {"adbc.sqlite.query.batch_rows": str(2**22)}  # types are inferred from the first batch
EVERY = 0.25  # seconds between two scrobbles; a listener has one in three minutes
FIRST = 1_900_000_000  # a second that no history has
OWN_TRACK = (
    "BEGIN IMMEDIATE",
    "INSERT INTO artists (id) VALUES (2000000000)",
    "INSERT INTO artist_aliases VALUES (2000000000, 'A Scrobbler', 'Canonical', 1)",
    "INSERT INTO releases (id) VALUES (2000000000)",
    "INSERT INTO release_aliases VALUES (2000000000, 'An Album', 'Canonical', 1)",
    "INSERT INTO artist_releases VALUES (2000000000, 2000000000, 1)",
    "INSERT INTO tracks (id, release_id) VALUES (2000000000, 2000000000)",
    "INSERT INTO track_aliases VALUES (2000000000, 'A Track', 'Canonical', 1)",
    "INSERT INTO artist_tracks VALUES (2000000000, 2000000000, 1)",
    "COMMIT",
)
"""A track that no history has."""


def create(path: Path) -> dict[str, str]:
    """Create a new file, replacing an existing one."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return {"path": str(make_koito_file(path))}


def floor(path: Path) -> dict[str, Any]:
    """Return the time of the bare ingest of the file's rows."""
    with closing(opened(path)) as connection:
        rows = {table: read(connection, table) for table in TABLES}
        run(connection, "BEGIN IMMEDIATE")
        for table in reversed(TABLES):
            run(connection, f"DELETE FROM {table}")  # noqa: S608 (a name of this module)
        run(connection, "COMMIT")
        run(connection, "VACUUM")
        run(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        per_table: dict[str, float] = {}
        started = time.perf_counter()
        run(connection, "BEGIN IMMEDIATE")
        for table, found in rows.items():
            before = time.perf_counter()
            with connection.cursor() as cursor:
                cursor.adbc_ingest(table, found, mode="append")
            per_table[table] = time.perf_counter() - before
        run(connection, "COMMIT")
        seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "rows": {table: found.num_rows for table, found in rows.items()},
        "per_table": per_table,
    }


def scrobble(path: Path) -> dict[str, float]:
    """Scrobble a track repeatedly, as Koito does, until standard input ends."""
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    waits: list[float] = []
    failed = 0
    with closing(opened(path)) as connection:
        for sql in OWN_TRACK:
            run(connection, sql)
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        while not ended.wait(EVERY):
            begun = time.perf_counter()
            try:
                run(connection, "BEGIN")
                second = FIRST + len(waits) + failed
                run(connection, f"INSERT INTO listens VALUES (2000000000, {second}, 1, 'bench')")  # noqa: S608 (a number)
                run(connection, "COMMIT")
                waits.append(time.perf_counter() - begun)
            except OperationalError:
                failed += 1
                run(connection, "ROLLBACK")
    return {"scrobbles": len(waits), "failed": failed, "longest": max(waits, default=0.0)}


def opened(path: Path) -> dbapi.Connection:
    """Open the file as Koito does."""
    connection = dbapi.connect(str(path), autocommit=True)
    run(connection, "PRAGMA foreign_keys = ON")
    run(connection, "PRAGMA busy_timeout = 5000")
    return connection


def read(connection: dbapi.Connection, table: str) -> pa.Table:
    """Return all rows of a table."""
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**WHOLE)
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 (a name of this module)
        return cursor.fetch_arrow_table()


def run(connection: dbapi.Connection, sql: str) -> None:
    """Run a statement and ignore its result."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        if cursor.description:
            cursor.fetchall()


def main() -> None:
    """Run the command given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.koito_file", description="Koito's file for benchmarks.")
    parser.add_argument("command", choices=("create", "floor", "scrobble"))
    parser.add_argument("path", type=Path, help="a file that may be lost")
    args = parser.parse_args()
    done = {"create": create, "floor": floor, "scrobble": scrobble}[args.command](args.path)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
