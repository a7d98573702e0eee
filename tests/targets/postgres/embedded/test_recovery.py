"""A start waits while the server recovers from the crash of a backend: until then it refuses connections."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import adbc_driver_postgresql.dbapi
import pytest

from etl.core.errors import DatabaseError
from etl.targets.postgres.embedded import server as module
from tests.helpers.disturbances import wait_for
from tests.helpers.support import query

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Connection

    from etl.targets.postgres.embedded.server import EmbeddedServer


@pytest.fixture
def stopped(server: EmbeddedServer) -> int:
    """Let one backend crash, and stop another, for which the recovery waits; return the other's pid."""
    uri = server.start()
    with adbc_driver_postgresql.dbapi.connect(uri) as one, adbc_driver_postgresql.dbapi.connect(uri) as other:
        stopped, killed = pid_of_backend(one), pid_of_backend(other)
        os.kill(stopped, signal.SIGSTOP)
        os.kill(killed, signal.SIGKILL)
        log = server.status().data.parent / "log"
        wait_for(lambda: "terminating any other active server processes" in log.read_text())
    return stopped


def pid_of_backend(connection: Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int((cursor.fetchone() or (0,))[0])


@pytest.mark.faults
def test_a_recovery_is_waited_for_and_told(
    server: EmbeddedServer, stopped: int, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NARRATE_AFTER", 0.0)
    monkeypatch.setattr(module, "UNREACHABLE_AFTER", 0.0)  # it listens all the time

    def rescue() -> None:
        wait_for(lambda: [line for line in said if "in recovery mode" in line])
        os.kill(stopped, signal.SIGCONT)

    assert not server.status().running
    helper = threading.Thread(target=rescue)
    helper.start()
    assert query(server.start(), "SELECT 1") == [(1,)]
    helper.join()


@pytest.mark.faults
@pytest.mark.usefixtures("stopped")
def test_a_wait_for_a_recovery_ends_with_what_the_server_answers(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    with pytest.raises(DatabaseError, match=r"not ready after .*: it answers .*in recovery mode"):
        server.start()
