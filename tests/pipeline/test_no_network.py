"""A load uses no network: it opens no socket except the database's and resolves no host name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.errors import ExitCode
from tests.cli.program import SAMPLES, python

if TYPE_CHECKING:
    from pathlib import Path

# The hook does not see libpq's sockets. Unix sockets are allowed: they lead to the database server.
_WATCHED = """
import os, socket, sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto") or (
        event == "socket.connect" and arguments[0].family != socket.AF_UNIX
    ):
        os.write(2, f"NETWORK {{event}} {{arguments[1:]}}\\n".encode())

sys.addaudithook(watch)
if {probe}:
    try:
        socket.create_connection(("127.0.0.1", 1))
    except OSError:
        pass
sys.argv = ["etl", "run", {samples!r}, "--dsn", {dsn!r}, "--json"]
from etl.cli import main
main()
"""


def test_load_connects_only_to_the_database(tmp_path: Path, database: str) -> None:
    done = python(_WATCHED.format(probe=False, samples=str(SAMPLES), dsn=database), tmp_path)
    assert done.code == ExitCode.OK, done.err
    assert done.json["counts"]["inserted"] > 0
    assert "NETWORK" not in done.err


def test_audit_hook_sees_a_connection(tmp_path: Path, database: str) -> None:
    done = python(_WATCHED.format(probe=True, samples=str(tmp_path), dsn=database), tmp_path)
    assert "NETWORK socket.connect" in done.err
