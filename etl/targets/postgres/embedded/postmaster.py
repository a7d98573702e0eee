"""Launches and ends the server's main process, the postmaster, and checks whether it is alive and ready.

``postmaster.pid`` alone is never trusted: after a kill, its process id may belong to another process.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from etl.targets.postgres.embedded.os_user import caller
from etl.targets.postgres.embedded.paths import SOCKET

if TYPE_CHECKING:
    from etl.targets.postgres.embedded.binaries import Binaries
    from etl.targets.postgres.embedded.os_user import OsUser
    from etl.targets.postgres.embedded.paths import Places

# The shell ends at once, so the server is not our child and never becomes a zombie. pg_ctl would put the path of the
# data folder in double quotes in a shell command, and poll only ten times a second.
_LAUNCH = '"$@" </dev/null >&2 & echo $!'
_CONNECT_TIMEOUT = 5.0

# Of PostgreSQL's protocol: version 3.0 and the parameters of a session, its end, and the messages that decide.
_STARTUP = (3 << 16).to_bytes(4) + b"user\0postgres\0database\0postgres\0\0"
_TERMINATE = b"X\0\0\0\4"
_READY, _ERROR = b"Z", b"E"
_CANNOT_CONNECT_NOW = "57P03"  # it starts, recovers or stops


class PidFile(msgspec.Struct, frozen=True):
    """The content of ``postmaster.pid``: process id, data folder's path at its start, and state, e.g. ``ready``."""

    pid: int
    data: str
    state: str


def read_pid_file(data: Path) -> PidFile | None:
    """Return the content of ``postmaster.pid`` in ``data``, or None if it is missing or not written yet."""
    return _read(data / "postmaster.pid")


def _read(file: Path) -> PidFile | None:
    try:
        lines = os.fsdecode(file.read_bytes()).splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 2 or not lines[0].strip().isdecimal():
        return None
    return PidFile(int(lines[0]), lines[1], lines[7].strip() if len(lines) > 7 else "starting")


class ServerAnswer(msgspec.Struct, frozen=True):
    """How a server answers a new connection."""

    listens: bool
    accepts: bool
    reason: str = ""
    """Why it does not accept a connection, in its own words."""


def connect_once(folder: Path) -> ServerAnswer:
    """Open a session through the socket in ``folder``, and end it. Raises ``PermissionError`` if we may not connect.

    A server that recovers from the crash of a backend still listens, and its pid file says that it is ready: only its
    answer shows that it does not accept connections yet.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_TIMEOUT)
        try:
            probe.connect(os.fsencode(folder / SOCKET))
        except (FileNotFoundError, ConnectionError):
            return ServerAnswer(listens=False, accepts=False)
        except (BlockingIOError, TimeoutError):
            return ServerAnswer(listens=True, accepts=True)  # its queue is full, so it is alive
        try:
            return _begin_session(probe)
        except (ConnectionError, TimeoutError):
            return ServerAnswer(listens=True, accepts=False)


def _begin_session(probe: socket.socket) -> ServerAnswer:
    """Begin a session as psql does, and read the messages of the server until one decides."""
    probe.sendall((len(_STARTUP) + 4).to_bytes(4) + _STARTUP)
    with probe.makefile("rb") as messages:
        while head := messages.read(5):
            body = messages.read(int.from_bytes(head[1:]) - 4)
            if head[:1] == _READY:
                probe.sendall(_TERMINATE)
                return ServerAnswer(listens=True, accepts=True)
            if head[:1] == _ERROR:
                fields = {field[:1]: field[1:].decode("utf-8", "replace") for field in body.split(b"\0")}
                is_refused = fields.get(b"C") == _CANNOT_CONNECT_NOW
                return ServerAnswer(listens=True, accepts=not is_refused, reason=fields.get(b"M", ""))
    return ServerAnswer(listens=True, accepts=False)


def is_alive(record: PidFile, data: Path) -> bool:
    """Whether the process of ``record`` is the postmaster of ``data``.

    A home that was moved while its server ran still has that server; a copy of a home does not.
    """
    if not runs_on(record.pid, record.data):
        return False
    for place in (f"/proc/{record.pid}/cwd", record.data):
        # Root without capabilities, as in many containers, may not read it, and macOS has no /proc.
        with suppress(FileNotFoundError, PermissionError):
            return data.samefile(place)
    return True


def runs_on(pid: int, data: str) -> bool:
    """Whether the process ``pid`` is a postmaster that was launched on the data folder ``data``."""
    command = _command_line(pid)
    return "postgres" in command and command.endswith(f"-D {data}")


def _command_line(pid: int) -> str:
    """Return the arguments of the process ``pid``, joined by blanks; empty if it has ended or is a zombie."""
    if Path("/proc/self/cmdline").exists():
        with suppress(FileNotFoundError, ProcessLookupError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" "))
        return ""
    return caller().run(["ps", "-ww", "-o", "command=", "-p", str(pid)]).stdout.strip()


def launch(places: Places, account: OsUser, binaries: Binaries) -> int:
    """Start a postmaster in its own session and return its process id; it may still fail to start."""
    log = os.open(places.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        command: list[str | Path] = ["/bin/sh", "-c", _LAUNCH, "sh", binaries.program("postgres"), "-D", places.data]
        return int(account.run(command, stderr=log).stdout)
    finally:
        os.close(log)


class Shutdown(IntEnum):
    """How a postmaster is asked to end; it cuts connections and keeps everything committed either way."""

    FAST = signal.SIGINT
    """Everything is written to disk first."""
    IMMEDIATE = signal.SIGQUIT
    """Nothing is written: the next start replays the journal."""


def shut_down(pid: int, how: Shutdown) -> None:
    """Ask the postmaster ``pid`` to end."""
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def clear_remains(places: Places) -> None:
    """Remove the files that a dead server left, but none of a running one. The caller holds the home's lock.

    PostgreSQL itself cleans up after a dead process, but mistakes another process with the old id for a server. If a
    backend of the dead server is still running, its shared memory prevents PostgreSQL from starting.
    """
    socket_lock = places.socket / f"{SOCKET}.lock"  # has the form of postmaster.pid
    for file in (places.data / "postmaster.pid", socket_lock):
        # Checked again here: a caller that was killed may just have launched a server.
        if file.exists() and not ((record := _read(file)) and is_alive(record, places.data)):
            file.unlink(missing_ok=True)
    if not socket_lock.exists():
        (places.socket / SOCKET).unlink(missing_ok=True)
