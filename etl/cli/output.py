"""Prints results on stdout: lines, tables, JSON, CSV. Everything else is logged (``etl.cli.log``).

Tables are not those of ``rich``, which cannot shorten a cell at its beginning and takes ten times as long per row.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import typer

from etl.cli.log import coloured
from etl.cli.streams import is_closed
from etl.core.errors import SettingsError
from etl.core.sanitize import is_active, sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BEYOND_JSON = re.compile("[^\0-~]")  # JSON itself escapes the control characters of ASCII, except DEL
_NARROWEST = 12  # characters that a shortened column keeps
_GAP = "  "


def show(line: str = "") -> None:
    """Print a line of the result.

    Raises ``BrokenPipeError`` if nobody reads it, ``SettingsError`` if it cannot be written, as on a full disk.
    """
    try:
        typer.echo(line)
    except OSError as error:
        if is_closed(error):
            raise BrokenPipeError(errno.EPIPE, error.strerror) from error
        raise SettingsError(
            f"the result cannot be written: {error.strerror}", "Free some space where the output goes"
        ) from error


def show_json(value: Any, indent: int | None = 2) -> None:  # noqa: ANN401 (any JSON value)
    """Print the result as JSON, on one line if ``indent`` is None.

    Characters that a terminal would act upon are escaped, which changes no value.
    """
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    show(_BEYOND_JSON.sub(_escaped, json.dumps(value, indent=indent, ensure_ascii=not is_unicode)))


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if not is_active(char):
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))


def show_csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the result as CSV: sanitized on a terminal, unchanged elsewhere."""
    shown = sanitize if sys.stdout.isatty() else str
    for row in (headers, *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([shown(cell) for cell in row])
        show(line.getvalue().removesuffix("\n"))


def show_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    right: Sequence[int] = (),
    cut: Sequence[int] = (),
    keep_end: Sequence[int] = (),
    colours: Mapping[int, str] | None = None,
) -> None:
    """Print a table: columns in ``right`` are aligned to the right, ``colours`` are those of rows, by their index.

    On a terminal that is too narrow, cells of the columns in ``cut`` are shortened: those in ``keep_end`` at their
    beginning, the others at their end. A file or a pipe gets every cell whole.
    """
    cells = _cells(headers, rows)
    widths = _widths(cells)
    if (available := _available()) is not None:
        _narrow(widths, cut, available)
    for number, row in enumerate(cells, start=-1):
        texts = [
            _fitted(cell, width, to_right=index in right, keep_end=index in keep_end)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        text, colour = _GAP.join(texts).rstrip(), (colours or {}).get(number)
        show(coloured(text, colour) if colour else text)
        if number < 0:
            show(_GAP.join("-" * width for width in widths))


def fits(
    headers: Sequence[str], rows: Sequence[Sequence[object]], cut: Sequence[int], narrowest: int = _NARROWEST
) -> bool:
    """Return whether a table can be printed without wrapped lines; columns in ``cut`` keep ``narrowest`` characters."""
    widths = _widths(_cells(headers, rows))
    available = _available()
    return available is None or _narrow(widths, cut, available, narrowest)


def show_records(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print each row as lines of its own, one per column."""
    width = max(map(len, headers))
    for number, row in enumerate(_cells(headers, rows)[1:], start=1):
        show(f"-- {number:,}")
        for header, cell in zip(headers, row, strict=True):
            show(f"{sanitize(header):{width}}  {cell}".rstrip())


def agreed(question: str) -> bool:
    """Ask on stderr (typer's own question writes to stdout too); where nobody can answer, the answer is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin is not None and sys.stdin.readline().strip().lower() in {"y", "yes"}


def _cells(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[list[str]]:
    return [[sanitize(f"{cell:,}" if type(cell) is int else cell) for cell in row] for row in (headers, *rows)]


def _widths(cells: list[list[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _available() -> int | None:
    """Return the width of the terminal; None if stdout is not one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _narrow(widths: list[int], cut: Sequence[int], available: int, narrowest: int = _NARROWEST) -> bool:
    """Shorten the widest of the columns in ``cut`` until all columns fit; return whether they do."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - available
    while excess > 0 and cut and widths[widest := max(cut, key=widths.__getitem__)] > narrowest:
        widths[widest] -= 1
        excess -= 1
    return excess <= 0


def _fitted(cell: str, width: int, *, to_right: bool, keep_end: bool) -> str:
    """Return ``cell`` in exactly ``width`` terminal columns."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(cell) > width:
        if keep_end:
            cell = "…" + set_cell_size(cell[::-1], width - 1)[::-1].strip()
        else:
            cell = set_cell_size(cell, width - 1).rstrip() + "…"
    blanks = " " * (width - cell_len(cell))
    return blanks + cell if to_right else cell + blanks
