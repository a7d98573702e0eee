"""``etl undo``: removes what a run inserted."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.closing import log_ending, removal_line
from etl.cli.log import show_levels
from etl.cli.output import confirm, show_json, show_text
from etl.cli.runs import RequiredRunName
from etl.cli.streams import unless_closed
from etl.cli.workspace import open_workspace
from etl.core.sanitize import sanitize
from etl.core.settings import OutputSettings

if TYPE_CHECKING:
    from etl.load.remover import Preview

logger = logging.getLogger(__name__)


@options.expand_options
def undo(
    run: RequiredRunName,
    dsn: options.Dsn = None,
    home: options.Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    *,
    output: OutputSettings,
) -> None:
    """Undo a run: remove the listens that it inserted, and the tracks, albums and artists left without any.

    It shows what it would remove, and asks. If you answer no, nothing is removed, and the exit code is 0. After an
    interruption, the same command removes the rest.
    """
    from etl.cli.undo_summary import question, show_end, show_restored, show_undo
    from etl.pipeline import undo as pipeline
    from etl.runs.directory import is_removal

    def agree(run_id: str, expected: Preview | int) -> bool:
        if yes:
            return True
        if isinstance(expected, int):
            again = f"Load the {expected:,} listens again that dedupe {sanitize(run_id)} removed?"
            confirm(again, "nothing was loaded", json=output.json)
        else:
            asked = question(run_id, len(expected.places), expected.removed)
            confirm(asked, "nothing was removed", json=output.json)
        return True

    show_levels(quiet=output.quiet, verbose=output.verbose)
    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`
    manifest = pipeline.undo(open_workspace(home, dsn, must_exist=True), run, agree, dry_run=dry_run)
    with unless_closed():
        if output.json:
            show_json(manifest)
        elif manifest.get("undone_before"):
            show_text(f"run {sanitize(manifest['undone_run'])} was undone before; nothing was removed")
            show_text(f"undone by {sanitize(manifest['run_id'])}")
        elif output.quiet:
            show_end(manifest)
        elif is_removal(manifest):
            show_undo(manifest, verbose=output.verbose)
        else:
            show_restored(manifest)
    if not manifest.get("undone_before"):
        what, name = ("removed", "removed") if is_removal(manifest) else ("loaded again", "inserted")
        closing = f"{manifest['counts'][name]:,} listens {what}: {removal_line(manifest)}"
        log_ending(manifest, closing, is_printed=not output.json)
    raise typer.Exit(manifest["exit_code"])
