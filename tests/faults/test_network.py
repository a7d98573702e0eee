"""The network fails: connections are cut anywhere, or the server takes everything and never answers again."""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode, SettingsError
from etl.targets.base import StatementError
from etl.targets.postgres.connection import connect
from tests.cli.program import SCRIPT, environment, running
from tests.faults.broken import Content, check_completed, is_lost, load_until
from tests.faults.proxy import Proxy
from tests.faults.record import record
from tests.helpers.disturbances import ROUNDS, disturbance, inserted, wait_for, waiting
from tests.helpers.support import execute, load, opened, query, with_query

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

LOAD_BYTES = 90_000  # about what passes, of 36 listens in small batches, from the first one on
IMPATIENT = "answer_timeout=0.3"
PATIENT = "answer_timeout=1.2"  # opening a connection and asking the server have that long each, on a busy machine too
WAIT = 3.6
END_WAITING = """
SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
"""


@pytest.mark.parametrize("number", [f"{one}.{of_round}" for of_round in ROUNDS for one in range(3)])
def test_a_run_whose_connections_are_cut_is_completed_by_the_next(
    home: Path, database: str, loader_uri: str, export: Path, undisturbed: Content, number: str
) -> None:
    with Proxy(loader_uri) as proxy:
        after = random.Random(number).randrange(LOAD_BYTES)
        found = load_until(home, proxy.uri, export, lambda: proxy.after(after, proxy.cut))
    hit = is_lost(found, database)
    check_completed(home, loader_uri, export, undisturbed)
    record("server_lost", rounds=1, cuts=int(hit), losses=0, duplicates=0)


@pytest.mark.parametrize("number", [f"{one}.{of_round}" for of_round in ROUNDS for one in range(2)])
def test_a_run_whose_server_stops_answering_is_completed_by_the_next(
    home: Path, database: str, export: Path, undisturbed: Content, number: str
) -> None:
    with Proxy(database) as proxy:
        after = random.Random(number).randrange(LOAD_BYTES)
        begun = time.monotonic()
        found = load_until(home, with_query(proxy.uri, IMPATIENT), export, lambda: proxy.after(after, proxy.swallow))
        took = time.monotonic() - begun
    hit = is_lost(found, database)
    assert not hit or "has not answered for" in found["error"]
    check_completed(home, database, export, undisturbed)
    record("server_lost", rounds=1, silences=int(hit), silence_seconds_max=took, losses=0, duplicates=0)


def test_a_dead_connection_is_noticed_while_the_server_answers_others(database: str) -> None:
    with Proxy(database) as proxy, opened(with_query(proxy.uri, PATIENT)) as connection:
        proxy.forget()
        with pytest.raises(StatementError, match="dead for"):
            connection.query_text("SELECT 1 AS one")


@pytest.mark.parametrize("query", ["", "&connect_timeout=2"])
def test_a_server_that_accepts_and_never_answers_times_out(database: str, home: Path, export: Path, query: str) -> None:
    with Proxy(database) as proxy:
        proxy.swallow()
        found = load_until(home, with_query(proxy.uri, IMPATIENT) + query, export)
    assert found["exit_code"] == ExitCode.DATABASE
    assert "has not answered" in found["error"]
    assert "Check that the server is up" in found["error"]
    assert not (home / "runs").exists()


def test_a_slow_statement_on_a_working_server_is_waited_for(database: str, home: Path, export: Path) -> None:
    execute(database, disturbance("BEFORE INSERT ON etl.batches", f"PERFORM pg_sleep({WAIT});", each="STATEMENT"))
    found = load(home, with_query(database, PATIENT), export)
    assert (found["exit_code"], found["counts"]["inserted"]) == (0, 36)


def test_another_runs_lock_is_waited_for_as_long_as_it_takes(database: str, home: Path, export: Path) -> None:
    with opened(database) as other:
        other.query("round_lock")
        threading.Timer(WAIT, other.commit).start()
        found = load(home, with_query(database, PATIENT), export)
    assert (found["exit_code"], found["counts"]["inserted"]) == (0, 36)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_at_once_though_the_server_is_silent(
    database: str, home: Path, export: Path, undisturbed: Content, number: signal.Signals
) -> None:
    execute(database, disturbance("AFTER INSERT ON track_lookup", "PERFORM pg_advisory_xact_lock(42);"))
    with Proxy(database) as proxy, opened(database) as holder:
        holder.query_text("SELECT pg_advisory_lock(42)::text")
        with running(SCRIPT, "run", "--dsn", proxy.uri, export, env=environment(home)) as process:
            wait_for(lambda: waiting(database, "advisory"))
            proxy.swallow()
            begun = time.monotonic()
            process.send_signal(number)
            reported, _ = process.communicate(timeout=20)
            took = time.monotonic() - begun
        execute(database, END_WAITING)  # the server does not know that nobody waits any more
    assert process.returncode == 128 + number
    assert "run the same command again" in reported
    execute(database, "DROP FUNCTION disturb() CASCADE")
    check_completed(home, database, export, undisturbed)
    record("server_lost", silent_stop_seconds_max=took)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "command",
    ["run {export}", "submit --artist Mossrose --track Telefon", "verify", "db migrate", "backfill durations"],
    ids=lambda command: command.split()[0],
)
def test_a_signal_ends_a_command_that_waits_for_a_server_to_accept_it(
    database: str, home: Path, export: Path, command: str, number: signal.Signals
) -> None:
    words = command.format(export=export).split()
    env = environment(home) | {"ETL_CONTACT": "somebody@example.org"}
    with Proxy(database) as proxy:
        proxy.swallow()
        patient = with_query(proxy.uri, "connect_timeout=60&answer_timeout=60")
        with running(SCRIPT, *words, "--dsn", patient, env=env) as process:
            wait_for(lambda: proxy.was_reached)
            process.send_signal(number)
            _, reported = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "interrupted" in reported


def test_the_server_ends_the_session_of_a_client_gone_for_an_hour(database: str) -> None:
    """Settings in the address override the defaults; on a Unix socket the values of TCP are kept, and not used."""
    names = ("idle_in_transaction_session_timeout", "statement_timeout", "tcp_keepalives_idle", "tcp_user_timeout")
    kept = f"SELECT reset_val FROM pg_settings WHERE name IN {names} ORDER BY name"
    given = "options=-c%20idle_in_transaction_session_timeout%3D5s%20-c%20statement_timeout%3D7s"
    assert query(database, kept) == [("3600000",), ("0",), ("30",), ("60000",)]
    assert query(with_query(database, given), kept) == [("5000",), ("7000",), ("30",), ("60000",)]


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan"])
def test_an_invalid_answer_timeout_is_reported(database: str, seconds: str) -> None:
    with pytest.raises(SettingsError, match="answer_timeout"):
        connect(with_query(database, f"answer_timeout={seconds}"))


def test_without_an_answer_timeout_a_connection_works_as_well(database: str) -> None:
    assert query(with_query(database, "answer_timeout=0"), "SELECT 1") == [(1,)]
    assert inserted(database) == 0
