"""``etl runs``: lists runs, shows one, and deletes old run directories."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli import options
from etl.cli.completion import complete_runs
from etl.cli.groups import HelpfulGroup
from etl.cli.output import confirm, show, show_json, show_text
from etl.cli.runs_table import show_runs
from etl.cli.workspace import open_run, runs_folder
from etl.core.errors import InputError
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.runs.prune import Pruning

logger = logging.getLogger(__name__)

app = typer.Typer(help="List runs, show one, or delete old run directories.", cls=HelpfulGroup)

KEPT = 20
"""How many of the newest runs `etl runs prune` keeps by default."""

RunName = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="A run id, its beginning or end, or latest, the default.", autocompletion=complete_runs
    ),
]
RequiredRunName = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run id, its beginning or end, or latest.", autocompletion=complete_runs),
]


@app.command("list")
def list_all(home: options.Home = None, json: options.Json = False) -> None:
    """List all runs, oldest first: start, sources, database and result."""
    from etl.runs.directory import list_runs

    manifests, runs = [], runs_folder(home)
    for run in list_runs(runs):
        try:
            manifests.append(run.read_manifest())
        except InputError:
            manifests.append(
                {"run_id": run.run_id, "run_dir": str(run.path), "status": "unfinished", "exit_code": None}
            )
    undone = {one["undone_run"]: one["run_id"] for one in manifests if one.get("undone_run") and _is_done(one)}
    begun = {one["undone_run"] for one in manifests if one.get("undone_run") and one["error"]}
    manifests = [one | {"undone_by": undone.get(one["run_id"], one.get("undone_by"))} for one in manifests]
    if json:
        show_json(manifests)
        return
    if not manifests:
        logger.info("no runs yet in %s; `etl run PATH` makes the first", runs)
        return
    show_runs(manifests, begun)


def _is_done(manifest: Mapping[str, Any]) -> bool:
    """Return whether an undo removed everything that the run inserted."""
    return manifest["error"] is None and manifest["status"] != "dry_run"


@app.command()
def prune(
    keep: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help=f"Number of the newest runs to keep. Without it, {KEPT} are kept, and the command asks first.",
        ),
    ] = None,
    home: options.Home = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    json: options.Json = False,
) -> None:
    """Delete old run directories, except those in use or needed. The listens stay, but cannot be undone any more."""
    from etl.runs.prune import plan_pruning, remove

    runs = runs_folder(home)
    plan = plan_pruning(runs, KEPT if keep is None else keep)
    if plan.remove and keep is None and not yes and not dry_run:
        confirm(_question(plan), "nothing was removed", json=json)
    if not dry_run:
        remove(runs, plan.remove)
    if json:
        kept = [{"run_id": one.run_id, "reason": one.reason} for one in plan.keep]
        about = {"newest": plan.newest, "dry_run": dry_run}
        removed = [run.run_id for run in plan.remove]
        show_json({"removed": removed, "no_longer_undoable": plan.undoable, "kept": kept, **about})
    else:
        _show_pruning(plan, dry_run=dry_run)


def _question(plan: Pruning) -> str:
    number = len(plan.remove)
    what = f"{number:,} run directories" if number > 1 else "a run directory"
    lost = f" {len(plan.undoable):,} of the runs can no longer be undone then." if plan.undoable else ""
    return f"Delete {what}, all but the newest {KEPT}?{lost}"


def _show_pruning(plan: Pruning, *, dry_run: bool) -> None:
    done, lost = ("would remove", "could no longer") if dry_run else ("removed", "can no longer")
    for run in plan.remove:
        undoable = f": it {lost} be undone" if run.run_id in plan.undoable else ""
        show_text(f"{done} {sanitize(run.run_id)}{undoable}")
    for one in plan.keep:
        show_text(f"kept {sanitize(one.run_id)}: {one.reason}")
    removed = f"{len(plan.remove):,} {'would be removed' if dry_run else 'removed'}"
    show(f"{removed}, {plan.newest + len(plan.keep):,} kept")


@app.command("show")
def show_one(run: RunName = None, home: options.Home = None, json: options.Json = False) -> None:
    """Show the result of a run: files, rows, keys."""
    from etl.cli.dedupe_summary import show_dedupe
    from etl.cli.summary import show_manifest
    from etl.cli.undo_summary import show_undo
    from etl.runs.directory import is_removal

    manifest = open_run(home, run).read_manifest()
    if json:
        show_json(manifest)
        return
    if is_removal(manifest):
        show_undo(manifest) if manifest.get("undone_run") else show_dedupe(manifest, home)
    else:
        show_manifest(manifest, home)
    if manifest.get("undone_by"):
        show_text(f"undone by {sanitize(manifest['undone_by'])}")
    show_text(f"steps:    {', '.join(f'{step} {seconds:.2f} s' for step, seconds in manifest['timings'].items())}", 10)
    if manifest["error"]:
        logger.error("%s", manifest["error"])
