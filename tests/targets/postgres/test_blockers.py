"""A load that waits for a lock of another session says for which table, and who holds it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from etl.targets.postgres import watchdog
from etl.targets.postgres.blockers import session
from etl.targets.postgres.connection import connect
from tests.cli.program import etl
from tests.helpers.disturbances import wait_for
from tests.helpers.logs import logged
from tests.helpers.support import load, query, scrobble, with_query, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time after which blockers are logged."""
    monkeypatch.setattr(watchdog, "LOG_AFTER", 0.1)


@contextmanager
def locked(uri: str, statement: str) -> Iterator[int]:
    """Hold the locks of ``statement`` in a transaction of its own; yield the process id of its backend."""
    holder = connect(with_query(uri, "application_name=vacuum%20cleaner"))
    try:
        holder.query_text(statement)
        yield int(holder.query_text("SELECT pg_backend_pid() AS pid").item())
    finally:
        holder.close()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("LOCK TABLE listens IN ACCESS EXCLUSIVE MODE", "a lock on listens that is held by"),
        ("SELECT pg_advisory_xact_lock(hashtextextended('etl.round', 0))::text", "a lock that is held by"),
    ],
    ids=["table", "round"],
)
def test_a_load_says_which_session_it_waits_for(tmp_path: Path, database: str, statement: str, what: str) -> None:
    export = write_maloja(tmp_path / "maloja.json", [scrobble(1, ["A"], "Track")])
    found: list[dict[str, Any]] = []
    with logged() as messages:
        thread = threading.Thread(target=lambda: found.append(load(tmp_path / "home", database, export)))
        with locked(database, statement) as pid:
            thread.start()
            wait_for(lambda: any("waiting" in message for message in messages))
        thread.join()
    reported = [message for message in messages if "waiting" in message]
    assert found[0]["counts"]["inserted"] == 1
    assert len(reported) == 1
    assert reported[0].startswith(f"waiting for {what} server process {pid} (vacuum cleaner, user ")
    assert re.search(
        r"idle in transaction since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\); Ctrl-C stops waiting$", reported[0]
    )


def test_a_session_of_ours_names_its_process(database: str) -> None:
    assert query(database, "SELECT current_setting('application_name')") == [(f"etl {os.getpid()}",)]


def test_a_stopped_process_is_reported_with_the_command_to_continue() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        found = {"pid": 7, "program": f"etl {process.pid}", "username": None, "state": None, "since": None}
        reported = session(found)
        process.kill()
    assert re.fullmatch(
        rf"server process 7 \(etl {process.pid}\): process {process.pid} \(python.*\), which is stopped: "
        rf"`kill -CONT {process.pid}` lets it go on",
        reported,
    )


def test_a_run_that_must_not_overlap_names_the_other_one(tmp_path: Path, database: str) -> None:
    export = write_maloja(tmp_path / "maloja.json", [scrobble(1, ["A"], "Track")])
    with locked(database, "SELECT pg_advisory_lock_shared(hashtextextended('etl.run', 0))::text") as pid:
        done = etl("run", export, "--no-overlap", "--dsn", database, home=tmp_path)
    assert done.code == 6
    assert re.search(rf"active on this database, since 20.* UTC: server process {pid} \(vacuum cleaner, ", done.err)
