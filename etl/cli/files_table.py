"""Shows which file has which format: a row per format in a folder or archive, whose counts add up to its records."""

from __future__ import annotations

import logging
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from etl.cli.output import show_table, show_text
from etl.core.lists import listed
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    File: TypeAlias = Mapping[str, Any]

logger = logging.getLogger(__name__)

_NAMED = 3
_IGNORED = 20  # rows of ignored files, at most
_NARROWEST = 20  # columns of the terminal that a path gets at least
_HEADERS = {"duplicate_in_input": "duplicate", "already_present": "present", "not_reached": "not reached"}
_NUMBER = re.compile(r"(\d+)")


class _Row(msgspec.Struct):
    """Files of one folder or archive with the same result: read as one format, refused or ignored."""

    place: str
    read_as: str
    is_ignored: bool
    files: list[File] = msgspec.field(default_factory=list)

    def label(self, common: str) -> str:
        """Return the label of the row: the path of a single file, or else the folder or archive."""
        path = self.files[0]["path"] if len(self.files) == 1 else self.place
        return path.removeprefix(common) or f"{PurePosixPath(common).name or '.'}/"

    def counts(self, terms: Iterable[str]) -> list[int]:
        """Return the sums of the counts of all files."""
        return [sum(_with_doubles(file)[term] for file in self.files) for term in terms]


def show_files(manifest: Mapping[str, Any], terms: Sequence[str], *, verbose: bool = False) -> None:
    """Print what the files of a manifest are, and their counts: by folder or archive, or one by one if ``verbose``.

    The first of ``terms`` is the sum of the others: a column is left out only if it is zero for every file. Known files
    have no counts and share one line.
    """
    every: Sequence[File] = sorted(manifest["files"], key=lambda file: natural(file["path"]))
    shown = [file for file in every if verbose or file["status"] != "known"]
    place = (lambda file: file["path"]) if verbose else (lambda file: place_of(file["path"]))
    common = _common_folder([place(file) for file in every])
    if len(every) > 1 and common:
        show_text(f"{len(every):,} files below {sanitize(common)}")
    rows = _grouped(shown, place)
    left_out = [] if verbose else [row for row in rows if row.is_ignored][_IGNORED:]
    if rows:
        _show_rows([row for row in rows if row not in left_out], terms, common)
    _show_others(manifest, sum(len(row.files) for row in left_out), 0 if verbose else len(every) - len(shown))


def _show_rows(rows: Sequence[_Row], terms: Sequence[str], common: str) -> None:
    sums = [row.counts(terms) for row in rows]
    totals = dict(zip(terms, map(sum, zip(*sums, strict=True)), strict=True))
    kept = [place for place, term in enumerate(terms) if totals[term] or term in (terms[0], "inserted", "listens")]
    counted = any(len(row.files) > 1 for row in rows)
    headers = ["file", *(["files"] if counted else []), "read as", *(_header(terms[place]) for place in kept)]
    cells = [
        (row.label(common), *([len(row.files)] if counted else []), row.read_as, *(one[place] for place in kept))
        for row, one in zip(rows, sums, strict=True)
    ]
    if len(rows) > 1:
        files = [sum(len(row.files) for row in rows)] if counted else []
        cells.append(("total", *files, "", *(totals[terms[place]] for place in kept)))
    read_as = headers.index("read as")
    right = [place for place in range(1, len(headers)) if place != read_as]
    show_table(headers, cells, right, cut=(0,), keep_end=(0,), below=(read_as,), narrowest=_NARROWEST)


def _show_others(manifest: Mapping[str, Any], ignored: int, known: int) -> None:
    if known:
        show_text(f"{counted(known, 'file')} known from earlier loads")
    if ignored:
        show_text(f"and {counted(ignored, 'more file')}: ignored")
    if hidden := _hidden(manifest):
        show_text(f"and {hidden}: not read")


def log_unread(manifest: Mapping[str, Any], *, verbose: bool = False) -> None:
    """Log why files were refused, as errors, and why files were ignored; ``verbose``: name all of them."""
    from etl.core.schema import FileStatus

    found: dict[tuple[FileStatus, str], list[str]] = {}
    for file in sorted(manifest["files"], key=lambda file: natural(file["path"])):
        if file["reason"] and file["status"] != "known":
            found.setdefault((FileStatus(file["status"]), file["reason"]), []).append(file["path"])
    for (status, reason), paths in found.items():
        level = logging.ERROR if status is FileStatus.REFUSED else logging.INFO
        logger.log(level, "%s: %s: %s", status.label, listed(paths, len(paths) if verbose else _NAMED), reason)


def natural(path: str) -> list[tuple[int, str]]:
    """Return a key that sorts paths in natural order: file2 before file10."""
    parts = _NUMBER.split(path)
    return [(int(part), "") if place % 2 else (-1, part) for place, part in enumerate(parts)]


def place_of(path: str) -> str:
    """Return the outermost archive that contains a file, or else its folder with a slash."""
    archive, mark, _ = path.partition("!")
    return archive if mark else path[: path.rfind("/") + 1]


def counted(number: int, noun: str) -> str:
    """Return a number followed by its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _grouped(files: Iterable[File], place: Callable[[File], str]) -> list[_Row]:
    rows: dict[tuple[str, str, str], _Row] = {}
    for file in files:
        read_as, is_ignored = _read_as(file), file["status"] == "left_aside"
        row = rows.setdefault((place(file), read_as, file["reason"] or ""), _Row(place(file), read_as, is_ignored))
        row.files.append(file)
    return list(rows.values())


def _common_folder(paths: Sequence[str]) -> str:
    """Return the folder or archive that contains all of ``paths``; empty if there is none."""
    if not paths:
        return ""
    first, last = min(paths), max(paths)
    ends = [index for index, (one, other) in enumerate(zip(first, last, strict=False)) if one != other]
    shared = ends[0] if ends else min(len(first), len(last))
    common = first[: max(first.rfind("/", 0, shared), first.rfind("!", 0, shared)) + 1]
    return "" if common == "/" else common


def _hidden(manifest: Mapping[str, Any]) -> str:
    """Return how many hidden files and folders were next to the files; empty for runs of older versions."""
    hidden = manifest.get("hidden", {})
    numbers = [(hidden.get("files", 0), "hidden file"), (hidden.get("folders", 0), "hidden folder")]
    return " and ".join(counted(number, noun) for number, noun in numbers if number)


def _read_as(file: File) -> str:
    """Return the format of a file that was read; for any other file, its status, and what it is if that is known."""
    from etl.core.schema import FileStatus

    if file["status"] == "loaded":
        return str(file["format"])
    return ": ".join(filter(None, (FileStatus(file["status"]).label, file.get("title"))))


def _with_doubles(file: File) -> dict[str, int]:
    """Return the counts of a file, with skipped likely doubles counted separately."""
    doubles = file.get("doubles_skipped", 0)
    return {**file["counts"], "skipped": file["counts"]["skipped"] - doubles, "doubles": doubles}


def _header(term: str) -> str:
    return _HEADERS.get(term, term.replace("_", " "))
