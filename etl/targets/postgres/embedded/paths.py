"""Manages the embedded server's folders: ``postgres/`` in the home, the socket's folder, their modes, and the lock.

In the home (``runs/`` and ``backfill/`` are managed elsewhere)::

    postgres/data      the data folder; postgres/data.partial while initdb works
    postgres/socket    the folder of the Unix socket, mode 0700; below /tmp if this path is unsuitable
    postgres/etl.conf  the server's settings
    postgres/log       the server's log
    postgres/lock      held while a process starts or stops the server

No mode of a file outside the home is ever changed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import DatabaseError, SettingsError
from etl.core.waits import log_long_wait
from etl.core.write_error_advice import account, write_error_advice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.targets.postgres.embedded.os_user import OsUser

SOCKET = ".s.PGSQL.5432"
_OURS = {"backfill", "postgres", "report.html", "runs"}
_ELSEWHERE = "Choose another --home, such as /var/lib/etl, or run as an ordinary user"
_SOCKET_BYTES = 103  # the shorter limit, macOS's; Linux takes 107
_SHORT = Path("/tmp")  # noqa: S108 - not TMPDIR: every process must find the same folder
_SETTINGS_ERRNOS = {
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EROFS,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}


class Places(msgspec.Struct, frozen=True):
    """The paths of one home. Its own path is absolute and without symbolic links, so that each home has one name."""

    home: Path
    root: Path
    data: Path
    partial: Path
    settings: Path
    log: Path
    lock: Path
    socket: Path

    @classmethod
    def of(cls, home: Path) -> Places:
        """Return the paths of ``home``, which need not exist."""
        home = Path(os.path.realpath(home))
        if "\n" in str(home):
            raise SettingsError(f"{str(home)!r} cannot be the home: its name has a line end", "Choose another --home")
        root = home / "postgres"
        return cls(
            home=home,
            root=root,
            data=root / "data",
            partial=root / "data.partial",
            settings=root / "etl.conf",
            log=root / "log",
            lock=root / "lock",
            socket=_socket_folder(home, root / "socket"),
        )


def _socket_folder(home: Path, folder: Path) -> Path:
    """Return ``folder``, or one below /tmp if its path is too long for a socket or contains a comma.

    libpq splits lists of hosts at commas, and has no way to quote one.
    """
    if len(os.fsencode(folder / SOCKET)) <= _SOCKET_BYTES and "," not in str(folder):
        return folder
    name = hashlib.sha256(os.fsencode(home) + b"\0%d" % os.geteuid()).hexdigest()[:16]
    return _SHORT / f"etl-{name}"


def make_folders(places: Places) -> None:
    """Create the home and ``postgres/`` if missing: closed to others, but root's are open to the server's account."""
    as_root = os.geteuid() == 0
    for folder in reversed(places.home.parents):
        _make(folder, 0o755 if as_root else None)
    for folder in (places.home, places.root):
        _make(folder, 0o711 if as_root else 0o700)
    owner = places.root.stat().st_uid
    if owner != os.geteuid():
        raise SettingsError(
            f"{places.root} belongs to another account ({account(owner)})",
            f"Run as {account(owner)}, or name another home with --home or ETL_HOME",
        )


def _make(folder: Path, mode: int | None) -> None:
    """Create ``folder`` with exactly ``mode``, whatever the umask; for None, with 0755 less the umask.

    An existing folder is not changed.
    """
    if folder.is_dir():
        return
    with suppress(FileExistsError):
        folder.mkdir(0o755)
        if mode is not None:
            folder.chmod(mode)


def open_to(account: OsUser, places: Places) -> None:
    """Ensure that ``account`` can reach ``postgres/``. Only a home that contains nothing but ours gets another mode.

    Raises ``SettingsError``, which names the first folder that the account cannot enter.
    """
    if not account.switched:
        return
    while (blocked := account.first_blocked_dir(places.root)) is not None:
        mode = stat.S_IMODE(blocked.stat().st_mode)
        ours = blocked in (places.home, places.root) and {entry.name for entry in places.home.iterdir()} <= _OURS
        if not ours or mode & 0o011 == 0o011:
            raise SettingsError(
                f"The embedded PostgreSQL server's account cannot pass through {blocked} to its data in {places.root}",
                _ELSEWHERE,
            )
        blocked.chmod(mode | 0o011)


def make_socket_folder(places: Places, account: OsUser) -> None:
    """Create the socket's folder, mode 0700, owned by ``account``. Refuses a different existing folder below /tmp."""
    with suppress(FileExistsError):
        places.socket.mkdir(mode=0o700)
    if places.socket.parent == places.root:
        places.socket.chmod(0o700)
        account.chown_to(places.socket)
        return
    if _is_private(places.socket, os.geteuid()):
        account.chown_to(places.socket)
    check_socket_folder(places, account.uid)


def check_socket_folder(places: Places, uid: int) -> None:
    """Refuse a folder below /tmp that another user created, who could run their own server in it."""
    if places.socket.parent != places.root and not _is_private(places.socket, uid):
        raise DatabaseError(
            f"{places.socket}, the folder for the server's socket, was made by somebody else or is open to others",
            "Remove it, or choose a --home whose path is shorter and without commas, which needs no such folder",
        )


def _is_private(folder: Path, uid: int) -> bool:
    """Whether ``folder`` is a folder, not a link to one, that only ``uid`` can use."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) == 0o700


def remove_short_socket_folder(places: Places) -> None:
    """Remove the socket's folder if it is below /tmp: a stopped server leaves nothing outside the home."""
    if places.socket.parent != places.root:
        with suppress(FileNotFoundError):
            places.socket.rmdir()


@contextmanager
def locked(places: Places) -> Iterator[int]:
    """Wait for the home's lock, hold it, and yield its file descriptor; a child that inherits that holds it, too."""
    descriptor = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with log_long_wait(
            "waiting for another process that starts or stops the embedded server; Ctrl-C stops waiting"
        ):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def file_errors(places: Places) -> Iterator[None]:
    """Turn the operating system's errors into errors that say what to do."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename or places.root}: {error.strerror or error}"
        if error.errno in _SETTINGS_ERRNOS:
            advice = write_error_advice(Path(error.filename or places.root), error, places.home)
            raise SettingsError(f"The embedded PostgreSQL server cannot use {what}", advice) from error
        hint = "Free some space and try again" if error.errno == errno.ENOSPC else "Or name a database with --dsn"
        raise DatabaseError(f"The embedded PostgreSQL server failed on {what}", hint) from error
