"""Says what to do about a folder that cannot be written, depending on who asks: a user, root, a container."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_ELSEWHERE = "name another home with --home or ETL_HOME"


def in_container() -> bool:
    """Say whether this process runs in a container of Docker or Podman."""
    return any(mark.exists() for mark in _CONTAINER_MARKS)


def write_error_advice(folder: Path, error: OSError, home: Path | None = None) -> str:
    """Return what the user can do about ``error``, which came from writing in ``folder``; it need not exist.

    ``home`` is the folder that a container would mount, by default ``folder``.
    """
    if error.errno == errno.ENOSPC:
        return f"Free some space there, or {_ELSEWHERE}"
    if error.errno == errno.EROFS:
        volume = f"mount a volume at {home or folder} that can be written, or " if in_container() else ""
        return f"The file system is read-only: {volume}{_ELSEWHERE}"
    if error.errno not in (errno.EACCES, errno.EPERM):
        return f"{_ELSEWHERE[0].upper()}{_ELSEWHERE[1:]}"
    there = nearest(folder)
    owner = there.stat().st_uid
    if os.geteuid() == 0:
        return f"Root may not write in {there}, as on a network share: {_ELSEWHERE} on a local disk"
    if in_container():
        return (
            f"{there} belongs to {account(owner)}, and the container runs as {account(os.geteuid())}: give the volume "
            f"to that account (chown), start the container with --user {owner}, or {_ELSEWHERE}"
        )
    return f"{there} belongs to {account(owner)}: run as {account(owner)}, or {_ELSEWHERE}"


def nearest(folder: Path) -> Path:
    """Return ``folder``, or the nearest folder above it that exists and can be looked at."""
    for place in (folder, *folder.parents):
        try:
            place.stat()
        except OSError:
            continue
        return place
    return Path("/")


def account(uid: int) -> str:
    """Return the name of the account ``uid``, or its number if it has no name on this machine."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"
