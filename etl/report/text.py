"""Writes the sentences of the page: the outcome of a run, and notices for the reader. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.core.schema import FileStatus, Outcome, RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTCOMES: dict[str, str] = {
    str(Outcome.INSERTED): "new in the database",
    str(Outcome.ALREADY_PRESENT): "listens that the database had before",
    str(Outcome.DUPLICATE_IN_INPUT): "listens that another row of the same run has, too",
    "skipped": "rows that are fine but are not listens",
    "rejected": "rows that are broken",
    str(Outcome.UNRESOLVED): "listens whose artist, album or track could not be found or created",
    str(Outcome.NOT_REACHED): "listens that the run did not reach, because it ended early",
}
"""The meaning of each outcome of a record, in the order in which the page shows them."""


def plural(number: int, noun: str) -> str:
    """Return ``number`` with ``noun``, which is given in the singular."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def spaced(name: str) -> str:
    """Return a name from ``run.json`` as people read it, with spaces."""
    return name.replace("_", " ")


def headline(manifest: Mapping[str, Any]) -> str:
    """Return the headline: what a run did."""
    inserted, status = manifest["counts"]["inserted"], manifest["status"]
    listens = plural(inserted, "listen")
    if status == RunStatus.DRY_RUN:
        return f"{listens} would be loaded"
    if status == RunStatus.INTERRUPTED:
        return f"The run was interrupted after {listens}" if inserted else "The run was interrupted"
    if status == RunStatus.FAILED:
        return f"The run failed after {listens}" if inserted else "The run failed"
    if inserted:
        return f"{listens} loaded"
    return "Nothing new to load"


def accounted(counts: Mapping[str, int]) -> str:
    """Return the number of records by outcome, as a sentence."""
    return ", ".join(f"{counts[name]:,} {spaced(name)}" for name in OUTCOMES if counts[name]) or "nothing"


def notices(manifest: Mapping[str, Any], missing: list[str]) -> list[tuple[str, str]]:
    """Return the notices for the reader, each with its level: ``error``, ``warning`` or ``note``."""
    counts, files = manifest["counts"], manifest["files"]
    found = []
    if manifest["error"]:
        found.append(("error", " ".join(manifest["error"].split())))
    found += [("error", f"The accounting does not balance: {problem}") for problem in manifest["imbalances"]]
    if missing:
        found.append(("error", f"Not in the run directory, so left out here: {', '.join(missing)}"))
    if manifest["status"] == RunStatus.DRY_RUN:
        found.append(("note", "A dry run: nothing was written to the database."))
    if manifest.get("undone_by"):
        found.append(("warning", f"This run was undone by run {manifest['undone_by']}: what it inserted is removed."))
    if manifest["other_user"]:
        listens = plural(manifest["other_user"], "listen")
        found.append(("warning", f"{listens} could not be loaded: the database has them for another user."))
    known = sum(file["status"] == FileStatus.KNOWN for file in files)
    if known and not counts["records"]:
        found.append(("note", f"{_were(known)} loaded by an earlier run, whose report has the listens."))
    elif not counts["records"]:
        found.append(("note", "No file of this run has records."))
    return found


def _were(number: int) -> str:
    return "The file was" if number == 1 else f"All {number:,} files that are known here were"
