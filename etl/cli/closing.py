"""Writes the closing line: how a run ended, and what to do next if there is anything to do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from etl.cli.log import log_failure, log_run_end, log_settings
from etl.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

_AGAIN = "run the same command again"


def log_ending(manifest: Mapping[str, Any], closing: str, *, is_printed: bool) -> None:
    """Log how a run ended. ``closing`` says it in one line; ``is_printed``: that line is already on stdout."""
    if manifest["status"] == "interrupted":  # the closing line says everything, and nothing has failed
        if log_settings.as_json:
            logger.warning("%s", closing)
        elif not is_printed:
            log_failure(closing, exit_code=manifest["exit_code"])
    elif manifest["error"]:
        log_failure(manifest["error"], exit_code=manifest["exit_code"])
    log_run_end(closing, **{name: manifest[name] for name in ("status", "exit_code", "run_dir", "counts", "timings")})


def removal_line(manifest: Mapping[str, Any]) -> str:
    """Return the closing line of a run that removes listens."""
    status = manifest["status"].replace("_", " ")
    return f"{status}; {_AGAIN} for the rest" if status in ("interrupted", "failed") else status


def closing_line(manifest: Mapping[str, Any]) -> str:
    """Return the sentence that says what a run did; ``manifest`` is its ``run.json``."""
    status, inserted = manifest["status"], _listens(manifest["counts"]["inserted"])
    if status == "interrupted":
        return _interrupted(manifest)
    if status == "failed":
        return _failed(manifest)
    if not manifest["files"]:
        return "nothing new: there are no files"
    if status == "dry_run":
        return f"{inserted} would be inserted; nothing was written to the database"
    known = sum(file["status"] == "known" for file in manifest["files"])
    if known and not any(file["status"] == "loaded" for file in manifest["files"]):
        what = "the file was" if known == 1 else f"all {known:,} files were"
        return f"nothing new, {what} loaded before (--force loads them again)"
    return f"{inserted} inserted{_exceptions(manifest)}"


def _interrupted(manifest: Mapping[str, Any]) -> str:
    if manifest["settings"]["dry_run"]:
        return "it was a dry run, so nothing was written to the database"
    if not manifest["files"]:
        return f"nothing was loaded yet, the files were still being read; {_AGAIN}"
    rest = "for the rest" if manifest["counts"]["not_reached"] else "to complete it"
    return f"{_part(manifest)} inserted; {_AGAIN} {rest}"


def _failed(manifest: Mapping[str, Any]) -> str:
    if manifest["error"]:
        return f"{_part(manifest)} inserted; fix what the error says, then {_AGAIN} for the rest"
    return f"{_part(manifest)} inserted, but the accounting does not balance: run `etl verify`"


def _part(manifest: Mapping[str, Any]) -> str:
    """Return how many of the listens to load were inserted, and how many were there before."""
    counts = manifest["counts"]
    listens = counts["records"] - counts["skipped"] - counts["rejected"]
    before = f" ({counts['already_present']:,} more were there before)" if counts["already_present"] else ""
    return f"{counts['inserted']:,} of {_listens(listens)}{before}"


def _exceptions(manifest: Mapping[str, Any]) -> str:
    """Return what a finished load did not load, and the reason for its exit code."""
    counts, code = manifest["counts"], manifest["exit_code"]
    refused = sum(file["status"] == "refused" for file in manifest["files"])
    numbers = (
        (counts["rejected"], "rejected row"),
        (counts["unresolved"], "unresolved listen"),
        (refused, "refused file"),
    )
    parts = [f"{number:,} {noun}{'' if number == 1 else 's'}" for number, noun in numbers if number]
    if not parts:
        return ""
    return f", complete except for {' and '.join(parts)}{_about_code(code, counts, manifest['settings'])}"


def _about_code(code: int, counts: Mapping[str, int], settings: Mapping[str, Any]) -> str:
    rejected, most = counts["rejected"], settings["max_rejects"]
    if code == ExitCode.OK:
        return ""
    if code == ExitCode.REJECTS and not counts["unresolved"]:
        return f"; the exit code is 5 because --max-rejects is {most} (--max-rejects {rejected} accepts them)"
    return f"; therefore the exit code is {code}"


def _listens(number: int) -> str:
    return f"{number:,} listen{'' if number == 1 else 's'}"
