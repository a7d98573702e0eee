"""Backs up a PostgreSQL database with ``pg_dump``: the one on the PATH, else the embedded server's."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote

from etl.core.config import environment
from etl.core.dsn import redact
from etl.core.errors import DatabaseError
from etl.targets.postgres.embedded.binaries import find_install
from etl.targets.postgres.session import named_server

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "pg_dump"
_OURS = "answer_timeout"  # a parameter of the address that libpq does not know
_HINT = (
    "It must not be older than the server: install a newer one, or run that of the server's own machine or container"
)


def back_up(uri: str, path: Path, *, is_embedded: bool) -> None:
    """Write the database at ``uri`` to ``path`` in the custom format, which pg_restore reads.

    The embedded server is dumped with its own ``pg_dump``, whose version matches. Raises ``DatabaseError``.
    """
    address, password = without_password(named_server(uri))
    command = [_program(is_embedded=is_embedded), "--format=custom", "--no-password", f"--file={path}"]
    secret = {"PGPASSWORD": password} if password else {}  # other users could read a command line
    try:
        done = subprocess.run(  # noqa: S603 (no shell; the address was checked)
            [*command, f"--dbname={address}"],
            env={**environment(), **secret, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise DatabaseError(f"{command[0]} cannot be run: {error.strerror}", _HINT) from error
    if done.returncode:
        raise DatabaseError(f"no backup was made: {redact(done.stderr.strip())}", _HINT)


def without_password(uri: str) -> tuple[str, str | None]:
    """Return ``uri`` in a form that pg_dump accepts, without its password, and the password."""
    base, _, query = uri.partition("?")
    scheme, _, place = base.partition("://")
    user, at, host = place.rpartition("@")
    name, _, password = user.partition(":")
    kept = []
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        if key == "password":
            password = value
        elif key != _OURS:
            kept.append(pair)  # as the user encoded it
    return "?".join(filter(None, (f"{scheme}://{name}{at}{host}", "&".join(kept)))), unquote(password) or None


def _program(*, is_embedded: bool) -> str:
    found = None if is_embedded else shutil.which(PROGRAM)
    if found:
        return found
    own = find_install() / "bin" / PROGRAM
    if not own.exists():
        raise DatabaseError(
            f"a backup of PostgreSQL takes {PROGRAM}, which is not on the PATH", "Install PostgreSQL's client programs"
        )
    return str(own)
