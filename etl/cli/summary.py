"""Shows what became of files and rows: the tables of ``etl run``, ``etl check`` and ``etl runs show``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from etl.cli.closing import closing_line, log_ending
from etl.cli.files_table import log_unread, show_files
from etl.cli.log import coloured, program
from etl.cli.output import show, show_command, show_json, show_table, show_text
from etl.cli.streams import unless_closed
from etl.cli.workspace import options_again
from etl.core.sanitize import sanitize
from etl.core.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.core.settings import OutputSettings

logger = logging.getLogger(__name__)

_LABEL = 10  # columns that a label and its padding take
_COLOUR = {"complete": "green", "partial": "magenta", "interrupted": "magenta", "failed": "red", "dry_run": "bold"}
_ROW_COLOUR = {"inserted": "green", "rejected": "magenta", "unresolved": "red", "not_reached": "magenta"}


def show_rows(counts: Mapping[str, int], terms: Sequence[str], manifest: Mapping[str, Any]) -> None:
    """Print the counts of ``terms`` and, for skips and rejects, how often each reason occurs."""
    by_reason = {"skipped": manifest["skipped_by_reason"], "rejected": manifest["rejected_by_reason"]}
    rows: list[tuple[str, int]] = []
    for name in terms:
        rows.append((_words(name), counts[name]))
        rows += [(f"  {reason}", times) for reason, times in by_reason.get(name, {}).items()]
    colours = {index: _row_colour(name, number) for index, (name, number) in enumerate(rows)}
    show_table(("rows", "count"), rows, right=(1,), colours={index: one for index, one in colours.items() if one})


def _row_colour(name: str, number: int) -> str:
    return _ROW_COLOUR.get(name, "") if number else ""


def conclude(manifest: Mapping[str, Any], home: str | None, output: OutputSettings) -> NoReturn:
    """Print the result of a run that has just ended, and exit with its exit code."""
    with unless_closed():
        if output.json:
            show_json(manifest)
        elif output.quiet:
            log_unread(manifest)
            _show_end(manifest)
        else:
            show_manifest(manifest, home, verbose=output.verbose)
    closing = f"{_words(manifest['status'])}: {closing_line(manifest)}"
    log_ending(manifest, closing, is_printed=not output.json)
    raise typer.Exit(manifest["exit_code"])


def show_manifest(manifest: Mapping[str, Any], home: str | None = None, *, verbose: bool = False) -> None:
    """Print the result of a run: files, rows, keys, its directory, what to try next. ``home`` is as typed."""
    from etl.core.schema import ROW_COUNTS

    first, *others, last = ROW_COUNTS
    show_files(manifest, (first, "doubles", *others, last), verbose=verbose)
    log_unread(manifest, verbose=verbose)
    if manifest["run_dir"]:
        _show_account(manifest)
    show()
    _show_end(manifest)
    run_dir = Path(manifest["run_dir"]) if manifest["run_dir"] else None
    show_text(f"database: {_database(manifest['dsn'], run_dir)}", _LABEL)
    if run_dir:
        show_text(f"run:      {sanitize(run_dir)}", _LABEL)
    if replayed := manifest["settings"].get("replay_of"):
        show_text(f"replayed: {replayed}", _LABEL)
    _show_hints(manifest, home)


def _show_account(manifest: Mapping[str, Any]) -> None:
    """Print what became of rows and keys, and log what deserves attention."""
    from etl.core.schema import ROW_COUNTS

    counts, created = manifest["counts"], manifest["created"]
    show()
    # these are 0 in a complete run, and a row that is always 0 says nothing
    show_rows(counts, [name for name in ROW_COUNTS if counts[name] or name != "not_reached"], manifest)
    show()
    not_reached = f", {counts['keys_not_reached']:,} not reached" if counts["keys_not_reached"] else ""
    show_text(
        f"keys: {counts['keys']:,} (distinct artist, track, album): {counts['cache_hits']:,} known, "
        f"{counts['resolved']:,} resolved, {counts['failed']:,} failed{not_reached}",
        6,
    )
    show_text(f"new:  {created['artists']:,} artists, {created['albums']:,} albums, {created['tracks']:,} tracks", 6)
    log_caveats(manifest)
    _log_doubles(manifest)
    log_missing_pages(manifest)
    if manifest["other_user"]:
        logger.warning("%s listens are in the database for another user", f"{manifest['other_user']:,}")
    for problem in manifest["imbalances"]:
        logger.info("the accounting does not balance: %s", problem)


def _show_end(manifest: Mapping[str, Any]) -> None:
    show_text(f"{coloured(_words(manifest['status']), _COLOUR[manifest['status']])}: {closing_line(manifest)}")


def log_caveats(manifest: Mapping[str, Any]) -> None:
    """Log what people should know about the files that were read; runs of earlier versions did not record it."""
    for caveat in manifest.get("caveats", ()):
        logger.info("%s", caveat)


def _log_doubles(manifest: Mapping[str, Any]) -> None:
    in_account_data = manifest["account_twins"]
    log_likely_doubles(manifest, manifest["run_id"], in_account_data)
    if in_account_data:
        logger.info(
            "plays that are in the database a second time, from Spotify's account data (to the minute, without album): "
            "%s. `etl dedupe` removes those",
            f"{in_account_data:,}",
        )


def log_likely_doubles(manifest: Mapping[str, Any], run_id: str | None = None, in_account_data: int = 0) -> None:
    """Log how many likely doubles were skipped or, except ``in_account_data``, loaded, and how to see and keep them."""
    if kept := manifest["likely_doubles"] - in_account_data:
        logger.info(
            "likely doubles of another service's listens, loaded anyway (--doubles keep): %s%s",
            f"{kept:,}",
            _compared(run_id),
        )
    if skipped := manifest["skipped_by_reason"].get("likely_double"):
        logger.info(
            "likely doubles, skipped because another service recorded the same play: %s; --doubles keep loads them%s",
            f"{skipped:,}",
            _compared(run_id),
        )


def log_missing_pages(manifest: Mapping[str, Any]) -> None:
    """Log which pages of an API are missing from the files, according to their own totals."""
    from etl.runs.missing_pages import sentences

    for sentence in sentences(manifest):
        logger.warning("%s", sentence)


def _compared(run_id: str | None) -> str:
    return f". `etl inspect {run_id} --sql likely_doubles` shows each next to its partner" if run_id else ""


def _show_hints(manifest: Mapping[str, Any], home: str | None) -> None:
    run_id, counts = manifest["run_id"], manifest["counts"]
    suffix = options_again(home)
    if counts["records"]:
        show_command("try:      ", f"{program()} inspect {run_id} --sql top_artists{suffix}")
        show_command("          ", f"{program()} runs show {run_id}{suffix}")
        if counts["rejected"] or counts["unresolved"]:
            show_command("          ", f"{program()} rejects list {run_id}{suffix}")
    else:
        show_command("try:      ", f"{program()} runs list{suffix}")


def _database(dsn: str, run_dir: Path | None) -> str:
    if dsn != EMBEDDED:
        return sanitize(dsn)
    if run_dir is None:
        return "the embedded server's"
    return f"the embedded server's, in {sanitize(run_dir.parent.parent / 'postgres')}"


def _words(name: str) -> str:
    return name.replace("_", " ")
