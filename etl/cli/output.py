"""Prints: data on stdout, narration on stderr. Text from exports and paths is made inert first."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from etl.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (writing direction), lone surrogate, line, paragraph
_JOINERS = "\u200c\u200d"  # parts of words and emoji, on which no terminal acts
_BEYOND_JSON = re.compile("[^\0-~]")  # JSON itself escapes the control characters of ASCII, but for DEL
_NARROWEST = 12  # columns are not cut below this
_GAP = "  "


def inert(text: object) -> str:
    """Return ``text`` with every character replaced that a terminal acts upon; ESC becomes ``␛``, for example."""
    return "".join(map(_inert_character, str(text)))


def _inert_character(char: str) -> str:
    if unicodedata.category(char) not in _ACTIVE or char in _JOINERS:
        return char
    return chr(0x2400 + ord(char)) if char < " " else "\ufffd"  # Unicode has pictures of the first 32


def program() -> str:
    """Return how this program was called, so that the commands that it suggests can be pasted into a shell."""
    called = sys.argv[0]
    if Path(called).name != "etl":
        return "etl"
    found = shutil.which("etl")
    return "etl" if found and Path(found).samefile(called) else shlex.quote(called)


def narrate(message: str) -> None:
    """Tell a person something; further lines of ``message`` are indented, so that each report begins with ``etl:``."""
    first, *more = message.replace("`etl ", f"`{program()} ").expandtabs(4).splitlines() or [""]
    lines = [f"etl: {first}", *(f"     {line}" for line in more if line.strip())]
    # not typer.echo, which writes past a progress bar that stands there
    with suppress(OSError):  # a log on a full disk, a pipe that nobody reads: no reason to end a run
        sys.stderr.write("".join(f"{inert(line)}\n" for line in lines))
        sys.stderr.flush()


def show(line: str = "") -> None:
    """Print a line of the result. Raises ``SettingsError`` where that is impossible, e.g. because the disk is full."""
    try:
        typer.echo(line)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(
            f"the result cannot be written: {error.strerror}", "Free some space where the output goes"
        ) from error


def show_json(value: Any) -> None:  # noqa: ANN401 (any JSON value)
    """Print the result for a program. What a terminal would act upon is escaped, which changes no value."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    show(_BEYOND_JSON.sub(_escaped, json.dumps(value, indent=2, ensure_ascii=not is_unicode)))


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if unicodedata.category(char) not in _ACTIVE or char in _JOINERS:
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def show_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    right: Sequence[int] = (),
    cut: Sequence[int] = (),
    keep_end: Sequence[int] = (),
) -> None:
    """Print a table; the columns in ``right`` are aligned to the right.

    On a terminal that is too narrow the cells of the columns in ``cut`` are shortened: at their beginning those in
    ``keep_end``, at their end the others. A file or a pipe always gets them whole.
    """
    from rich.cells import cell_len

    cells = _cells(headers, rows)
    widths = _widths(cells)
    if (available := _available()) is not None:
        _narrow(widths, cut, available)
    for number, row in enumerate(cells):
        line = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            text = _shorten(cell, width, keep_end=place in keep_end)
            blanks = " " * (width - cell_len(text))
            line.append(blanks + text if place in right else text + blanks)
        show(_GAP.join(line).rstrip())
        if number == 0:
            show(_GAP.join("-" * width for width in widths))


def fits(headers: Sequence[str], rows: Sequence[Sequence[object]], cut: Sequence[int]) -> bool:
    """Say whether a table can be printed without lines that wrap."""
    widths = _widths(_cells(headers, rows))
    available = _available()
    return available is None or _narrow(widths, cut, available)


def show_records(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print each row on lines of its own, one per column."""
    width = max(map(len, headers))
    for number, row in enumerate(_cells(headers, rows)[1:], start=1):
        show(f"-- {number:,}")
        for header, cell in zip(headers, row, strict=True):
            show(f"{inert(header):{width}}  {cell}".rstrip())


def _cells(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[list[str]]:
    return [[inert(f"{cell:,}" if type(cell) is int else cell) for cell in row] for row in (headers, *rows)]


def _widths(cells: list[list[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _available() -> int | None:
    """Return the width of the terminal; None where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _narrow(widths: list[int], cut: Sequence[int], available: int) -> bool:
    """Take from the widest of the columns in ``cut``, one character after the other; say whether all fit then."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - available
    while excess > 0 and cut and widths[widest := max(cut, key=widths.__getitem__)] > _NARROWEST:
        widths[widest] -= 1
        excess -= 1
    return excess <= 0


def _shorten(cell: str, width: int, *, keep_end: bool) -> str:
    from rich.cells import cell_len, set_cell_size

    if cell_len(cell) <= width:
        return cell
    if keep_end:
        return "…" + set_cell_size(cell[::-1], width - 1)[::-1].strip()
    return set_cell_size(cell, width - 1).rstrip() + "…"


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how far the work is: a bar on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, advance=done, total=total)
