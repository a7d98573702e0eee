"""Owns the server's main process, the postmaster: is it alive, is it ready, how it is launched and ended.

What ``postmaster.pid`` says is never believed by itself: after a kill its number may be another process's.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from etl.targets.postgres.embedded.os_user import caller
from etl.targets.postgres.embedded.paths import SOCKET

if TYPE_CHECKING:
    from etl.targets.postgres.embedded.binaries import Binaries
    from etl.targets.postgres.embedded.os_user import OsUser
    from etl.targets.postgres.embedded.paths import Places

# The shell ends at once, so the server is nobody's child and no zombie of ours. pg_ctl would put the path of the
# data folder between double quotes of a shell command, and look only ten times a second.
_LAUNCH = '"$@" </dev/null >&2 & echo $!'
_CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True)
class PidFile:
    """What ``postmaster.pid`` says: the process, the data folder's path at its start, and its state, e.g. ``ready``."""

    pid: int
    data: str
    state: str


def read_pid_file(data: Path) -> PidFile | None:
    """Return what ``postmaster.pid`` in ``data`` says, or None where there is none or it is not written yet."""
    return _read(data / "postmaster.pid")


def _read(file: Path) -> PidFile | None:
    try:
        lines = os.fsdecode(file.read_bytes()).splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 2 or not lines[0].strip().isdecimal():
        return None
    return PidFile(int(lines[0]), lines[1], lines[7].strip() if len(lines) > 7 else "starting")


def listens(folder: Path) -> bool:
    """Whether something listens on the socket in ``folder``. Raises ``PermissionError`` where we may not ask."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_TIMEOUT)
        try:
            probe.connect(os.fsencode(folder / SOCKET))
        except (FileNotFoundError, ConnectionError):
            return False
        except (BlockingIOError, TimeoutError):
            return True  # its queue is full: it lives
    return True


def is_alive(record: PidFile, data: Path) -> bool:
    """Whether the process of ``record`` is the postmaster of ``data``.

    A home that was moved while the server ran still has its server; a copy of a home does not have the original's.
    """
    if not runs_on(record.pid, record.data):
        return False
    for place in (f"/proc/{record.pid}/cwd", record.data):
        # Root without its capabilities, as in many a container, may not look, and macOS has no /proc.
        with suppress(FileNotFoundError, PermissionError):
            return data.samefile(place)
    return True


def runs_on(pid: int, data: str) -> bool:
    """Whether the process ``pid`` is a postmaster that was launched on the data folder ``data``."""
    command = _command_line(pid)
    return "postgres" in command and command.endswith(f"-D {data}")


def _command_line(pid: int) -> str:
    """Return the arguments of the process ``pid``, joined by blanks; nothing for one that is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        with suppress(FileNotFoundError, ProcessLookupError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" "))
        return ""
    return caller().run(["ps", "-ww", "-o", "command=", "-p", str(pid)]).stdout.strip()


def launch(places: Places, account: OsUser, binaries: Binaries) -> int:
    """Start a postmaster in a session of its own and return its process id; it may still fail to come up."""
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
    """Remove what a dead server left, and nothing of one that lives. The caller holds the home's lock.

    PostgreSQL sees to a dead process's files by itself, but takes a live stranger with the old number for a server.
    Should a backend of the dead server still be running, PostgreSQL refuses to start through its shared memory.
    """
    socket_lock = places.socket / f"{SOCKET}.lock"  # has the form of postmaster.pid
    for file in (places.data / "postmaster.pid", socket_lock):
        # Looked at again here: a caller that was killed may have launched a server just now.
        if file.exists() and not ((record := _read(file)) and is_alive(record, places.data)):
            file.unlink(missing_ok=True)
    if not socket_lock.exists():
        (places.socket / SOCKET).unlink(missing_ok=True)
