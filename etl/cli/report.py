"""``etl report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli import options
from etl.cli.output import show, show_json
from etl.cli.runs import RunName
from etl.cli.workspace import open_run
from etl.core.sanitize import sanitize

PAGE = "report.html"


def report(
    run: RunName = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Where to write it; default: {PAGE} in the run directory.")
    ] = None,
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Write one HTML page about a run: what was loaded, the accounting, charts of the listens, data quality."""
    from etl.core.atomic_file import atomic_file
    from etl.report.html import page
    from etl.report.read import read_facts

    directory = open_run(home, run)
    text = page(read_facts(directory))
    path = output or directory.path / PAGE
    with atomic_file(path) as partial:
        partial.path.write_text(text, encoding="utf-8")
    if json:
        show_json({"run_id": directory.run_id, "report": str(path)})
    else:
        show(f"report: {sanitize(path)}")
