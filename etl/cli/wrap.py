"""Wraps text by word for a terminal. A word is never split: one that is too long, such as a path, runs over. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_PIECE = re.compile(r" *(?:`[^`]*`[^ ]*|[^ ]+)")  # a command in backticks is one piece
_WORD = re.compile(r" *[^ ]+")
_ARGUMENT = re.compile(r" *(?:'[^']*'|[^ '])+")


def width_of(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes; colours take none."""
    from rich.cells import cell_len

    return cell_len(_COLOUR.sub("", text))


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Return ``text`` as lines of at most ``width`` columns; lines after the first start with ``indent`` blanks."""
    return _lines(list(_pieces(text, width - indent)), width, indent, "")


def wrapped_command(text: str, width: int, indent: int = 0) -> list[str]:
    """Return a shell command as lines that can be pasted as they are: each line but the last ends with a backslash."""
    return _lines(_ARGUMENT.findall(text), width, indent, " \\")


def _pieces(text: str, room: int) -> Iterator[str]:
    for piece in _PIECE.findall(text):
        if width_of(piece.lstrip()) > room:
            yield from _WORD.findall(piece)
        else:
            yield piece


def _lines(pieces: list[str], width: int, indent: int, mark: str) -> list[str]:
    lines: list[str] = []
    line = ""
    for number, piece in enumerate(pieces):
        room = width - (len(mark) if number + 1 < len(pieces) else 0)
        if line.strip() and width_of(line + piece) > room:
            lines.append(line + mark)
            line = " " * indent + piece.lstrip()
        else:
            line += piece
    return [*lines, line]
