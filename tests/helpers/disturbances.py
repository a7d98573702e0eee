"""Ways to disturb a run: triggers that fail, kill or wait; and what must hold however a run was disturbed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.support import query, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Callable

ETL = Path(sys.executable).with_name("etl")
"""The console script."""

ROUNDS = range(int(os.environ.get("ETL_FAULT_ROUNDS", "1")))
"""How often a test with an element of chance is done."""

CALM = "DROP FUNCTION disturb() CASCADE; DROP SEQUENCE disturbances"


def disturbance(event: str, body: str, *, each: str = "ROW") -> str:
    """Return SQL that does ``body`` (PL/pgSQL) on each ``event``; the sequence disturbances is there to count with."""
    return f"""
        CREATE SEQUENCE disturbances;
        CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
        CREATE TRIGGER disturb {event} FOR EACH {each} EXECUTE FUNCTION disturb();
    """


def once(action: Callable[[], None]) -> Callable[[], None]:
    """Return a function that does ``action`` when it is called for the first time."""
    left = [action]
    return lambda: left.pop()() if left else None


def wait_for(condition: Callable[[], object]) -> None:
    """Return as soon as ``condition`` holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waiting(uri: str, event: str) -> int:
    """Return how many connections to the database wait for a lock of the kind ``event``."""
    found = query(
        uri,
        f"""
        SELECT count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = '{event}'
        """,
    )
    return int(found[0][0])


def inserted(uri: str) -> int:
    """Return how many listens there are; all batches of all runs must say the same."""
    batches = "etl_batches" if sqlite_file(uri) else "etl.batches"
    sums = "CAST(coalesce(sum(inserted), 0) AS int), CAST((SELECT count(*) FROM listens) AS int)"
    rows = query(uri, f"SELECT {sums} FROM {batches}")
    assert rows[0][0] == rows[0][1]
    return int(rows[0][0])
