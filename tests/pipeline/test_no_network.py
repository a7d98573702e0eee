"""A load asks nobody: no socket but the database's is opened, no name is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.errors import ExitCode
from tests.cli.program import SAMPLES, python

if TYPE_CHECKING:
    from pathlib import Path

# libpq's sockets are not Python's; Python's own may lead to a socket in the file system, which is the server's.
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


def test_a_load_opens_no_connection_but_the_databases(tmp_path: Path, database: str) -> None:
    done = python(_WATCHED.format(probe=False, samples=str(SAMPLES), dsn=database), tmp_path)
    assert done.code == ExitCode.OK, done.err
    assert done.json["counts"]["inserted"] > 0
    assert "NETWORK" not in done.err


def test_the_watch_sees_a_connection(tmp_path: Path, database: str) -> None:
    done = python(_WATCHED.format(probe=True, samples=str(tmp_path), dsn=database), tmp_path)
    assert "NETWORK socket.connect" in done.err
