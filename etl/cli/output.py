"""Prints results on stdout: lines, tables, JSON, CSV. Everything else is logged (``etl.cli.log``).

Lines are wrapped or shortened only on a terminal. Tables do not use ``rich``, which cannot shorten a cell at its
beginning and takes ten times as long per row.
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

from etl.cli.log import coloured, for_stderr
from etl.cli.streams import is_closed
from etl.cli.table import NARROWEST, TextTable
from etl.cli.wrap import wrapped, wrapped_command
from etl.core.errors import SettingsError
from etl.core.sanitize import is_active, sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BEYOND_JSON = re.compile("[^\0-~]")  # JSON itself escapes ASCII control characters, except DEL


def show(line: str = "") -> None:
    """Print a line of the result.

    Raises ``BrokenPipeError`` if the pipe is closed, ``SettingsError`` if stdout cannot be written, as on a full disk.
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

    Characters that a terminal acts on are escaped, which changes no value.
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
    """Print the result as CSV: sanitized on a terminal, otherwise unchanged."""
    shown = sanitize if sys.stdout.isatty() else str
    for row in (headers, *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([shown(cell) for cell in row])
        show(line.getvalue().removesuffix("\n"))


def show_text(text: str, indent: int = 2) -> None:
    """Print a sentence; on a terminal it is wrapped by word, and lines after the first are indented."""
    available = _available()
    for line in [text] if available is None else wrapped(text, available, indent):
        show(line)


def show_command(label: str, command: str) -> None:
    """Print a suggested shell command after a label. On a terminal, it is wrapped into lines that can be pasted."""
    available = _available()
    text = f"{label}{command}"
    for line in [text] if available is None else wrapped_command(text, available, len(label)):
        show(line)


def show_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    right: Sequence[int] = (),
    cut: Sequence[int] = (),
    keep_end: Sequence[int] = (),
    below: Sequence[int] = (),
    colours: Mapping[int, str] | None = None,
    narrowest: int = NARROWEST,
) -> None:
    """Print a table. Columns in ``right`` are aligned right; ``colours`` has the colours of rows, by their index.

    On a terminal that is too narrow, cells in ``cut`` are shortened, but not below ``narrowest``: those also in
    ``keep_end`` at their beginning, the others at their end. Columns in ``below`` are wrapped instead; if that is not
    enough, they move below their row, and finally all columns except the first do. A pipe gets every cell on one line.
    """
    first, *others = _cells(headers, rows)
    table = TextTable(first, others, right, cut, keep_end, below, narrowest)
    for number, text in table.lines(_available()):
        colour = (colours or {}).get(number)
        show(coloured(text, colour) if colour else text)


def fits(
    headers: Sequence[str], rows: Sequence[Sequence[object]], cut: Sequence[int], narrowest: int = NARROWEST
) -> bool:
    """Return whether a table fits without wrapped lines; columns in ``cut`` keep ``narrowest`` characters."""
    first, *others = _cells(headers, rows)
    table = TextTable(first, others, cut=cut, narrowest=narrowest)
    return table.narrowed(range(len(first)), _available()) is not None


def show_records(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print each row as separate lines, one per column."""
    width = max(map(len, headers))
    for number, row in enumerate(_cells(headers, rows)[1:], start=1):
        show(f"-- {number:,}")
        for header, cell in zip(headers, row, strict=True):
            show(f"{sanitize(header):{width}}  {cell}".rstrip())


def confirm(question: str, otherwise: str, *, json: bool = False) -> None:
    """Ask on stderr whether to continue (Typer's own question also writes to stdout).

    If the answer is no, prints ``otherwise``, which says what was not done, and exits with 0, because nothing failed.
    Raises ``SettingsError`` if stdin cannot answer, so that a script does not take that for a success.
    """
    sys.stderr.write("\n".join(for_stderr(f"{question} [y/N]")) + " ")
    sys.stderr.flush()
    answer = sys.stdin.readline() if sys.stdin else ""
    if answer.strip().lower() in {"y", "yes"}:
        return
    if not answer and not (sys.stdin and sys.stdin.isatty()):
        sys.stderr.write("\n")
        raise SettingsError(f"{otherwise}, because there was no answer", "Use --yes to run without being asked")
    show_json({"declined": True, "message": otherwise}) if json else show(otherwise)
    raise typer.Exit


def _cells(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[list[str]]:
    return [[sanitize(f"{cell:,}" if type(cell) is int else cell) for cell in row] for row in (headers, *rows)]


def _available() -> int | None:
    """Return the width of the terminal; None if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
