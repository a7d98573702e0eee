"""Opens the library that the options of a command name."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

from etl.cli.workspace import open_workspace

if TYPE_CHECKING:
    import typer

    from etl.library import Library

logger = logging.getLogger(__name__)

_LIBRARY_ALONE = ("user", "timezone")


def open_library(home: str | None, dsn: str | None, user: str | None, timezone: str | None) -> Library:
    """Return the library that ``--home``, ``--dsn``, ``--user`` and ``--timezone`` name.

    Raises ``SettingsError`` for an unknown zone or user and for a named home that does not exist, ``DatabaseError`` if
    the database cannot be read.
    """
    from etl.core.config import load_config
    from etl.core.settings import EMBEDDED
    from etl.core.signals import one_interruption
    from etl.core.timezones import parse_timezone
    from etl.core.workspace import existing_home
    from etl.library import read_library, system_zone

    configured = load_config().get("timezone")
    zone = parse_timezone("--timezone", timezone or str(configured.value if configured else system_zone()))
    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`
    with one_interruption():
        workspace = open_workspace(home, dsn)
        if workspace.dsn == EMBEDDED:
            existing_home(workspace)
        return read_library(workspace, user, zone)


def warn_ignored_options(context: typer.Context) -> None:
    """Log which of the typed options apply only to the whole library and are unused, because a run is named."""
    for name in _LIBRARY_ALONE:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            logger.warning("--%s is ignored: it is about the whole library, and RUN names one run", name)
