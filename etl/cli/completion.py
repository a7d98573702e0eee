"""Completes values on the command line: sources, run ids, named queries and checks. Imports nothing heavy.

A shell calls these functions each time Tab is pressed, so they look at file names and read as little as they can. They
do not report errors in the settings: the command itself does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 (Typer reads the annotations of these functions)

if TYPE_CHECKING:
    from collections.abc import Iterable

_RUN = re.compile(r"\d{8}T\d{6}Z-")
_DEFINES_FORMAT = "\nFORMAT = "


def complete_sources(incomplete: str) -> list[str]:
    """Return the values of ``--source``. They are found by name: a format's module is named after its source."""
    folder = Path(__file__).parents[1] / "formats"
    found = {
        path.stem.partition("_")[0]
        for path in folder.glob("*_*.py")
        if _DEFINES_FORMAT in path.read_text(encoding="utf-8")
    }
    return _matching(["auto", *sorted(found)], incomplete)


def complete_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return ``latest`` and the ids of the runs in the home that the command names, the newest first."""
    from etl.cli.workspace import runs_folder
    from etl.core.errors import EtlError

    try:
        runs = [path.name for path in runs_folder(ctx.params.get("home")).iterdir() if _RUN.match(path.name)]
    except (EtlError, OSError):
        return []
    return _matching(["latest", *sorted(runs, reverse=True)], incomplete)


def complete_queries(incomplete: str) -> list[str]:
    """Return the names of the queries for ``etl inspect --sql``, both of the library and of runs."""
    return _matching(_names("duckdb/queries/library", "duckdb/queries/run"), incomplete)


def complete_checks(incomplete: str) -> list[str]:
    """Return the names of the checks for ``etl verify --sql``, of all databases."""
    return _matching(_names("postgres/verify", "sqlite/verify"), incomplete)


def _names(*folders: str) -> list[str]:
    """Return the names of the statements in ``folders``, each once."""
    from etl.core.statements import sql_folder

    return sorted({path.stem for folder in folders for path in (sql_folder() / folder).glob("*.sql")})


def _matching(values: Iterable[str], incomplete: str) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]
