"""``etl report``: writes the HTML page about the library or about a run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.library import open_library, warn_ignored_options
from etl.cli.output import show, show_json
from etl.cli.workspace import open_run
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from etl.library import Library
    from etl.runs.directory import RunDirectory

logger = logging.getLogger(__name__)

PAGE = "report.html"


def report(
    context: typer.Context,
    run: options.RunOrLibrary = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"Where to write it; default: {PAGE} in the home, or in the run directory."),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    user: options.User = None,
    timezone: options.ShownZone = None,
    dsn: options.Dsn = None,
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Write an HTML page about the library: what you listened to most, and when. With RUN, about a load.

    The library is everything that a user of the database has listened to, whichever program stored it. The page about a
    load has its account, charts of its listens, and data quality.
    """
    from etl.core.settings import EMBEDDED
    from etl.core.workspace import find_workspace

    if run is not None:
        warn_ignored_options(context)
        directory = open_run(home, run)
        text, about, path = _page_of_run(directory), {"run_id": directory.run_id}, directory.path / PAGE
    else:
        library = open_library(home, dsn, user, timezone)
        text, about = _page_of_library(library), {"user": library.user, "timezone": library.zone}
        path = find_workspace(home, EMBEDDED).home / PAGE
    path = output or path
    _write(path, text, is_ours=output is None)
    if json:
        show_json({**about, "report": str(path)})
    else:
        show(f"report: {sanitize(path)}")
    if open_it:
        _open(path)


def _page_of_run(directory: RunDirectory) -> str:
    from etl.report.read import read_run_facts
    from etl.report.run_page import run_page

    return run_page(read_run_facts(directory))


def _page_of_library(library: Library) -> str:
    from etl.report.library_page import library_page
    from etl.report.read import read_library_facts

    return library_page(read_library_facts(library))


def _write(path: Path, text: str, *, is_ours: bool) -> None:
    from etl.core.atomic_file import atomic_file

    with atomic_file(path) as partial:
        if is_ours:  # the home may not exist yet, and root's home lets others pass
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.path.touch(mode=0o600)
        partial.path.write_text(text, encoding="utf-8")


def _open(path: Path) -> None:
    """Open the page in the system's browser, or in the one that BROWSER names; log a warning if there is none."""
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        logger.warning("no browser could be opened; open %s yourself", path)
