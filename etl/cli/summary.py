"""Shows people what became of files and rows: the tables of ``etl run``, ``etl check`` and ``etl runs show``."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from etl.cli.closing import closing_line, log_ending
from etl.cli.log import coloured, program
from etl.cli.output import fits, show, show_json, show_table
from etl.cli.streams import unless_closed
from etl.core.lists import listed
from etl.core.sanitize import sanitize
from etl.core.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

logger = logging.getLogger(__name__)

_NAMED = 3
_ASIDE = 20  # files that are ignored and shown, each in a line
_NARROWEST = 20  # characters that a path, and what a file is, keep before columns are left out
_HEADERS = {"duplicate_in_input": "duplicate", "already_present": "present"}
_COLOUR = {"complete": "green", "partial": "yellow", "interrupted": "yellow", "failed": "red", "dry_run": "bold"}


def show_files(manifest: Mapping[str, Any], terms: Sequence[str]) -> None:
    """Print what every file of a manifest is and its counts; log why some were not read.

    The first of ``terms`` is the sum of the others: a column is left out only where it is zero for every file. On a
    terminal that is too narrow, paths and what files are get shortened, then the columns between the first and the
    listens are added up.
    """
    every: Sequence[Mapping[str, Any]] = manifest["files"]
    common = _common_folder([file["path"] for file in every])
    if common:
        show(f"{len(every):,} files below {sanitize(common)}")
    files = _without_crowd(every)
    counts = [_with_doubles(file) for file in files]
    total = {name: sum(one[name] for one in counts) for name in terms}
    first, listens = terms[0], "inserted" if "inserted" in terms else "listens"
    terms = [name for name in terms if total[name] or name in (first, listens)]
    few = [first, *(["other"] if total[first] > total[listens] else []), listens]
    names = [(file["path"].removeprefix(common), _read_as(file)) for file in files] + [("total", "")]
    numbers = [{**one, "other": one[first] - one[listens]} for one in (*counts, total)]
    layouts = ((2, terms), (1, terms), (2, few), (1, few), (1, [listens]))
    for texts, columns in layouts:
        headers = [*("file", "read as")[:texts], *(_HEADERS.get(name, _words(name)) for name in columns)]
        cells = [(*name[:texts], *(one[term] for term in columns)) for name, one in zip(names, numbers, strict=True)]
        if fits(headers, cells, cut=range(texts), narrowest=_NARROWEST):
            break
    show_table(headers, cells, right=range(texts, len(headers)), cut=range(texts), keep_end=(0,))
    if len(files) < len(every):
        show(f"and {len(every) - len(files):,} more files: ignored")
    if hidden := _hidden(manifest):
        show(f"and {hidden}: not read")
    for (status, reason), paths in _unread(every).items():
        logger.info("%s: %s: %s", status, listed(paths, _NAMED), reason)


def _without_crowd(files: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return ``files`` without most of those that are ignored, such as the pictures of a download."""
    aside = [file for file in files if file["status"] == "left_aside"]
    crowd = {id(file) for file in aside[_ASIDE:]}
    return [file for file in files if id(file) not in crowd]


def _hidden(manifest: Mapping[str, Any]) -> str:
    """Return how many hidden files and folders were next to the files; runs of older versions do not say."""
    hidden = manifest.get("hidden", {})
    numbers = [(hidden.get("files", 0), "hidden file"), (hidden.get("folders", 0), "hidden folder")]
    return " and ".join(f"{number:,} {noun}{'' if number == 1 else 's'}" for number, noun in numbers if number)


def _read_as(file: Mapping[str, Any]) -> str:
    """Return the format of a file that was read; of any other what became of it, and what it is if that is known."""
    if file["status"] == "loaded":
        return str(file["format"])
    return ": ".join(filter(None, (_file_status(file["status"]), file.get("title"))))


def _with_doubles(file: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of a file; likely doubles that were skipped are counted apart."""
    doubles = file.get("doubles_skipped", 0)
    return {**file["counts"], "skipped": file["counts"]["skipped"] - doubles, "doubles": doubles}


def show_rows(counts: Mapping[str, int], terms: Sequence[str], manifest: Mapping[str, Any]) -> None:
    """Print the counts of ``terms``, and of the skips and rejects how often each reason occurs."""
    by_reason = {"skipped": manifest["skipped_by_reason"], "rejected": manifest["rejected_by_reason"]}
    rows: list[tuple[str, int]] = []
    for name in terms:
        rows.append((_words(name), counts[name]))
        rows += [(f"  {reason}", times) for reason, times in by_reason.get(name, {}).items()]
    colours = {index: _row_colour(name, number) for index, (name, number) in enumerate(rows)}
    show_table(("rows", "count"), rows, right=(1,), colours={index: one for index, one in colours.items() if one})


def _row_colour(name: str, number: int) -> str:
    if not number:
        return "dim"
    return {"inserted": "green", "rejected": "yellow", "unresolved": "red", "not_reached": "yellow"}.get(name, "")


def conclude(manifest: Mapping[str, Any], home: str | None, *, json: bool) -> NoReturn:
    """Print what became of a run that has just ended, and end the program with its exit code."""
    with unless_closed():
        if json:
            show_json(manifest)
        else:
            show_manifest(manifest, home)
    log_ending(manifest, f"{_words(manifest['status'])}: {closing_line(manifest)}", is_printed=not json)
    raise typer.Exit(manifest["exit_code"])


def show_manifest(manifest: Mapping[str, Any], home: str | None = None) -> None:
    """Print what became of a run: files, rows, keys, where it is, what to try next. ``home``: as the user gave it."""
    from etl.core.schema import ROW_COUNTS

    counts, created = manifest["counts"], manifest["created"]
    first, *others, last = ROW_COUNTS
    show_files(manifest, (first, "doubles", *others, last))
    show()
    # a complete run has none of them, and a row that is always 0 says nothing
    show_rows(counts, [name for name in ROW_COUNTS if counts[name] or name != "not_reached"], manifest)
    show()
    not_reached = f", {counts['keys_not_reached']:,} not reached" if counts["keys_not_reached"] else ""
    show(
        f"keys: {counts['keys']:,} (distinct artist, track, album): {counts['cache_hits']:,} known, "
        f"{counts['resolved']:,} resolved, {counts['failed']:,} failed{not_reached}"
    )
    show(f"new:  {created['artists']:,} artists, {created['albums']:,} albums, {created['tracks']:,} tracks")
    tell_caveats(manifest)
    _tell_doubles(manifest)
    tell_missing_pages(manifest)
    if manifest["other_user"]:
        logger.warning("%s listens are in the database for another user", f"{manifest['other_user']:,}")
    for problem in manifest["imbalances"]:
        logger.info("the accounting does not balance: %s", problem)
    show()
    show(f"{coloured(_words(manifest['status']), _COLOUR[manifest['status']])}: {closing_line(manifest)}")
    run_dir = Path(manifest["run_dir"])
    show(f"database: {_database(manifest['dsn'], run_dir)}")
    show(f"run:      {sanitize(run_dir)}")
    if replayed := manifest["settings"].get("replay_of"):
        show(f"replayed: {replayed}")
    _show_hints(manifest, home)


def tell_caveats(manifest: Mapping[str, Any]) -> None:
    """Log what people should know about what was read; runs of earlier versions say nothing of it."""
    for caveat in manifest.get("caveats", ()):
        logger.info("%s", caveat)


def _tell_doubles(manifest: Mapping[str, Any]) -> None:
    twins = manifest["account_twins"]
    tell_likely_doubles(manifest, manifest["run_id"], twins)
    if twins:
        logger.info(
            "plays that are in the database a second time, from Spotify's account data (to the minute, without album): "
            "%s. `etl dedupe` removes those",
            f"{twins:,}",
        )


def tell_likely_doubles(manifest: Mapping[str, Any], run_id: str | None = None, twins: int = 0) -> None:
    """Log how many likely doubles were skipped or, without the ``twins``, loaded, and how to see and to keep them."""
    if kept := manifest["likely_doubles"] - twins:
        logger.info(
            "likely doubles of another service's listens, loaded all the same (--doubles keep): %s%s",
            f"{kept:,}",
            _compared(run_id),
        )
    if skipped := manifest["skipped_by_reason"].get("likely_double"):
        logger.info(
            "likely doubles, left out because another service recorded the same play: %s; --doubles keep loads them%s",
            f"{skipped:,}",
            _compared(run_id),
        )


def tell_missing_pages(manifest: Mapping[str, Any]) -> None:
    """Log which pages of an API are not among the files, according to their own totals."""
    from etl.runs.missing_pages import sentences

    for sentence in sentences(manifest):
        logger.warning("%s", sentence)


def _compared(run_id: str | None) -> str:
    return f". `etl inspect {run_id} --sql likely_doubles` shows each next to its partner" if run_id else ""


def _show_hints(manifest: Mapping[str, Any], home: str | None) -> None:
    run_id, counts = manifest["run_id"], manifest["counts"]
    option = f" --home {shlex.quote(home)}" if home else ""
    suffix = sanitize(option)
    if counts["records"]:
        show(f"try:      {program()} inspect {run_id} --sql top_artists{suffix}")
        show(f"          {program()} runs show {run_id}{suffix}")
        if counts["rejected"] or counts["unresolved"] or counts["not_reached"]:
            show(f"          {program()} rejects list {run_id}{suffix}")
    else:
        show(f"try:      {program()} runs list{suffix}")


def _database(dsn: str, run_dir: Path) -> str:
    if dsn != EMBEDDED:
        return sanitize(dsn)
    return f"the embedded server's, in {sanitize(run_dir.parent.parent / 'postgres')}"


def _common_folder(paths: Sequence[str]) -> str:
    """Return what all of ``paths`` begin with, up to a folder or archive; empty where that is nothing."""
    if len(paths) < 2:
        return ""
    first, last = min(paths), max(paths)
    shared = next((index for index, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), 0)
    common = first[: max(first.rfind("/", 0, shared), first.rfind("!", 0, shared)) + 1]
    return "" if common == "/" else common


def _unread(files: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Return the paths of the files that were refused or ignored, by status and reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in files:
        if file["reason"] and file["status"] != "known":
            found.setdefault((_file_status(file["status"]), file["reason"]), []).append(file["path"])
    return found


def _file_status(status: str) -> str:
    from etl.core.schema import FileStatus

    return FileStatus(status).label


def _words(name: str) -> str:
    return name.replace("_", " ")
