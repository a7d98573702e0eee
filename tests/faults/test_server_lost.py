"""The server fails: a backend is ended in the middle of a COPY, or the whole server is stopped at once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.targets.base import Failure, StatementError
from etl.targets.postgres.connection import connect
from etl.targets.postgres.embedded.server import EmbeddedServer
from etl.targets.postgres.migrate import migrate
from tests.cli.program import etl
from tests.faults.broken import Content, check_completed, is_lost, load_until
from tests.faults.record import record
from tests.helpers.disturbances import CALM, ROUNDS, disturbance, wait_for, waiting
from tests.helpers.support import content, execute, load, opened, query, with_query

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.faults

END_ITSELF = "PERFORM pg_terminate_backend(pg_backend_pid());"
TABLES = ("artists", "releases", "track_aliases", "track_lookup", "listens")


@pytest.mark.parametrize("number", ROUNDS)
@pytest.mark.parametrize("table", TABLES)
def test_a_backend_ended_in_the_middle_of_a_copy_leaves_nothing_half_done(
    home: Path, database: str, loader_uri: str, export: Path, undisturbed: Content, table: str, number: int
) -> None:
    row = random.Random(f"{table} {number}").randrange(2, 5 if table == "artists" else 13)
    execute(
        database,
        disturbance(f"BEFORE INSERT ON {table}", f"IF nextval('disturbances') = {row} THEN {END_ITSELF} END IF;"),
    )
    found = load_until(home, loader_uri, export)
    assert is_lost(found, database)
    assert found["counts"]["not_reached"] > 0
    execute(database, CALM)
    check_completed(home, loader_uri, export, undisturbed)
    record("server_lost", rounds=1, terminated=1, losses=0, duplicates=0)


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """Yield a server that a test may break; its account must reach the home, so it is not a tmp_path."""
    home = Path(tempfile.mkdtemp(prefix="etl-", dir="/tmp"))
    server = EmbeddedServer(home)
    try:
        home.chmod(0o755)
        migrate(server.start(), standalone=True)
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


def stop_at_once(server: EmbeddedServer) -> None:
    """Do what ``pg_ctl stop -m immediate`` does: a power failure that spares the caches of the system."""
    pid = server.status().pid
    assert pid
    os.kill(pid, signal.SIGQUIT)
    wait_for(lambda: server.status().pid is None)


def test_a_run_whose_server_is_stopped_at_once_is_completed_by_the_next(
    own_server: EmbeddedServer, home: Path, export: Path
) -> None:
    uri = own_server.uri
    load(home / "undisturbed", uri, export)
    undisturbed = content(uri)
    for number in ROUNDS:
        execute(uri, "DELETE FROM releases; DELETE FROM artists; DELETE FROM etl.runs;")
        row = random.Random(number).randrange(2, 36)
        waits = f"IF nextval('disturbances') = {row} THEN PERFORM pg_advisory_xact_lock(42); END IF;"
        execute(uri, disturbance("BEFORE INSERT ON listens", waits))
        holder = connect(uri)
        holder.query_text("SELECT pg_advisory_lock(42)::text")
        with ThreadPoolExecutor(1) as runs:
            running = runs.submit(load_until, home, uri, export)
            wait_for(lambda: waiting(uri, "advisory"))
            stop_at_once(own_server)
            found = running.result()
        holder.close()
        own_server.start()
        assert is_lost(found, uri)
        execute(uri, CALM)
        check_completed(home, uri, export, undisturbed)
        record("server_lost", rounds=1, stops=1, losses=0, duplicates=0)


def test_the_embedded_server_is_started_again_by_the_run_that_follows(own_server: EmbeddedServer, export: Path) -> None:
    home = own_server.status().data.parents[1]
    stop_at_once(own_server)
    done = etl("run", export, "--json", home=home)
    assert (done.code, done.json["counts"]["inserted"]) == (ExitCode.OK, 36)


def test_a_server_without_free_connections_is_reported_with_advice(database: str) -> None:
    role = f"listener_{os.getpid()}"
    execute(database, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    with pytest.raises(StatementError, match="too many connections") as caught:
        connect(with_query(database, f"user={role}"))
    execute(database, f"DROP ROLE {role}")
    assert caught.value.exit_code is ExitCode.DATABASE
    assert caught.value.hint


PATIENCE = {
    "statement_timeout": ("SELECT pg_sleep(60)::text AS slept", Failure.CANCELLED, "statement_timeout%3D0"),
    "lock_timeout": ("SELECT pg_advisory_xact_lock(43)::text AS held", Failure.TRANSIENT, "same command again"),
    "idle_in_transaction_session_timeout": ("SELECT 1 AS one", Failure.LOST, "same command again"),
}


@pytest.mark.parametrize("setting", PATIENCE)
def test_a_time_out_of_the_server_is_reported_with_advice(database: str, setting: str) -> None:
    statement, failure, advice = PATIENCE[setting]
    asked = f"SELECT count(*)::int FROM pg_stat_activity WHERE application_name = '{setting[:20]}'"
    uri = with_query(database, f"application_name={setting[:20]}&options=-c%20{setting}%3D30ms")
    with opened(database) as other, opened(uri) as connection:
        other.query_text("SELECT pg_advisory_xact_lock(43)::text AS held")
        connection.query_text("SELECT 1 AS one")
        if failure is Failure.LOST:
            wait_for(lambda: query(database, asked) == [(0,)])
        with pytest.raises(StatementError) as caught:
            connection.query_text(statement)
    assert (caught.value.failure, caught.value.exit_code) == (failure, ExitCode.DATABASE)
    assert advice in caught.value.hint
