"""The embedded server: started once by any number of processes, survives kills, touches nothing outside its home."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import adbc_driver_postgresql.dbapi
import pytest

from etl.core.errors import DatabaseError
from etl.targets.postgres.embedded import binaries, data_dir, os_user, paths, postmaster
from etl.targets.postgres.embedded import server as module
from tests.helpers.disturbances import wait_for

if TYPE_CHECKING:
    from etl.targets.postgres.embedded.server import EmbeddedServer
    from tests.targets.postgres.embedded.conftest import Make

pytestmark = pytest.mark.slow

AS_ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).parents[4]

START = """
import logging, sys
from pathlib import Path
from etl.targets.postgres.embedded.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
logging.basicConfig(level=logging.INFO, format='%(message)s')
server.start()
print(server.status().pid, flush=True)
"""


def ask(uri: str, statement: str) -> object:
    with adbc_driver_postgresql.dbapi.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
        return row[0] if row else None


def root_of(server: EmbeddedServer) -> Path:
    return server.status().data.parent


def pid_of(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def kill_server(server: EmbeddedServer) -> int:
    pid = pid_of(server)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: server.status().pid is None)
    return pid


def run_start(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, home],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_first_start_makes_a_server_that_is_used_again_until_stopped(server: EmbeddedServer, said: list[str]) -> None:
    assert server.status().running is False
    assert server.status().version is None
    assert server.stop() is False
    assert not root_of(server).exists()  # asking leaves no trace

    uri = server.start()
    pid = pid_of(server)
    assert (server.start(), pid_of(server)) == (uri, pid)
    assert uri == server.uri == server.status().uri
    assert server.status().running
    assert server.status().version == ask(uri, "SELECT current_setting('server_version')")
    assert [line for line in said if "etl db stop" in line] == said[-1:]

    assert server.stop() is True
    assert server.status().running is False
    assert server.stop() is False
    server.start()
    assert pid_of(server) != pid


def test_starting_a_server_that_runs_starts_no_process_and_takes_no_lock(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    monkeypatch.setattr(os_user.OsUser, "run", None)
    with paths.locked(paths.Places.of(root_of(server).parent)):
        assert server.start() == server.uri
        assert server.status().running


def test_nothing_heavy_is_imported() -> None:
    heavy = {"polars", "duckdb", "pyarrow", "adbc_driver_manager"}
    code = f"import sys, etl.targets.postgres.embedded.server; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_callers_environment_does_not_reach_the_server(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "6543", "PGDATA": "/nowhere", "LC_ALL": "nowhere", "TZ": "Asia/Tokyo"}.items():
        monkeypatch.setenv(name, value)
    settings = "concat_ws(' ', current_setting('port'), current_setting('TimeZone'), current_setting('wal_level'))"
    assert ask(server.start(), f"SELECT {settings}") == "5432 UTC minimal"
    assert (
        ask(server.uri, "SELECT concat_ws(' ', current_setting('fsync'), current_setting('data_checksums'))") == "on on"
    )


@pytest.mark.faults
def test_four_first_starts_at_once_end_with_one_server(server: EmbeddedServer, base: Path) -> None:
    starts = [run_start(base / "home") for _ in range(4)]
    ends = [start.communicate() for start in starts]
    assert {out for out, _ in ends} == {f"{server.status().pid}\n"}
    assert sum("etl db stop" in err for _, err in ends) == 1


@pytest.mark.faults
def test_starts_and_stops_at_once_leave_a_server_that_works(server: EmbeddedServer, base: Path) -> None:
    starts = [run_start(base / "home") for _ in range(3)]
    while any(start.poll() is None for start in starts):
        server.stop()
    assert [start.communicate()[1].count("Error") for start in starts] == [0, 0, 0]
    assert ask(server.start(), "SELECT 1") == 1


@pytest.mark.faults
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_the_server_outlives_the_process_that_started_it(
    server: EmbeddedServer, base: Path, blow: signal.Signals
) -> None:
    script = START + "import time; time.sleep(60)"
    starter = subprocess.Popen(
        [sys.executable, "-c", script, base / "home"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, blow)  # the whole group, as Ctrl-C does
    starter.communicate()
    assert ask(server.start(), "SELECT 1") == 1
    assert pid_of(server) == pid


@pytest.mark.faults
def test_a_first_start_killed_within_initdb_is_repaired(server: EmbeddedServer, base: Path) -> None:
    partial = root_of(server) / "data.partial"
    starter = run_start(base / "home")
    wait_for((partial / "PG_VERSION").exists)
    starter.kill()
    starter.communicate()
    assert not server.status().data.exists()
    assert ask(server.start(), "SELECT 1") == 1
    assert not partial.exists()


@pytest.mark.faults
def test_an_incomplete_data_folder_is_recreated(server: EmbeddedServer) -> None:
    (root_of(server) / "data.partial" / "base").mkdir(parents=True)
    server.start()
    assert not (root_of(server) / "data.partial").exists()


@pytest.mark.faults
def test_a_killed_server_starts_again_with_its_data(server: EmbeddedServer) -> None:
    ask(server.start(), "CREATE TABLE kept AS SELECT 7 AS n")
    pid = kill_server(server)
    assert server.status().running is False
    assert ask(server.start(), "SELECT n FROM kept") == 7
    assert pid_of(server) != pid


@pytest.mark.faults
def test_a_stale_pid_of_another_program_is_detected(server: EmbeddedServer) -> None:
    server.start()
    data = server.status().data
    stale = kill_server(server)
    of_server = data.stat()
    switch = {"user": of_server.st_uid, "group": of_server.st_gid} if AS_ROOT else {}
    # Under the server's own account: only such a process keeps PostgreSQL from starting.
    with subprocess.Popen(["sleep", "60"], user=switch.get("user"), group=switch.get("group")) as stranger:
        for file in (data / "postmaster.pid", server.status().socket / f"{paths.SOCKET}.lock"):
            file.write_text(file.read_text().replace(f"{stale}\n", f"{stranger.pid}\n", 1))
        assert server.status().pid is None
        server.start()
        assert pid_of(server) != stranger.pid
        assert ask(server.uri, "SELECT 1") == 1

        kill_server(server)
        assert server.stop() is False  # and does not stop the stranger
        assert stranger.poll() is None
        assert not (data / "postmaster.pid").exists()
        stranger.kill()


@pytest.mark.faults
def test_a_backend_that_outlives_a_killed_server_is_waited_for(server: EmbeddedServer) -> None:
    server.start()
    psql: list[str | Path] = [binaries.find_install() / "bin" / "psql", "--no-psqlrc", server.uri]
    find = "SELECT max(pid) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'"

    def end_the_backend() -> None:
        wait_for(lambda: "is still in use" in (root_of(server) / "log").read_text())
        os.kill(int(str(backend)), signal.SIGTERM)

    with subprocess.Popen([*psql, "-c", "DO 'BEGIN LOOP END LOOP; END'"], stderr=subprocess.DEVNULL):
        wait_for(lambda: ask(server.uri, find) is not None)
        backend = ask(server.uri, find)
        kill_server(server)
        rescue = threading.Thread(target=end_the_backend)
        rescue.start()
        assert ask(server.start(), "SELECT 1") == 1
        rescue.join()


@pytest.mark.faults
def test_a_server_that_cannot_shut_down_is_ended_at_once(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with adbc_driver_postgresql.dbapi.connect(server.start()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone() or (0,)
        os.kill(backend, signal.SIGSTOP)
        monkeypatch.setitem(module.STOP_PATIENCE, postmaster.Shutdown.FAST, 0.1)
        assert server.stop()
    assert not server.status().running
    assert ask(server.start(), "SELECT 1") == 1


def test_a_slow_start_is_waited_for_and_logged(
    server: EmbeddedServer, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NARRATE_AFTER", 0.0)
    server.start()
    assert [line for line in said if "replays its journal" in line]


def test_a_server_without_its_socket_is_an_error_and_can_be_stopped(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    (server.status().socket / paths.SOCKET).unlink()
    monkeypatch.setattr(module, "UNREACHABLE_AFTER", 0.0)
    with pytest.raises(DatabaseError, match=r"does not listen in .* `etl db stop`"):
        server.start()
    assert server.stop() is True
    server.start()


def test_data_that_cannot_be_served_is_refused_with_the_reason(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    data = server.status().data
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write("nonsense = 1\n")
    with pytest.raises(DatabaseError, match='unrecognized configuration parameter "nonsense"'):
        server.start()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseError, match=r"made by PostgreSQL 16, but .* are 18\.\d+\. Install"):
        server.start()
    (data / "PG_VERSION").unlink()
    with pytest.raises(DatabaseError, match="not a data folder of PostgreSQL"):
        server.start()
    assert server.stop() is False


def test_an_initdb_that_fails_is_an_error_with_its_last_output(
    server: EmbeddedServer, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (base / "fake" / "bin").mkdir(parents=True)
    fake = base / "fake" / "bin" / "initdb"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "initdb (PostgreSQL) 18.4" || { echo disk is full; exit 1; }\n'
    )
    fake.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(binaries, "find_install", lambda: base / "fake")
        with pytest.raises(DatabaseError, match="disk is full"):
            server.start()
    server.start()  # nothing of the failure is left


def test_a_system_without_the_locale_gets_plain_c(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_dir, "LOCALES", ("nowhere.UTF-8", "C"))
    assert ask(server.start(), "SELECT datcollate || pg_encoding_to_char(encoding) FROM pg_database") == "CUTF8"


@pytest.mark.parametrize("name", ["O'Brien's \"50%\"&x=1\\ $HOME`id` é☕", "a,b"])
def test_any_name_will_do_for_a_home(make: Make, name: str) -> None:
    server = make(name)
    closed = os.geteuid() == 0 and not all(folder.stat().st_mode & 0o001 for folder in binaries.find_install().parents)
    if closed and "$" in name:  # the binaries are copied into the home then, and initdb calls a shell with their path
        with pytest.raises(DatabaseError, match="a path without these characters"):
            server.start()
        return
    assert ask(server.start(), "SELECT 1") == 1
    assert server.stop() is True


def test_a_moved_home_keeps_its_data_and_a_copied_one_gets_its_own_server(make: Make, base: Path) -> None:
    ask(make("home").start(), "CREATE TABLE kept AS SELECT 7 AS n")
    before = pid_of(make("home"))
    (base / "home").rename(base / "moved")  # while it runs
    assert ask(make("moved").start(), "SELECT n FROM kept") == 7
    assert pid_of(make("moved")) == before

    subprocess.run(["cp", "-a", base / "moved", base / "copy"], check=True)
    assert make("copy").status().pid is None
    assert ask(make("copy").start(), "SELECT n FROM kept") == 7
    assert pid_of(make("copy")) != before
    assert make("moved").stop() is True
    assert ask(make("moved").start(), "SELECT n FROM kept") == 7
