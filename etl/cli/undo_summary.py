"""Shows people what an undo removes, or has removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.cli.closing import removal_line
from etl.cli.output import show
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENTITIES = ("tracks", "albums", "artists")
_NAMED = 5
"""Files that are listed; more are counted."""


def show_restored(manifest: Mapping[str, Any]) -> None:
    """Print what the undo of a dedupe has loaded again, and how it ended."""
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    listens = counted(counts["inserted"], manifest["created"])
    show(f"{'would load' if is_dry else 'loaded'} again: {listens}")
    if counts["already_present"]:
        show(f"there before: {counts['already_present']:,} listens")
    end = "nothing was loaded" if is_dry else removal_line(manifest)
    show(f"undo of {sanitize(manifest['undone_run'])}: {end}")
    show(f"run:      {sanitize(manifest['run_dir'])}")


def question(run_id: str, listens: int, removed: Mapping[str, int]) -> str:
    """Return what a person is asked before anything is removed."""
    what = f"This removes {counted(listens, removed)}." if listens else "None of its listens is in the database."
    return f"Undo run {sanitize(run_id)}?\n{what}"


def counted(listens: int, entities: Mapping[str, int]) -> str:
    """Return how many listens, tracks, albums and artists there are, in words."""
    return ", ".join([_counted(listens, "listens"), *_entities(entities)])


def show_undo(manifest: Mapping[str, Any]) -> None:
    """Print the counts of an undo, which files are no longer known, and how it ended."""
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    show(f"{'would remove' if is_dry else 'removed'} {counted(counts['removed'], manifest['removed'])}")
    if counts["gone_before"]:
        show(f"removed before: {_counted(counts['gone_before'], 'listens')}")
    if counts["not_reached"]:
        show(f"not reached: {_counted(counts['not_reached'], 'listens')}")
    if counts["kept"]:
        show(f"kept {', '.join(_entities(manifest['kept']))}: something else uses them")
    _show_files(manifest["files"])
    for problem in manifest["imbalances"]:
        show(f"the accounting does not balance: {sanitize(problem)}")
    end = "dry run, nothing was removed" if is_dry else removal_line(manifest)
    show(f"undo of {sanitize(manifest['undone_run'])}: {end}")
    show(f"run:      {sanitize(manifest['run_dir'])}")


def _show_files(files: Sequence[Mapping[str, Any]]) -> None:
    if not files:
        return
    known = "1 file is" if len(files) == 1 else f"{len(files):,} files are"
    show(f"{known} no longer known, so the next load reads {'it' if len(files) == 1 else 'them'} again:")
    for file in files[:_NAMED]:
        show(f"  {sanitize(file['path'])}")
    if len(files) > _NAMED:
        show(f"  and {len(files) - _NAMED:,} more")


def _entities(counts: Mapping[str, int]) -> list[str]:
    return [_counted(counts[name], name) for name in ENTITIES]


def _counted(number: int, plural: str) -> str:
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"
