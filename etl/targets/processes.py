"""Describes the processes of this machine that hold a lock. Only Linux names them; elsewhere they stay unknown."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_STOPPED = "Tt"  # states of a process that Ctrl-Z or a debugger has stopped


def holders(file: Path) -> list[int]:
    """Return the ids of the other processes that hold a lock on ``file``. It is not opened: that could drop locks.

    Locks on an SQLite file include those on the ``-shm`` file next to it.
    """
    inodes = set()
    for path in (file, file.with_name(f"{file.name}-shm")):
        with suppress(OSError):
            status = path.stat()
            inodes.add(f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}")
    found = set()
    with suppress(OSError):
        for line in (_PROC / "locks").read_text(encoding="ascii").splitlines():
            fields = line.split()  # 1: FLOCK  ADVISORY  WRITE 812 fe:00:1234 0 EOF; "->" before those that wait
            if len(fields) > 5 and fields[5] in inodes and fields[4].isdecimal():
                found.add(int(fields[4]))
    return sorted(found - {0, os.getpid()})


def describe_process(pid: int) -> str:
    """Describe the process ``pid`` to the user, and say what to do if it is stopped."""
    name, state = _name_and_state(pid)
    named = f"process {pid}{f' ({name})' if name else ''}"
    return f"{named}, which is stopped: `kill -CONT {pid}` lets it go on" if state in _STOPPED and state else named


def _name_and_state(pid: int) -> tuple[str, str]:
    """Return the command and the state of a process; blank if they are unknown."""
    with suppress(OSError):
        before, _, after = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
        return before.partition("(")[2], after.split()[0]
    return "", ""


def describe_processes(pids: list[int], otherwise: str) -> str:
    """Describe the processes ``pids`` to the user; ``otherwise`` if there is none."""
    return " and ".join(map(describe_process, pids)) or otherwise
