"""Shows what an undo removes, or has removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.cli.closing import removal_line
from etl.cli.output import show_text
from etl.core.sanitize import sanitize
from etl.runs.directory import is_removal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENTITIES = ("tracks", "albums", "artists")
_NAMED = 5
"""Files that are listed; if there are more, they are only counted."""
_LABEL = 10  # columns that a label and its padding take


def show_restored(manifest: Mapping[str, Any]) -> None:
    """Print what the undo of a dedupe loaded again, and how it ended."""
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    listens = counted(counts["inserted"], manifest["created"])
    show_text(f"{'would load' if is_dry else 'loaded'} again: {listens}")
    if counts["already_present"]:
        show_text(f"there before: {counts['already_present']:,} listens")
    show_end(manifest)
    show_text(f"run:      {sanitize(manifest['run_dir'])}", _LABEL)


def question(run_id: str, listens: int, removed: Mapping[str, int]) -> str:
    """Return the question that is asked before anything is removed."""
    what = f"This removes {counted(listens, removed)}." if listens else "None of its listens is in the database."
    return f"Undo run {sanitize(run_id)}?\n{what}"


def counted(listens: int, entities: Mapping[str, int]) -> str:
    """Return how many listens, tracks, albums and artists there are, in words."""
    return ", ".join([_counted(listens, "listens"), *_entities(entities)])


def show_undo(manifest: Mapping[str, Any], *, verbose: bool = False) -> None:
    """Print the counts of an undo, which files are no longer known, and how it ended."""
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    show_text(f"{'would remove' if is_dry else 'removed'} {counted(counts['removed'], manifest['removed'])}")
    if counts["gone_before"]:
        show_text(f"removed before: {_counted(counts['gone_before'], 'listens')}")
    if counts["not_reached"]:
        show_text(f"not reached: {_counted(counts['not_reached'], 'listens')}")
    if counts["kept"]:
        show_text(f"kept {', '.join(_entities(manifest['kept']))}: something else uses them")
    _show_files(manifest["files"], len(manifest["files"]) if verbose else _NAMED)
    for problem in manifest["imbalances"]:
        show_text(f"the accounting does not balance: {sanitize(problem)}")
    show_end(manifest)
    show_text(f"run:      {sanitize(manifest['run_dir'])}", _LABEL)


def show_end(manifest: Mapping[str, Any]) -> None:
    """Print the closing line: which run the undo was for, and how it ended."""
    end = removal_line(manifest)
    if manifest["status"] == "dry_run":
        end = "dry run, nothing was removed" if is_removal(manifest) else "dry run, nothing was loaded"
    show_text(f"undo of {sanitize(manifest['undone_run'])}: {end}")


def _show_files(files: Sequence[Mapping[str, Any]], most: int) -> None:
    if not files:
        return
    known = "1 file is" if len(files) == 1 else f"{len(files):,} files are"
    show_text(f"{known} no longer known, so the next load reads {'it' if len(files) == 1 else 'them'} again:")
    for file in files[:most]:
        show_text(f"  {sanitize(file['path'])}", 4)
    if len(files) > most:
        show_text(f"  and {len(files) - most:,} more")


def _entities(counts: Mapping[str, int]) -> list[str]:
    return [_counted(counts[name], name) for name in ENTITIES]


def _counted(number: int, plural: str) -> str:
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"
