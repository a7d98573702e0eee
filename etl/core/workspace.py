"""Finds the home folder and the database of a command, from its options and the configuration."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from platformdirs import user_data_path

from etl.core.config import config_file, environment, first_of, load_config
from etl.core.dsn import check_dsn, redact
from etl.core.errors import SettingsError
from etl.core.failpoints import Fault, Point
from etl.core.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.config import ConfigValue, Origin

ROOT_HOME = Path("/var/lib/etl")


class Workspace(msgspec.Struct, frozen=True):
    """The folder of the embedded server and the runs, and the database."""

    home: Path
    dsn: str
    """A libpq URI, ``embedded``, or ``sqlite:///`` and the absolute path of a file."""
    warning: str = ""
    """A warning that other accounts can read the password, and how to hide it; empty if they cannot."""
    names_home: bool = True
    """Whether the home was named, by an option, a variable or the configuration."""
    fault: Fault | None = None
    """Where and how a test makes the process kill itself."""

    @property
    def runs(self) -> Path:
        """The folder of run directories."""
        return self.home / "runs"


def find_workspace(home: str | None, dsn: str | None, environ: Mapping[str, str] | None = None) -> Workspace:
    """Return the workspace, from the options ``home`` and ``dsn``, else the configuration, else the defaults.

    Raises ``SettingsError`` for an invalid DSN, an unreadable ``ETL_DSN_FILE`` or an invalid ``ETL_FAULT``, and when
    ``load_config`` does.
    """
    config = load_config(environ)
    chosen = home or (str(config["home"].value) if "home" in config else None)
    folder = _expanded(chosen) if chosen else _default_home()
    found = None if dsn else first_of(config, "dsn", "dsn_file")
    address = dsn or (_configured_dsn(config, found) if found else EMBEDDED)
    warning = _password_warning(address, _holder(config, found, environ))
    fault = _fault(environment(environ).get("ETL_FAULT"))
    return Workspace(folder, check_dsn(address), warning, names_home=bool(chosen), fault=fault)


def existing_home(workspace: Workspace) -> Workspace:
    """Return ``workspace``; raises ``SettingsError`` if its home was named and does not exist.

    A mistyped home is not an empty one, so a command that only reads the home must not create it.
    """
    if workspace.names_home and not workspace.home.exists():
        raise SettingsError(
            f"the home {workspace.home} does not exist",
            "Give the --home (or ETL_HOME) that `etl run` loads with; `etl run` makes a new one",
        )
    return workspace


def _default_home() -> Path:
    return ROOT_HOME if os.geteuid() == 0 else user_data_path("etl").absolute()


def _expanded(folder: str) -> Path:
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(f'"{folder}" names a user who has no home folder', "Write the whole path") from error


def _configured_dsn(config: Mapping[str, ConfigValue], found: ConfigValue) -> str:
    if found is config.get("dsn"):
        return str(found.value)
    name = f"{found.source} {found.value}" if found.origin == "env" else f"dsn_file {found.value} ({found.source})"
    try:
        dsn = Path(str(found.value)).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name} cannot be read: {error}") from error
    if not dsn:  # the default would be a database other than the intended one
        raise SettingsError(f"{name} is empty", "Write the database address into it, or unset it")
    return dsn


def _holder(
    config: Mapping[str, ConfigValue], found: ConfigValue | None, environ: Mapping[str, str] | None
) -> Path | Origin:
    """Return the file that contains the address ``found``; if it is in no file, its origin."""
    if found is None:
        return "option"
    if found is config.get("dsn_file"):
        return Path(str(found.value))
    file = config_file(environ) if found.origin == "file" else None
    return file or found.origin


def _password_warning(address: str, holder: Path | Origin) -> str:
    """Return a warning if other accounts can read a password in ``address``; else an empty text."""
    if redact(address) == address:
        return ""
    if holder == "option":
        return "a password in --dsn can be seen by other users of this machine; ETL_DSN or ETL_DSN_FILE hide it"
    if isinstance(holder, Path) and holder.stat().st_mode & stat.S_IROTH:
        return f"other users of this machine can read the password in {holder}; `chmod 600` of that file hides it"
    return ""


def _fault(text: str | None) -> Fault | None:
    """Return the fault that ``ETL_FAULT`` names: a point, on which visit, and a signal (``<point>:2:SIGINT``)."""
    if not text:
        return None
    point, nth, number = [*text.split(":"), "", ""][:3]
    try:
        return Fault(Point(point), int(nth or 1), signal.Signals[number or "SIGKILL"])
    except (ValueError, KeyError) as error:
        points = ", ".join(known.value for known in Point)
        raise SettingsError(f'ETL_FAULT: "{text}" is not a fault', f"<point>[:<n>[:<signal>]], of {points}") from error
