"""Opens the workspace, the runs folder or the run that the options of a command name."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from etl.core.errors import SettingsError
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.workspace import Workspace
    from etl.runs.directory import RunDirectory

logger = logging.getLogger(__name__)

KOITO_FILES = ("koito/koito.db", "koito.db", "/etc/koito/koito.db")
"""Where Koito's compose file, a copied file, or Koito itself has the database."""


def open_workspace(home: str | None, dsn: str | None, *, must_exist: bool = False) -> Workspace:
    """Return the workspace, from the options ``--home`` and ``--dsn``; log a warning about a visible password.

    Raises as ``find_workspace`` does, and ``SettingsError`` if a named home ``must_exist`` and does not.
    """
    from etl.core.workspace import existing_home, find_workspace

    workspace = find_workspace(home, dsn)
    if must_exist:
        existing_home(workspace)
    if workspace.warning:
        logger.warning("%s", workspace.warning)
    return workspace


def suggest_koito_file(dsn: str | None) -> None:
    """Log how to load into Koito if no database is named and Koito's file is in one of its usual places."""
    from etl.core.config import first_of, load_config
    from etl.core.dsn import is_file

    if dsn or first_of(load_config(), "dsn", "dsn_file") is not None:
        return
    if found := next((path for path in KOITO_FILES if is_file(Path(path))), None):
        logger.info("this run loads into the embedded server; to load into Koito, give --dsn %s", found)


def options_again(home: str | None, dsn: str | None = None) -> str:
    """Return the options that a suggested command needs to use the same home and database as this one.

    ``home`` is as typed. ``dsn`` is that of a manifest, without a password: if it is configured, it is not repeated.
    """
    from etl.core.dsn import redact
    from etl.core.workspace import find_workspace

    named = {"home": home}
    if dsn:
        try:
            configured = redact(find_workspace(home, None).dsn)
        except SettingsError:  # what is typed may replace what cannot be read
            configured = ""
        named["dsn"] = None if dsn == configured else dsn
    return as_options(named)


def as_options(named: Mapping[str, str | None]) -> str:
    """Return the options ``named`` that have a value, for a suggested command."""
    return sanitize("".join(f" --{name} {shlex.quote(value)}" for name, value in named.items() if value))


def runs_folder(home: str | None) -> Path:
    """Return the folder of the run directories, without checking the database address.

    Raises ``SettingsError`` for a home that was named and does not exist.
    """
    from etl.core.settings import EMBEDDED
    from etl.core.workspace import existing_home, find_workspace

    return existing_home(find_workspace(home, EMBEDDED)).runs


def open_run(home: str | None, run: str | None) -> RunDirectory:
    """Return the run that ``run`` names; for None, the newest. Raises ``InputError`` if there is none."""
    from etl.runs.directory import find_run

    return find_run(runs_folder(home), run)
