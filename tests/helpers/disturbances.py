"""Disturbs runs with triggers that fail, kill or wait, and checks what must hold after any disturbance."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tests.helpers.koito_sqlite_actions import act
from tests.helpers.support import execute, query, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = range(int(os.environ.get("ETL_FAULT_ROUNDS", "1")))
"""How often a test with an element of chance is repeated."""

CALM = "DROP FUNCTION disturb() CASCADE; DROP SEQUENCE disturbances"


def disturbance(event: str, body: str, *, each: str = "ROW") -> str:
    """Return SQL that runs ``body`` (PL/pgSQL) on each ``event``; ``body`` may count with the sequence disturbances.

    The trigger fires whatever ``session_replication_role`` is, so a load still suspends foreign keys. The body runs as
    a superuser with foreign keys on, so a delete cascades, whichever role loads.
    """
    table = event.rpartition(" ON ")[2]
    return f"""
        CREATE SEQUENCE disturbances;
        CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET session_replication_role = origin
            AS $$ BEGIN {body} RETURN NEW; END $$;
        CREATE TRIGGER disturb {event} FOR EACH {each} EXECUTE FUNCTION disturb();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER disturb;
    """


def forbid_alias(uri: str, alias: str = "Track 1", table: str = "track_aliases") -> None:
    """Make the database refuse the name ``alias``; by default that of every third track of the fixture ``export``."""
    if file := sqlite_file(uri):
        refuse = "SELECT RAISE(ABORT, 'CHECK constraint failed: forbidden')"
        act(file, f"CREATE TRIGGER forbidden BEFORE INSERT ON {table} WHEN NEW.alias = '{alias}' BEGIN {refuse}; END")
    else:
        execute(uri, f"ALTER TABLE {table} ADD CONSTRAINT forbidden CHECK (alias <> '{alias}')")


def allow_alias(uri: str, table: str = "track_aliases") -> None:
    """Undo ``forbid_alias``."""
    execute(uri, "DROP TRIGGER forbidden" if sqlite_file(uri) else f"ALTER TABLE {table} DROP CONSTRAINT forbidden")


def refuse_listen(uri: str, second: int) -> None:
    """Make the database refuse listens at ``second`` (since 1970)."""
    if file := sqlite_file(uri):
        refuse = "SELECT RAISE(ABORT, 'CHECK constraint failed: no')"
        act(
            file, f"CREATE TRIGGER disturb BEFORE INSERT ON listens WHEN NEW.listened_at = {second} BEGIN {refuse}; END"
        )
    else:
        is_it = f"extract(epoch FROM NEW.listened_at) = {second}"
        body = f"IF {is_it} THEN RAISE 'no' USING ERRCODE = '23514'; END IF;"
        execute(uri, disturbance("BEFORE INSERT ON listens", body))


def lose(uri: str, batch: int) -> None:
    """Make the next run lose its connection, or the disk of its file, in its batch ``batch``."""
    if file := sqlite_file(uri):
        ((before,),) = query(uri, "SELECT count(*) FROM etl_batches")
        fail = "SELECT RAISE(ABORT, 'disk I/O error')"
        when = f"(SELECT count(*) FROM etl_batches) >= {before + batch - 1}"
        act(file, f"CREATE TRIGGER disturb BEFORE INSERT ON etl_batches WHEN {when} BEGIN {fail}; END")
    else:
        lost = f"IF nextval('disturbances') = {batch} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
        execute(uri, disturbance("BEFORE INSERT ON etl.batches", lost))


def calm(uri: str) -> None:
    """End a disturbance."""
    execute(uri, "DROP TRIGGER disturb" if sqlite_file(uri) else CALM)


def once(action: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls ``action`` the first time that it is called."""
    left = [action]
    return lambda: left.pop()() if left else None


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waiting(uri: str, event: str) -> int:
    """Return how many connections to the database are waiting for a lock of the kind ``event``."""
    found = query(
        uri,
        f"""
        SELECT count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = '{event}'
        """,
    )
    return int(found[0][0])


def inserted(uri: str) -> int:
    """Return how many listens there are; checks that the batches of all runs have the same total."""
    batches = "etl_batches" if sqlite_file(uri) else "etl.batches"
    sums = "CAST(coalesce(sum(inserted), 0) AS int), CAST((SELECT count(*) FROM listens) AS int)"
    rows = query(uri, f"SELECT {sums} FROM {batches}")
    assert rows[0][0] == rows[0][1]
    return int(rows[0][0])
