"""Presets of a server, a database, a role or a libpq variable do not change what our statements mean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from etl.core.errors import DatabaseError
from etl.targets.postgres.connection import connect
from etl.targets.postgres.embedded.server import EmbeddedServer
from etl.targets.postgres.session import embedded, named_server
from tests.conftest import uri_of
from tests.helpers.support import counts, execute, load, opened, query, scrobble, with_query, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "192.0.2.1"  # an address of documentation

# How a database may preset a setting, and what it must be for us.
PRESETS = {
    "default_transaction_isolation": ("serializable", "read committed"),
    "client_encoding": ("LATIN1", "UTF8"),
    "TimeZone": ("Asia/Tokyo", "UTC"),
    "DateStyle": ("German", "ISO, MDY"),
    "search_path": ("etl", "public"),
    "statement_timeout": ("1ms", "0"),
    "lock_timeout": ("1ms", "0"),
    "idle_session_timeout": ("1ms", "0"),
    "idle_in_transaction_session_timeout": ("1ms", "1h"),
    "synchronous_commit": ("off", "local"),
    "session_replication_role": ("replica", "origin"),
    "row_security": ("on", "off"),
    "standard_conforming_strings": ("off", "on"),
    "gin_fuzzy_search_limit": ("1", "0"),
}

WAITING = """
SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _preset(database: str, name: str, value: str) -> None:
    execute(database, f"ALTER DATABASE {urlsplit(database).path[1:]} SET {name} = '{value}'")


def _settings(uri: str, *names: str) -> list[str]:
    with opened(uri) as connection:
        return [connection.query_text(f"SELECT current_setting('{name}') AS value").item() for name in names]


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_database_presets_does_not_hold_for_us(empty_database: str, name: str) -> None:
    preset, needed = PRESETS[name]
    _preset(empty_database, name, preset)

    with closing(connect(empty_database, autocommit=True)) as live, closing(live.clone()) as clone:
        assert clone.query_text(f"SELECT current_setting('{name}') AS value").item() == needed
    assert _settings(empty_database, name) == [needed]


def test_a_time_limit_for_transactions_does_not_hold_for_us(empty_database: str) -> None:
    if query(empty_database, "SELECT current_setting('transaction_timeout', true) IS NULL AS missing") == [(True,)]:
        pytest.skip("a setting of PostgreSQL 17")
    _preset(empty_database, "transaction_timeout", "10s")

    assert _settings(empty_database, "transaction_timeout") == ["0"]


@pytest.mark.parametrize("kept", ["local", "on", "remote_write", "remote_apply"])
def test_a_commit_that_waits_for_a_disk_waits_as_its_owner_wants(empty_database: str, kept: str) -> None:
    _preset(empty_database, "synchronous_commit", kept)

    assert _settings(empty_database, "synchronous_commit") == [kept]


def test_a_setting_in_the_address_overrides_the_default(server: str) -> None:
    given = with_query(server, "options=-c%20lock_timeout%3D7s%20-c%20idle_session_timeout%3D1h")

    assert _settings(given, "lock_timeout", "idle_session_timeout") == ["7s", "1h"]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_runs_at_once_make_each_artist_once_whatever_the_default_isolation(
    database: str, tmp_path: Path, level: str
) -> None:
    _preset(database, "default_transaction_isolation", level)

    def run(number: int) -> str:
        plays = [scrobble(1000 * number + second, [f"Artist {second}"], f"Title {number}") for second in range(20)]
        file = write_maloja(tmp_path / f"{number}.json", plays)
        return str(load(tmp_path / f"home-{number}", database, file)["status"])

    with opened(database) as gate, ThreadPoolExecutor(2) as pool:
        gate.query("round_lock")
        runs = [pool.submit(run, number) for number in range(2)]
        while query(database, WAITING) != [(2,)]:  # each has begun the transaction of its first round
            pass
        gate.rollback()
        assert [one.result() for one in runs] == ["complete", "complete"]

    assert (counts(database)["artists"], counts(database)["listens"]) == (20, 40)


@pytest.mark.parametrize("preset", [{}, {"PGCLIENTENCODING": "LATIN1"}], ids=["of the database", "of the environment"])
def test_names_are_stored_as_they_are_whatever_encoding_is_preset(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: dict[str, str]
) -> None:
    _preset(database, "client_encoding", "LATIN1")
    for name, value in preset.items():
        monkeypatch.setenv(name, value)
    file = write_maloja(tmp_path / "a.json", [scrobble(0, ["Sigur Rós"], "椎名林檎")])
    load(tmp_path / "home", database, file)

    stored = query(database, "SELECT name, octet_length(name) AS bytes FROM artists_with_name")
    assert stored == [("Sigur Rós", len("Sigur Rós".encode()))]


def test_a_database_that_cannot_hold_every_name_is_refused_by_name(server: str, tmp_path: Path) -> None:
    name = f"etl_test_latin1_{os.getpid()}"
    execute(server, f"CREATE DATABASE {name} ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        file = write_maloja(tmp_path / "a.json", [scrobble(0, ["Sigur Rós"], "One")])
        with pytest.raises(DatabaseError, match=f'"{name}" stores text as LATIN1') as caught:
            load(tmp_path / "home", uri_of(server, name), file)
        assert "ENCODING 'UTF8'" in caught.value.hint
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")


# --- variables of libpq --------------------------------------------------------------------------------------

# Each would change the embedded server's address, or keep it from being reached.
VARIABLES = {
    "PGHOST": NOWHERE,
    "PGHOSTADDR": NOWHERE,
    "PGPORT": "9",
    "PGDATABASE": "other",
    "PGUSER": "other",
    "PGOPTIONS": "-c statement_timeout=1ms",
    "PGCLIENTENCODING": "LATIN1",
    "PGTZ": "Asia/Tokyo",
    "PGDATESTYLE": "German",
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGREQUIREPEER": "nobody",
    "PGCHANNELBINDING": "require",
    "PGGSSENCMODE": "require",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "random",
    "PGSERVICE": "far",
}
_ASK = """
import sys
from etl.targets.postgres.connection import connect
connection = connect(sys.argv[1])
print(connection.query_text(sys.argv[2]).write_json())
connection.close()
"""
_WHERE = """
SELECT current_database()::text AS database, current_user::text AS role, inet_server_addr() IS NULL AS is_local,
    current_setting('TimeZone') AS zone, current_setting('DateStyle') AS style,
    current_setting('client_encoding') AS encoding, current_setting('statement_timeout') AS patience
"""


def _ask(uri: str, sql: str, variables: dict[str, str]) -> list[dict[str, object]]:
    """Ask in a process of its own: libpq reads the environment in which a process began."""
    command = [sys.executable, "-c", _ASK, uri, sql]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


@pytest.fixture
def service_file(tmp_path: Path) -> dict[str, str]:
    """Return the variable of a file with the service "far", which leads to another server."""
    file = tmp_path / "services"
    file.write_text(f"[far]\nhostaddr={NOWHERE}\nport=9\nsslmode=verify-full\noptions=-c statement_timeout=1ms\n")
    return {"PGSERVICEFILE": str(file)}


def test_no_variable_overrides_the_embedded_server(server: str, service_file: dict[str, str]) -> None:
    if os.environ.get("ETL_TEST_DSN"):
        pytest.skip("needs the embedded server")

    found = _ask(embedded(server), _WHERE, {**service_file, **VARIABLES})

    assert found == [
        {"database": "postgres", "role": "postgres", "is_local": True, "zone": "UTC", "style": "ISO, MDY",
         "encoding": "UTF8", "patience": "0"}
    ]  # fmt: skip


@pytest.mark.parametrize("variables", [{"PGHOSTADDR": NOWHERE}, {"PGSERVICE": "far"}], ids=["PGHOSTADDR", "PGSERVICE"])
def test_an_address_that_names_its_server_leads_nowhere_else(
    server: str, service_file: dict[str, str], variables: dict[str, str]
) -> None:
    given = with_query(server, "sslmode=prefer")

    assert _ask(given, "SELECT 1 AS one", {**service_file, **variables}) == [{"one": 1}]


@pytest.mark.parametrize(
    ("uri", "is_named"),
    [
        ("postgresql://koito@db:5432/koitodb", True),
        ("postgresql://db", True),
        ("postgresql:///koitodb?host=/run/postgresql", True),
        ("postgresql://koito@/koitodb?host=db", True),
        ("postgresql:///koitodb", False),
        ("postgresql://koito@/koitodb?service=home", False),
        ("postgresql://:5433/koitodb", False),
    ],
)
def test_variables_name_the_server_only_where_the_address_does_not(uri: str, *, is_named: bool) -> None:
    assert ("hostaddr=" in named_server(uri)) is is_named


def test_an_address_that_names_an_ip_address_keeps_it() -> None:
    assert "hostaddr=127.0.0.1" in named_server("postgresql://db/koitodb?hostaddr=127.0.0.1")


def test_the_address_that_people_see_is_short(tmp_path: Path) -> None:
    assert "hostaddr" not in EmbeddedServer(tmp_path).uri
