"""``etl runs``: what was run, and what became of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli import options
from etl.cli.output import show, show_json, show_table
from etl.cli.workspace import open_run, runs_folder
from etl.core.errors import InputError
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

app = typer.Typer(help="Run directories: list them, show one, remove old ones.", no_args_is_help=True)

RunName = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="A run id, its beginning or end, or latest, the default."),
]


@app.command("list")
def list_all(home: options.Home = None, json: options.Json = False) -> None:
    """List all runs, the oldest first."""
    from etl.runs.directory import list_runs

    manifests = []
    for run in list_runs(runs_folder(home)):
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
    columns = ("records", "inserted", "already_present", "rejected")
    rows = [
        (
            manifest["run_id"],
            _status(manifest, is_begun=manifest["run_id"] in begun),
            *(manifest.get("counts", {}).get(name, "") for name in columns),
        )
        for manifest in manifests
    ]
    show_table(("run", "status", "records", "inserted", "present", "rejected"), rows, right=range(2, 6))


def _status(manifest: Mapping[str, Any], *, is_begun: bool) -> str:
    """Return how a run ended, or that an undo has removed what it inserted, or a part of that."""
    if manifest["undone_by"]:
        return "undone"
    return "part undone" if is_begun else str(manifest["status"]).replace("_", " ")


def _is_done(manifest: Mapping[str, Any]) -> bool:
    """Return whether an undo has removed everything."""
    return manifest["error"] is None and manifest["status"] != "dry_run"


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=0, metavar="N", help="How many of the newest runs stay.")],
    home: options.Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    json: options.Json = False,
) -> None:
    """Delete old run directories, except those in use or still needed. The listens stay, but cannot be undone then."""
    from etl.runs.prune import plan_pruning, remove

    runs = runs_folder(home)
    plan = plan_pruning(runs, keep)
    if not dry_run:
        remove(runs, plan.remove)
    removed = [run.run_id for run in plan.remove]
    if json:
        kept = [{"run_id": one.run_id, "reason": one.reason} for one in plan.keep]
        about = {"newest": plan.newest, "dry_run": dry_run}
        show_json({"removed": removed, "no_longer_undoable": plan.undoable, "kept": kept, **about})
        return
    for run_id in removed:
        done, lost = ("would remove", "could no longer") if dry_run else ("removed", "can no longer")
        undoable = f": it {lost} be undone" if run_id in plan.undoable else ""
        show(f"{done} {sanitize(run_id)}{undoable}")
    for one in plan.keep:
        show(f"kept {sanitize(one.run_id)}: {one.reason}")
    show(f"{len(removed):,} {'would be removed' if dry_run else 'removed'}, {plan.newest + len(plan.keep):,} kept")


@app.command("show")
def show_one(run: RunName = None, home: options.Home = None, json: options.Json = False) -> None:
    """Show what became of a run."""
    from etl.cli.dedupe_summary import show_dedupe
    from etl.cli.summary import show_manifest
    from etl.cli.undo_summary import show_undo
    from etl.runs.directory import is_removal

    manifest = open_run(home, run).read_manifest()
    if json:
        show_json(manifest)
        return
    if is_removal(manifest):
        (show_undo if manifest.get("undone_run") else show_dedupe)(manifest)
    else:
        show_manifest(manifest, home)
    if manifest.get("undone_by"):
        show(f"undone by {sanitize(manifest['undone_by'])}")
    show(f"steps:    {', '.join(f'{step} {seconds:.2f} s' for step, seconds in manifest['timings'].items())}")
    if manifest["error"]:
        logger.error("%s", manifest["error"])
