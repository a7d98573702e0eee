"""``etl runs``: what was run, and what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from etl.cli import options
from etl.cli.output import narrate, show, show_json, show_table
from etl.errors import InputError

app = typer.Typer(help="Run directories: list them, show one.", no_args_is_help=True)

RunName = Annotated[
    str | None, typer.Argument(metavar="RUN", help="A run id, its beginning or end; default: the newest.")
]


@app.command("list")
def list_all(home: options.Home = None, json: options.Json = False) -> None:
    """List all runs, the oldest first."""
    from etl.artifacts import list_runs
    from etl.settings import EMBEDDED, find_place

    manifests = []
    for run in list_runs(find_place(home, EMBEDDED).runs):
        try:
            manifests.append(run.read_manifest())
        except InputError:
            manifests.append(
                {"run_id": run.run_id, "run_dir": str(run.path), "status": "unfinished", "exit_code": None}
            )
    if json:
        show_json(manifests)
        return
    columns = ("records", "inserted", "already_present", "rejected")
    rows = [
        (
            manifest["run_id"],
            manifest["status"].replace("_", " "),
            *(manifest.get("counts", {}).get(name, "") for name in columns),
        )
        for manifest in manifests
    ]
    show_table(("run", "status", "records", "inserted", "present", "rejected"), rows, right=range(2, 6))


@app.command("show")
def show_one(run: RunName = None, home: options.Home = None, json: options.Json = False) -> None:
    """Show what became of a run."""
    from etl.artifacts import find_run
    from etl.cli.summary import show_manifest
    from etl.settings import EMBEDDED, find_place

    manifest = find_run(find_place(home, EMBEDDED).runs, run).read_manifest()
    if json:
        show_json(manifest)
        return
    show_manifest(manifest, home)
    show(f"steps:    {', '.join(f'{step} {seconds:.2f} s' for step, seconds in manifest['timings'].items())}")
    if manifest["error"]:
        narrate(f"error: {manifest['error']}")
