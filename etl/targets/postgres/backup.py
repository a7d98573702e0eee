"""Backs up a PostgreSQL database with ``pg_dump``: the one on the PATH, or the embedded server's."""

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
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = "pg_dump"
_TOO_OLD = "server version mismatch"
_OURS = "answer_timeout"  # a parameter of the address that libpq does not know
_HINT = (
    "It must not be older than the server: install a newer one, or run that of the server's own machine or container"
)


def back_up(uri: str, path: Path, *, is_embedded: bool) -> None:
    """Write the database at ``uri`` to ``path`` in the custom format, which pg_restore reads.

    The embedded server is dumped with its own ``pg_dump``, whose version matches. Raises ``DatabaseError``.
    """
    address, password = without_password(named_server(uri))
    said = ""
    for program in _programs(is_embedded=is_embedded):
        said = _dump(program, address, password, path)
        if _TOO_OLD not in said:
            break
    if said:
        raise DatabaseError(f"no backup was made: {redact(said)}", _HINT)


def _dump(program: str, address: str, password: str | None, path: Path) -> str:
    """Run ``program`` and return its error message, blank if it succeeded."""
    secret = {"PGPASSWORD": password} if password else {}  # other users could read a command line
    command = [program, "--format=custom", "--no-password", f"--file={path}", f"--dbname={address}"]
    try:
        done = subprocess.run(  # noqa: S603 (no shell; the address was checked)
            command, env={**environment(), **secret, "LC_ALL": "C"}, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise DatabaseError(f"{program} cannot be run: {error.strerror}", _HINT) from error
    return (done.stderr.strip() or f"{program} ended with {done.returncode}") if done.returncode else ""


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


def _programs(*, is_embedded: bool) -> Iterator[str]:
    """Yield the programs to try: the one on the PATH, then ours, which may be newer."""
    on_path = None if is_embedded else shutil.which(PROGRAM)
    if on_path:
        yield on_path
    own = find_install() / "bin" / PROGRAM
    if own.exists():
        yield str(own)
    elif not on_path:
        raise DatabaseError(
            f"a backup of PostgreSQL takes {PROGRAM}, which is not on the PATH", "Install PostgreSQL's client programs"
        )
