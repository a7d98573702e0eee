"""Shows people what an undo removes, or has removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.cli.output import show
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTITIES = ("tracks", "albums", "artists")
_NAMED = 3


def show_restored(manifest: Mapping[str, Any]) -> None:
    """Print what the undo of a dedupe has loaded again, and how it ended."""
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    made = numbers(manifest["created"])
    show(f"{'would load' if is_dry else 'loaded'} again: {counts['inserted']:,} listens; made for them: {made}")
    if counts["already_present"]:
        show(f"there before: {counts['already_present']:,} listens")
    end = "nothing was loaded" if is_dry else manifest["status"].replace("_", " ")
    show(f"undo of {sanitize(manifest['undone_run'])}: {end}")
    show(f"run:      {sanitize(manifest['run_dir'])}")


def numbers(counts: Mapping[str, int]) -> str:
    """Return how many tracks, albums and artists there are, in words."""
    return ", ".join(f"{counts[name]:,} {name}" for name in ENTITIES)


def show_undo(manifest: Mapping[str, Any]) -> None:
    """Print the counts of an undo, which files are no longer known, and how it ended."""
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    show(f"{'would remove' if is_dry else 'removed'}: {counts['removed']:,} listens, {numbers(manifest['removed'])}")
    if counts["gone_before"]:
        show(f"gone before: {counts['gone_before']:,} listens")
    if counts["kept"]:
        show(f"kept, because something else uses them: {numbers(manifest['kept'])}")
    files = manifest["files"]
    if files:
        more = f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
        named = ", ".join(sanitize(file["path"]) for file in files[:_NAMED])
        show(f"no longer known, so that the next load reads them again: {named}{more}")
    for problem in manifest["imbalances"]:
        show(f"the accounting does not balance: {sanitize(problem)}")
    end = "nothing was removed" if is_dry else manifest["status"].replace("_", " ")
    show(f"undo of {sanitize(manifest['undone_run'])}: {end}")
    show(f"run:      {sanitize(manifest['run_dir'])}")
