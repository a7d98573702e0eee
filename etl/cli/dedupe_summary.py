"""Shows people which listens a dedupe removes, or has removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.cli.closing import removal_line
from etl.cli.output import show, show_table
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTITIES = ("tracks", "albums", "artists")


def show_dedupe(manifest: Mapping[str, Any]) -> None:
    """Print how many listens are doubles of which others, what goes with them, and how to go on or back."""
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    removed, looked_at = counts["removed"], manifest["looked_at"]
    if not manifest["doubles"]:
        show(f"none of the {looked_at:,} listens is a likely double")
        return
    rows = [(_client(one["removed"]), _client(one["kept"]), one["listens"]) for one in manifest["doubles"]]
    show_table(("removes", "keeps", "listens"), rows, right=[2])
    what = ", ".join(f"{manifest['removed'][name]:,} {name}" for name in _ENTITIES)
    show(f"{'would remove' if is_dry else 'removed'} {removed:,} of {looked_at:,} listens; left without any: {what}")
    if counts["not_reached"]:
        show(f"not reached: {counts['not_reached']:,} listens")
    if counts["gone_before"]:
        show(f"gone before: {counts['gone_before']:,} listens")
    for problem in manifest["imbalances"]:
        show(f"the accounting does not balance: {sanitize(problem)}")
    if not is_dry:
        show(f"dedupe:   {removal_line(manifest)}")
    run_id = sanitize(manifest["run_id"])
    show(f"pairs:    etl inspect {run_id} --sql likely_doubles")
    show("next:     etl dedupe --yes removes them" if is_dry else f"back:     etl undo {run_id}")
    show(f"run:      {sanitize(manifest['run_dir'])}")


def _client(name: str | None) -> str:
    return sanitize(name) if name else "(no client)"
