"""Opens the workspace, the runs folder or the run that the options of a command name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from etl.core.workspace import Workspace
    from etl.runs.directory import RunDirectory

logger = logging.getLogger(__name__)


def open_workspace(home: str | None, dsn: str | None) -> Workspace:
    """Return where to work, from the options ``--home`` and ``--dsn``; log a warning about a visible password.

    Raises ``SettingsError`` when ``find_workspace`` does.
    """
    from etl.core.workspace import find_workspace

    workspace = find_workspace(home, dsn)
    if workspace.warning:
        logger.warning("%s", workspace.warning)
    return workspace


def runs_folder(home: str | None) -> Path:
    """Return the folder of the run directories, without a look at the database's address."""
    from etl.core.settings import EMBEDDED
    from etl.core.workspace import find_workspace

    return find_workspace(home, EMBEDDED).runs


def open_run(home: str | None, run: str | None) -> RunDirectory:
    """Return the run that ``run`` names, for None the newest. Raises ``InputError`` if there is none."""
    from etl.runs.directory import find_run

    return find_run(runs_folder(home), run)
