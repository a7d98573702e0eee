"""The error of a failed statement says what can be done, and never shows a password."""

from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import redact
from etl.core.errors import EtlError, ExitCode
from etl.targets.base import Failure
from etl.targets.postgres.connection import connect
from etl.targets.postgres.errors import PostgresError, classify
from tests.helpers.support import execute, opened, query, with_query

if TYPE_CHECKING:
    from etl.targets.postgres.connection import PostgresConnection

LISTEN = "INSERT INTO listens VALUES ({track}, '2020-01-01 00:00:00+00', NULL, 1)"
TRACK = "INSERT INTO releases DEFAULT VALUES; INSERT INTO tracks (release_id) VALUES (1)"


def _failure(uri: str, sql: str) -> tuple[str | None, Failure]:
    """Return SQLSTATE and kind of the error that ``sql`` ends with; the connection must still be of use then."""
    with opened(uri) as connection:
        with pytest.raises(PostgresError) as caught:
            connection.query_text(sql)
        connection.rollback()
        assert connection.query_text("SELECT 1 AS one").item() == 1
    return caught.value.sqlstate, caught.value.failure


def _wait_until_active(uri: str, pid: int) -> None:
    while query(uri, f"SELECT state FROM pg_stat_activity WHERE pid = {pid}") != [("active",)]:
        pass


def _pid(connection: PostgresConnection) -> int:
    return int(connection.query_text("SELECT pg_backend_pid() AS pid").item())


# --- what can be done ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "sqlstate", "failure"),
    [
        ("INSERT INTO users (username, password) VALUES ('admin', '') RETURNING id", "23505", Failure.DUPLICATE),
        (f"{LISTEN.format(track=77)} RETURNING track_id", "23503", Failure.MISSING_REFERENCE),
        ("INSERT INTO tracks (release_id) VALUES (NULL) RETURNING id", "23502", Failure.DATA),
        ("SELECT 1 / (i - 5000) AS a FROM generate_series(1, 9999) AS s (i)", "22012", Failure.DATA),
        ("SELECT repeat('x', 1024 * 1024 * 1024) AS a", "54000", Failure.DATA),
        ("SELECT FROM nowhere", "42P01", Failure.NOT_READY),
        ("SELEC", "42601", Failure.OTHER),
    ],
    ids=[
        "unique",
        "foreign key",
        "not null",
        "in the middle of the rows",
        "too long",
        "no table",
        "syntax",
    ],
)
def test_an_error_is_classified(shared_database: str, sql: str, sqlstate: str, failure: Failure) -> None:
    assert _failure(shared_database, sql) == (sqlstate, failure)


@pytest.mark.parametrize(
    ("sqlstate", "failure"),
    [
        ("40001", Failure.TRANSIENT), ("40P01", Failure.TRANSIENT), ("55P03", Failure.TRANSIENT),
        ("08006", Failure.LOST), ("57P01", Failure.LOST), ("57P02", Failure.LOST), ("57P03", Failure.LOST),
        ("57014", Failure.CANCELLED), ("22021", Failure.DATA), ("54000", Failure.DATA), ("53100", Failure.FULL),
        ("42501", Failure.OTHER), ("XX000", Failure.OTHER),
    ],
)  # fmt: skip
def test_an_sqlstate_has_one_kind(sqlstate: str, failure: Failure) -> None:
    assert {classify(sqlstate, operational=operational) for operational in (True, False)} == {failure}


def test_only_operational_errors_without_sqlstate_are_lost() -> None:
    assert classify(None, operational=True) is Failure.LOST
    assert classify(None, operational=False) is Failure.OTHER


def test_a_statement_that_runs_out_of_its_time_is_cancelled(shared_database: str) -> None:
    uri = with_query(shared_database, "options=-c%20statement_timeout%3D20ms")

    assert _failure(uri, "SELECT pg_sleep(60)::text AS slept") == ("57014", Failure.CANCELLED)


def test_one_of_two_deadlocked_transactions_is_transient(database: str) -> None:
    execute(database, f"{TRACK}; INSERT INTO tracks (release_id) VALUES (1)")
    both_hold_one = Barrier(2, timeout=30)

    def lock(first: int, second: int) -> tuple[str | None, Failure] | None:
        with opened(with_query(database, "options=-c%20deadlock_timeout%3D20ms")) as connection:
            connection.query_text(f"SELECT id FROM tracks WHERE id = {first} FOR UPDATE")
            both_hold_one.wait()
            try:
                connection.query_text(f"SELECT id FROM tracks WHERE id = {second} FOR UPDATE")
            except PostgresError as error:
                return error.sqlstate, error.failure
            return None

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(lock, 1, 2), pool.submit(lock, 2, 1)]

    assert {end.result() for end in ends} == {("40P01", Failure.TRANSIENT), None}


def test_a_transaction_that_meets_a_newer_row_version_is_transient(database: str) -> None:
    execute(database, TRACK)
    with closing(connect(database, autocommit=True)) as connection:
        connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.query_text("SELECT count(*) AS tracks FROM tracks")
        execute(database, "UPDATE tracks SET duration = 5")
        with pytest.raises(PostgresError) as caught:
            connection.query_text("UPDATE tracks SET duration = 6 RETURNING id")

    assert (caught.value.sqlstate, caught.value.failure) == ("40001", Failure.TRANSIENT)


def test_a_terminated_backend_is_a_lost_connection(shared_database: str) -> None:
    with opened(shared_database) as connection:
        execute(shared_database, f"SELECT pg_terminate_backend({_pid(connection)}, 5000)")

        for _ in range(2):
            with pytest.raises(PostgresError) as caught:
                connection.query_text("SELECT 1 AS one")
            assert caught.value.failure is Failure.LOST
            assert caught.value.exit_code is ExitCode.DATABASE
            assert "run the same command again" in caught.value.hint
            connection.rollback()


def test_a_backend_that_is_terminated_is_a_lost_connection(shared_database: str) -> None:
    with opened(shared_database) as connection, ThreadPoolExecutor(1) as pool:
        pid = _pid(connection)
        statement = pool.submit(connection.query_text, "SELECT pg_sleep(60)::text AS slept")
        _wait_until_active(shared_database, pid)
        execute(shared_database, f"SELECT pg_terminate_backend({pid})")
        with pytest.raises(PostgresError) as caught:
            statement.result(timeout=30)

    assert caught.value.failure is Failure.LOST


def test_a_statement_can_be_cancelled_from_another_thread(shared_database: str) -> None:
    with opened(shared_database) as connection, ThreadPoolExecutor(1) as pool:
        pid = _pid(connection)
        statement = pool.submit(connection.query_text, "SELECT pg_sleep(60)::text AS slept")
        _wait_until_active(shared_database, pid)
        connection.cancel()
        with pytest.raises(PostgresError) as caught:
            statement.result(timeout=30)
        connection.rollback()

        assert (caught.value.sqlstate, caught.value.failure) == ("57014", Failure.CANCELLED)
        assert connection.query_text("SELECT 1 AS one").item() == 1


# --- passwords -----------------------------------------------------------------------------------------------

SECRET = "s3cret"  # noqa: S105 (no password of anything)
UNREACHABLE = [
    f"postgresql://koito:{SECRET}@127.0.0.1:1/koitodb",
    f"postgres://koito:{SECRET}@127.0.0.1:1/koitodb",
    f"postgresql://127.0.0.1:1/koitodb?user=koito&password={SECRET}",
    f"postgresql://koito:{SECRET}@no-such-host.invalid/koitodb",
    f"postgresql://koito:{SECRET}@127.0.0.1:port/koitodb",
    f"postgresql://koito:{SECRET}@127.0.0.1:1/koitodb?sslmode=sideways",
]
# Characters in it that should have been percent-encoded: libpq takes its pieces for something else.
MALFORMED = [
    f"postgresql://koito:{SECRET}@{SECRET}@127.0.0.1:1/koitodb",
    f"postgresql://koito:{SECRET}/{SECRET}@127.0.0.1:1/koitodb",
    f"postgresql://koito:{SECRET}?{SECRET}@127.0.0.1:1/koitodb",
    f"postgresql://koito:{SECRET}?a={SECRET}@127.0.0.1:1/koitodb",
    f"postgresql://koito:{SECRET}%zz@127.0.0.1:1/koitodb",
    f"postgresql://koito:{SECRET}%00@127.0.0.1:1/koitodb",
    f"postgresql://koito:{SECRET} {SECRET}@127.0.0.1:1/koitodb",
    f"postgresql://127.0.0.1:1/koitodb?password={SECRET}%zz",
    f"postgresql://127.0.0.1:1/koitodb?password={SECRET}={SECRET}",
    f"postgresql://127.0.0.1:1/koitodb?{SECRET}",
]


def _words(error: BaseException) -> str:
    """Return everything that the error and its causes could show to somebody."""
    hint = error.hint if isinstance(error, EtlError) else ""
    return "".join(traceback.format_exception(error, chain=True)) + repr(error) + hint


@pytest.mark.parametrize("uri", UNREACHABLE)
def test_an_unreachable_server_is_reported_without_the_password(uri: str) -> None:
    with pytest.raises(PostgresError) as caught:
        connect(uri)

    assert caught.value.exit_code is ExitCode.DATABASE
    assert SECRET not in _words(caught.value)


@pytest.mark.parametrize("uri", MALFORMED)
def test_a_malformed_address_is_reported_without_the_password(uri: str) -> None:
    with pytest.raises(EtlError) as caught:
        connect(uri)

    assert caught.value.exit_code is ExitCode.USAGE
    assert "%40" in caught.value.hint
    assert SECRET not in _words(caught.value)


def test_a_refused_role_is_reported_without_the_password(server: str) -> None:
    with pytest.raises(PostgresError, match="etl_nobody") as caught:
        connect(with_query(server, f"user=etl_nobody&password={SECRET}"))

    assert caught.value.exit_code is ExitCode.DATABASE
    assert SECRET not in _words(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql://koito:{SECRET}@db:5432/koitodb", "postgresql://koito:***@db:5432/koitodb"),
        (f"postgresql://:{SECRET}@db/koitodb", "postgresql://:***@db/koitodb"),
        (f"postgresql://koito:{SECRET}@{SECRET}@db/koitodb", "postgresql://koito:***@db/koitodb"),
        (f"postgresql://koito:{SECRET}/{SECRET}@db/koitodb", "postgresql://koito:***@db/koitodb"),
        (f"postgresql://koito:{SECRET} {SECRET}@db/koitodb", "postgresql://koito:***@db/koitodb"),
        (f"postgresql:///db?user=koito&password={SECRET}&port=1", "postgresql:///db?user=koito&password=***&port=1"),
        (f"host=db password='{SECRET} {SECRET}' user=koito", "host=db password=*** user=koito"),
        (f"host=db PASSWORD = {SECRET} user=koito", "host=db PASSWORD = *** user=koito"),
        ("postgresql://koito@db:5432/koitodb", "postgresql://koito@db:5432/koitodb"),
        ("postgresql://db:5432/koitodb?user=a%40b", "postgresql://db:5432/koitodb?user=a%40b"),
        ("postgresql:///koitodb?host=%2Frun", "postgresql:///koitodb?host=%2Frun"),
        ("ERROR: a: b@c is taken", "ERROR: a: b@c is taken"),
    ],
)
def test_redacting_hides_passwords_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown
