"""``etl rejects``: lists what a run did not load, with reasons, and retries it."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli import options
from etl.cli.groups import HelpfulGroup
from etl.cli.log import program
from etl.cli.output import show, show_command, show_json, show_table, show_text
from etl.cli.run import run_and_report
from etl.cli.runs import RequiredRunName, RunName
from etl.cli.workspace import open_run, open_workspace, options_again
from etl.core.settings import OutputSettings

if TYPE_CHECKING:
    from etl.core.progress import Progress
    from etl.pipeline.replay import Unloaded

logger = logging.getLogger(__name__)

NOTHING_LEFT = "run %s has no rejected rows and no unresolved listens"

app = typer.Typer(help="List rejected rows and unresolved listens, or try them again.", cls=HelpfulGroup)


@app.command("list")
def list_all(run: RunName = None, home: options.Home = None, json: options.Json = False) -> None:
    """List the rejected rows and unresolved listens of a run, with reasons."""
    from etl.pipeline.replay import unloaded

    left = unloaded(open_run(home, run))
    if json:
        show_json(_as_json(left))
    else:
        _show(left, options_again(home, left.manifest["dsn"]))


@app.command()
@options.expand_options
def replay(
    run: RequiredRunName,
    dsn: options.Dsn = None,
    home: options.Home = None,
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="Name or id of the Koito user; default: that of the run.")
    ] = None,
    *,
    given: options.RunOptions,
    output: OutputSettings,
) -> None:
    """Try the rejected rows and unresolved listens of a run again, in a new run with the same settings."""

    def load(bar: Progress) -> dict[str, Any]:
        from etl.core.dsn import redact
        from etl.pipeline import run as pipeline
        from etl.pipeline.replay import replay_settings, replayable
        from etl.runs.directory import find_run

        signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`
        workspace = open_workspace(home, dsn, must_exist=True)
        left = replayable(find_run(workspace.runs, run))
        before = left.manifest["dsn"]
        if redact(workspace.dsn) != before:
            logger.warning(
                "run %s loaded into %s, this one loads into %s", left.run.run_id, before, redact(workspace.dsn)
            )
        if not (left.rejects.height or left.listens.height):
            logger.info(NOTHING_LEFT, left.run.run_id)
        settings = replay_settings(left, user=user, **given.typed)
        return pipeline.replay(workspace, settings, left, bar)

    run_and_report(load, home, output)


def _as_json(left: Unloaded) -> dict[str, object]:
    import polars as pl

    stamp = pl.col("listened_at").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return {
        "run_id": left.run.run_id,
        **{name: left.manifest[name] for name in ("counts", "rejected_by_reason")},
        "rejects": left.rejects.to_dicts(),
        "unresolved": left.unresolved.with_columns(stamp).to_dicts(),
    }


def _show(left: Unloaded, same: str) -> None:
    """Print what is left; ``same`` are the options with which `rejects replay` loads into the same database."""
    show(f"run {left.run.run_id}")
    if left.rejects.height:
        show()
        show(f"rejected: {left.rejects.height:,}")
        rejected = [
            (f"{row['file']}:{row['row']}", _number(row["offset"]), row["reason"], row["detail"] or "")
            for row in left.rejects.iter_rows(named=True)
        ]
        show_table(("row", "at byte", "reason", "detail"), rejected, right=(1,), cut=(0,), keep_end=(0,), below=(3,))
    if left.unresolved.height:
        show()
        show(f"unresolved: {left.unresolved.height:,}")
        unresolved = [
            (f"{row['file']}:{row['row']}", row["artist"], row["track"], row["detail"] or "")
            for row in left.unresolved.iter_rows(named=True)
        ]
        show_table(("row", "artist", "track", "detail"), unresolved, cut=(0, 1, 2), keep_end=(0,), below=(3,))
    if left.not_reached.height:
        show()
        show_text(f"not reached, because the run ended early: {left.not_reached.height:,}")
    if left.rejects.height or left.listens.height:
        show()
        show_command("try them again: ", f"{program()} rejects replay {left.run.run_id}{same}")
    else:
        logger.info(NOTHING_LEFT, left.run.run_id)


def _number(offset: int | None) -> int | str:
    return "" if offset is None else offset
