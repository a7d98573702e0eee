"""Creates and drops databases on the benchmarks' server, and watches the server while they are loaded.

python -m benchmarks.databases create URI COUNT   # JSON: the URIs of COUNT new, empty databases
python -m benchmarks.databases watch URI          # until standard input ends; JSON: waits for locks, memory
python -m benchmarks.databases drop URI           # removes them; JSON: the number of listens in each
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

PREFIX = "etl_bench_"
EVERY = 0.02  # seconds between two looks
LOOK = """
SELECT count(*) FILTER (WHERE state = 'active' AND datname LIKE 'etl\\_bench\\_%'),
    count(*) FILTER (WHERE wait_event_type = 'Lock' AND datname LIKE 'etl\\_bench\\_%'),
    count(*) FILTER (WHERE wait_event_type = 'LWLock' AND datname LIKE 'etl\\_bench\\_%'),
    count(*) FILTER (WHERE wait_event_type = 'IO' AND datname LIKE 'etl\\_bench\\_%'),
    array_agg(pid)
FROM pg_stat_activity
"""


def address(uri: str, name: str) -> str:
    """Return the URI of another database of the same server."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}/{name}?{parts.query}"


def names(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the names of the benchmarks' databases."""
    found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'etl\\_bench\\_%' ORDER BY 1")
    return [name for (name,) in found]


def create(uri: str, count: int) -> list[str]:
    """Create ``count`` databases and return their URIs."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for number in range(count):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"{PREFIX}{number}")))
    return [address(uri, f"{PREFIX}{number}") for number in range(count)]


def drop(uri: str) -> list[int]:
    """Remove the databases and return the number of listens in each."""
    held = []
    with psycopg.connect(uri, autocommit=True) as connection:
        for name in names(connection):
            with psycopg.connect(address(uri, name)) as one:
                found = one.execute("SELECT count(*) FROM listens").fetchone()
                held.append(found[0] if found else 0)
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return held


def watch(uri: str) -> dict[str, float]:
    """Poll the server until standard input ends.

    Returns the mean numbers of busy backends, and of backends that waited for a lock, for a lock inside the server and
    for the disk; and the server's peak memory in megabytes, if the system reports it (shared pages are counted once).
    """
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    looks: list[tuple[int, ...]] = []
    most = 0.0
    with psycopg.connect(uri, autocommit=True) as connection:
        print("begun", flush=True)
        while not ended.wait(EVERY):
            *counts, pids = connection.execute(LOOK).fetchone() or (0, 0, 0, 0, [])
            looks.append(tuple(counts))
            most = max(most, sum(map(_own_megabytes, pids)))
    busy = [look for look in looks if look[0]] or [(0, 0, 0, 0)]
    means = [sum(column) / len(busy) for column in zip(*busy, strict=True)]
    seen = dict(zip(("active", "lock_waits", "lwlock_waits", "io_waits"), means, strict=True))
    return {**seen, "server_mb": most}


def _own_megabytes(pid: int) -> float:
    """Return the memory of a process in megabytes, with its share of shared pages; 0 if unknown."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    own = [int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")]
    return sum(own) * 1024 / 1e6


def main() -> None:
    """Run the command given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.databases", description="Databases of the benchmarks.")
    parser.add_argument("command", choices=("create", "drop", "watch"))
    parser.add_argument("uri")
    parser.add_argument("count", type=int, nargs="?", default=1)
    args = parser.parse_args()
    found: object
    match args.command:
        case "create":
            found = create(args.uri, args.count)
        case "watch":
            found = watch(args.uri)
        case _:
            found = drop(args.uri)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
