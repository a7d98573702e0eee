"""Prints: data on stdout, narration on stderr. Text from exports and paths is made inert first."""

from __future__ import annotations

import json
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ACTIVE = {"Cc", "Cf", "Zl", "Zp"}  # control, format (writing direction), line and paragraph separators


def inert(text: object) -> str:
    """Return ``text`` with every character replaced that a terminal acts upon."""
    return "".join("\ufffd" if unicodedata.category(char) in _ACTIVE else char for char in str(text))


def narrate(message: str) -> None:
    """Tell a person something."""
    typer.echo(f"etl: {inert(message)}", err=True)


def show(line: str = "") -> None:
    """Print a line of the result."""
    typer.echo(line)


def show_json(value: Any) -> None:  # noqa: ANN401 (any JSON value)
    """Print the result for a program."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(headers: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
    """Print a table; the columns in ``right`` are aligned to the right."""
    from rich.cells import cell_len

    cells = [[inert(f"{cell:,}" if isinstance(cell, int) else cell) for cell in row] for row in (headers, *rows)]
    widths = [max(cell_len(row[place]) for row in cells) for place in range(len(headers))]
    for number, row in enumerate(cells):
        padded = [
            " " * (widths[place] - cell_len(cell)) + cell
            if place in right
            else cell + " " * (widths[place] - cell_len(cell))
            for place, cell in enumerate(row)
        ]
        show("  ".join(padded).rstrip())
        if number == 0:
            show("  ".join("-" * width for width in widths))


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
