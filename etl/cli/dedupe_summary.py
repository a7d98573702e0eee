"""Shows which listens a dedupe removes, or has removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.cli.closing import removal_line
from etl.cli.log import program
from etl.cli.output import show_command, show_table, show_text
from etl.cli.workspace import as_options, options_again
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTITIES = ("tracks", "albums", "artists")


def show_dedupe(manifest: Mapping[str, Any], home: str | None = None, user: str | None = None) -> None:
    """Print how many listens are doubles of which others, what is removed with them, and how to go on or undo it.

    ``home`` and ``user`` are as typed.
    """
    counts, is_dry = manifest["counts"], manifest["status"] == "dry_run"
    if not manifest["doubles"]:
        show_removed(manifest)
        return
    rows = [(_client(one["removed"]), _client(one["kept"]), one["listens"]) for one in manifest["doubles"]]
    show_table(("removes", "keeps", "listens"), rows, right=[2])
    show_removed(manifest)
    if counts["not_reached"]:
        show_text(f"not reached: {counts['not_reached']:,} listens")
    if counts["gone_before"]:
        show_text(f"gone before: {counts['gone_before']:,} listens")
    for problem in manifest["imbalances"]:
        show_text(f"the accounting does not balance: {sanitize(problem)}")
    if not is_dry:
        show_text(f"dedupe:   {removal_line(manifest)}", 10)
    run_id, same = sanitize(manifest["run_id"]), options_again(home, manifest["dsn"])
    show_command("pairs:    ", f"{program()} inspect {run_id} --sql likely_doubles{options_again(home)}")
    if is_dry:
        again = {"user": user, "spotify-time": manifest["settings"]["spotify_time"]}
        show_command("remove:   ", f"{program()} dedupe --yes{same}{as_options(again)}")
    else:
        show_command("back:     ", f"{program()} undo {run_id}{same}")
    show_text(f"run:      {sanitize(manifest['run_dir'])}", 10)


def show_removed(manifest: Mapping[str, Any]) -> None:
    """Print the closing line: how many listens were doubles and were removed."""
    removed, looked_at = manifest["counts"]["removed"], manifest["looked_at"]
    if not manifest["doubles"]:
        show_text(f"none of the {looked_at:,} listens is a likely double")
        return
    verb = "would remove" if manifest["status"] == "dry_run" else "removed"
    what = ", ".join(f"{manifest['removed'][name]:,} {name}" for name in _ENTITIES)
    show_text(f"{verb} {removed:,} of {looked_at:,} listens; left without listens: {what}")


def _client(name: str | None) -> str:
    return sanitize(name) if name else "(no client)"
