"""``etl db``: the embedded server from its first start to its removal, and our objects in Koito's database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.targets.postgres.migrate import KOITO_SCHEMA, migrations
from tests.cli.program import SAMPLES, SCRIPT, environment, etl, running
from tests.helpers.support import counts, query

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a home that does not exist yet and that a server's account can reach, unlike a tmp_path."""
    folder = Path(tempfile.mkdtemp(prefix="etl-cli-"))
    folder.chmod(0o755)
    yield folder / "home"
    etl("db", "stop", home=folder / "home")
    shutil.rmtree(folder)


def test_status_and_stop_without_a_server_say_so_and_leave_nothing_behind(home: Path) -> None:
    done = etl("db", "status", "--json", home=home)
    assert (done.code, done.json["running"], done.json["pid"], done.json["version"]) == (0, False, None, None)
    assert done.json["data"] == str(home / "postgres" / "data")
    assert "running  no\npid      -\n" in etl("db", "status", home=home).out
    assert etl("db", "stop", home=home).out == "was not running\n"
    assert etl("db", "stop", "--json", home=home).json == {"stopped": False}
    assert not home.exists()


def test_the_embedded_server_from_the_first_run_to_its_stop(home: Path) -> None:
    first = etl("run", SAMPLES / "maloja", "--home", home, fresh=True)
    assert first.code == 0, first.err
    assert "Started the embedded PostgreSQL server" in first.err
    assert "db stop`" in first.err
    assert f"database: the embedded server's, in {home}/postgres\n" in first.out
    assert f"runs show {etl('runs', 'list', '--json', home=home).json[0]['run_id']} --home {home}\n" in first.out
    status = etl("db", "status", "--json", home=home).json
    url = etl("db", "url", home=home)
    assert (status["running"], url.err, url.out) == (True, "", f"{status['uri']}\n")
    assert counts(status["uri"])["listens"] > 0
    assert etl("db", "start", "--json", home=home).json == status
    assert etl("db", "stop", "--json", home=home, fresh=True).json == {"stopped": True}
    assert etl("db", "status", "--json", home=home).json["running"] is False


def test_a_server_that_a_run_uses_is_not_stopped_except_now(home: Path) -> None:
    assert etl("db", "start", home=home, fresh=True).code == 0
    assert etl("run", SAMPLES / "maloja", "--home", home).code == 0
    fault = {"ETL_FAULT": "after_ledger_start:1:SIGSTOP"}
    with running(
        SCRIPT, "run", SAMPLES / "spotify", "--json", "--workers", "1", env=environment(home, fault)
    ) as process:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        refused = etl("db", "stop", home=home)
        run_id = max(path.name for path in (home / "runs").iterdir())
        assert refused.code == ExitCode.LOCKED
        assert f"the embedded server is in use: run {run_id}, server process " in refused.err
        assert f"process {process.pid}" in refused.err
        assert "db stop --now`" in refused.err
        assert etl("db", "status", "--json", home=home).json["running"] is True
        assert etl("db", "stop", "--now", "--json", home=home).json == {"stopped": True}
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == ExitCode.DATABASE
    assert json.loads(out)["status"] == "failed"


def test_our_objects_come_and_go_and_koitos_stay(koito_database: str, tmp_path: Path) -> None:
    dsn = ("--dsn", koito_database)
    migrated = etl("db", "migrate", *dsn, home=tmp_path)
    assert migrated.code == 0, migrated.err
    ours = [one for one in migrations() if one.version != KOITO_SCHEMA]
    assert migrated.out == f"{len(ours)} migrations applied\n"
    assert migrated.err.splitlines() == [f"etl: adding {one.version:04}_{one.name}: {one.summary}" for one in ours]
    again = etl("db", "migrate", *dsn, home=tmp_path)
    assert (again.out, again.err) == ("nothing to add\n", "")
    assert etl("run", SAMPLES / "maloja", *dsn, "--user", "admin", home=tmp_path).code == 0
    listens = counts(koito_database)["listens"]
    asked = etl("db", "uninstall", *dsn, home=tmp_path)
    assert (asked.code, asked.out) == (2, "")
    assert "[y/N]" in asked.err
    assert "nothing was removed" in asked.err
    assert counts(koito_database)["track_lookup"] > 0
    removed = etl("db", "uninstall", *dsn, "--yes", "--json", home=tmp_path)
    assert (removed.code, removed.json) == (0, {"removed": True})
    in_schema = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'etl'"
    assert query(koito_database, in_schema) == [(0,)]
    assert query(koito_database, "SELECT to_regclass('track_lookup') IS NULL, count(*) FROM listens") == [
        (True, listens)
    ]


def test_an_empty_database_is_filled_only_with_standalone(empty_database: str, tmp_path: Path) -> None:
    dsn = ("--dsn", empty_database)
    refused = etl("db", "migrate", *dsn, home=tmp_path)
    assert (refused.code, refused.out) == (3, "")
    assert "--standalone" in refused.err
    assert etl("db", "migrate", *dsn, "--standalone", "--json", home=tmp_path).json["applied"][0]["version"] == 1
    assert etl("run", SAMPLES / "maloja", *dsn, home=tmp_path).code == 0
