"""Opens what the options of a command name: the workspace, its runs, one run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from etl.core.settings import Workspace
    from etl.runs.directory import RunDirectory

logger = logging.getLogger(__name__)


def open_workspace(home: str | None, dsn: str | None) -> Workspace:
    """Return where to work, from the options ``--home`` and ``--dsn``; warn where a password can be seen.

    Raises ``SettingsError`` as ``find_workspace``.
    """
    from etl.core.settings import find_workspace

    workspace = find_workspace(home, dsn)
    if workspace.warning:
        logger.warning("%s", workspace.warning)
    return workspace


def runs_folder(home: str | None) -> Path:
    """Return the folder of the run directories; no database is asked for."""
    from etl.core.settings import EMBEDDED, find_workspace

    return find_workspace(home, EMBEDDED).runs


def open_run(home: str | None, run: str | None) -> RunDirectory:
    """Return the run that ``run`` names, the newest one for None. Raises ``InputError`` where there is none."""
    from etl.runs.directory import find_run

    return find_run(runs_folder(home), run)
