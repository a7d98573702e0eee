"""Chooses the account that the embedded server runs under, and checks what that account can reach.

PostgreSQL refuses to run as root. An ordinary user's server runs under that user; root's runs under a system account.
"""

from __future__ import annotations

import logging
import os
import pwd
import subprocess
from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

logger = logging.getLogger(__name__)

ACCOUNT = "etl-postgres"

# The whole environment of the server's programs: PGDATA, PGPORT or a locale would change what they do.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_USERADD = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT)
_WALK = 'n=0; for folder do cd "$folder" 2>/dev/null || { echo $n; exit; }; n=$((n+1)); done'


class OsUser(msgspec.Struct, frozen=True):
    """The account of the server. ``switched`` says whether it differs from the account of this process."""

    uid: int
    gid: int
    switched: bool

    def run(
        self, command: Sequence[str | Path], *, keep: Sequence[int] = (), stderr: int = subprocess.STDOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` to its end under this account and return its exit status and output.

        It gets its own session, which Ctrl-C does not reach, and inherits only ``keep`` of our open files.
        Raises ``OSError`` if it cannot be executed.
        """
        return subprocess.run(  # noqa: S603 - no shell, and no word of it comes from an export
            command,
            user=self.uid if self.switched else None,
            group=self.gid if self.switched else None,
            extra_groups=[] if self.switched else None,
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=keep,
            check=False,
        )

    def chown_to(self, path: Path) -> None:
        """Make this account the owner of ``path``."""
        if self.switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def first_blocked_dir(self, path: Path) -> Path | None:
        """Return the first folder on the way to ``path``, or ``path`` itself, that this account cannot enter."""
        way = [*reversed(path.parents), path]
        stopped_at = self.run(["/bin/sh", "-c", _WALK, "sh", *way]).stdout.strip()
        return way[int(stopped_at)] if stopped_at else None


def caller() -> OsUser:
    """Return the account that this process runs under."""
    return OsUser(os.geteuid(), os.getegid(), switched=False)


def server_account(data: Path) -> OsUser:
    """Return the account for the server of the data folder ``data``, creating the system account if there is none.

    Existing data keeps its account, even one without a name: user ids differ between containers that share a home.
    Raises ``SettingsError`` if there is no account to use.
    """
    if os.geteuid() != 0:
        return caller()
    if data.exists():
        owner = data.stat()
        if owner.st_uid == 0:
            raise SettingsError(
                f"{data} belongs to root, under which PostgreSQL refuses to run",
                f"Give it back to its previous account, e.g. chown -R {ACCOUNT}: '{data}'",
            )
        return OsUser(owner.st_uid, owner.st_gid, switched=True)
    entry = _find_account() or _create_account()
    return OsUser(entry.pw_uid, entry.pw_gid, switched=True)


def _find_account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return None


def _create_account() -> pwd.struct_passwd:
    try:
        done = subprocess.run(  # noqa: S603 - a constant
            _USERADD, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        said = done.stderr.strip() or f"useradd ended with {done.returncode}"
    except FileNotFoundError:
        said = "this system has no useradd"
    # Looked up again even if useradd failed: another process may have created the account first.
    entry = _find_account()
    if entry is None:
        raise SettingsError(
            f"The system account {ACCOUNT} for the embedded PostgreSQL server could not be created: {said}",
            f"Create it yourself ({' '.join(_USERADD)}), run as an ordinary user, or name a database with --dsn",
        )
    logger.info("Created the system account %s: PostgreSQL does not run as root", ACCOUNT)
    return entry
