"""``etl dedupe``: removes likely doubles from the database."""

from __future__ import annotations

import logging
import signal
from typing import Annotated

import typer

from etl.cli import options
from etl.cli.closing import log_ending, removal_line
from etl.cli.log import show_levels
from etl.cli.output import show_json
from etl.cli.streams import unless_closed
from etl.cli.workspace import open_workspace
from etl.core.settings import OutputSettings

logger = logging.getLogger(__name__)


@options.expand_options
def dedupe(
    given: options.RunOptions,
    dsn: options.Dsn = None,
    home: options.Home = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove the poorer listen of each pair.")] = False,
    *,
    output: OutputSettings,
) -> None:
    """Find plays that are stored twice, whichever program wrote them. With --yes, remove the poorer of each pair."""
    from etl.cli.dedupe_summary import show_dedupe, show_removed
    from etl.pipeline.library import dedupe as run

    show_levels(quiet=output.quiet, verbose=output.verbose)
    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`
    manifest = run(open_workspace(home, dsn), given.settings(), dry_run=not yes)
    with unless_closed():
        if output.json:
            show_json(manifest)
        elif output.quiet:
            show_removed(manifest)
        else:
            show_dedupe(manifest, home, given.typed["user"])
    closing = f"{manifest['counts']['removed']:,} listens removed: {removal_line(manifest)}"
    log_ending(manifest, closing, is_printed=not output.json)
    raise typer.Exit(manifest["exit_code"])
