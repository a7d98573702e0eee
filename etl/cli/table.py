"""Lays out tables for the width of a terminal. A narrow terminal needs more lines, but nothing is lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from etl.cli.wrap import width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

NARROWEST = 12
"""Columns of the terminal that a shortened column gets at least."""
_NARROWEST_TEXT = 20  # columns of the terminal that wrapped text gets at least
_GAP = "  "
_INDENT = 2
_BOUND = "\N{NO-BREAK SPACE}"  # keeps a header and its cell on one line


@dataclass(frozen=True)
class TextTable:
    """A table of text without characters that a terminal acts on. Columns are identified by their index."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    """Columns that are aligned to the right."""
    cut: Collection[int] = ()
    """Columns whose cells are shortened on a narrow terminal, such as paths."""
    keep_end: Collection[int] = ()
    """Columns of ``cut`` that are shortened at their beginning."""
    below: Collection[int] = ()
    """Columns that are never shortened: they are wrapped, or move below their row if there is no room."""
    narrowest: int = NARROWEST
    widths: list[int] = field(init=False)

    def __post_init__(self) -> None:
        every = (self.headers, *self.rows)
        object.__setattr__(self, "widths", [max(map(width_of, column)) for column in zip(*every, strict=True)])

    def lines(self, available: int | None) -> Iterator[tuple[int, str]]:
        """Yield each line with the index of its row, -1 for the headers. ``available`` None: any width."""
        every = range(len(self.headers))
        listed = [column for column in every if column not in self.below]
        for columns, wraps in ((every, False), (every, True), (listed, False)):
            if (widths := self.narrowed(columns, available, wraps=wraps)) is not None:
                yield from self._grid(widths, available or 0)
                return
        for number, row in enumerate(self.rows):
            yield from ((number, line) for line in wrapped(row[0], available or 0, _INDENT))
            yield from ((number, line) for line in self._details(row, every[1:], available or 0))

    def narrowed(self, columns: Sequence[int], available: int | None, *, wraps: bool = False) -> dict[int, int] | None:
        """Return the width of each of ``columns`` within ``available`` columns of a terminal; None if they do not fit.

        Columns in ``cut`` become narrower and, if the table ``wraps``, those in ``below``: the widest one first.
        """
        widths = {column: self.widths[column] for column in columns}
        if available is None:
            return widths
        least = {column: self.narrowest for column in self.cut if column in widths}
        if wraps:
            least |= {column: max(_NARROWEST_TEXT, self._longest_word(column)) for column in self.below}
        excess = sum(widths.values()) + len(_GAP) * (len(widths) - 1) - available
        while excess > 0 and (wide := [column for column in least if widths[column] > least[column]]):
            widths[max(wide, key=widths.__getitem__)] -= 1
            excess -= 1
        return widths if excess <= 0 else None

    def _longest_word(self, column: int) -> int:
        words = (word for row in (self.headers, *self.rows) for word in row[column].split())
        return max(map(width_of, words), default=0)

    def _grid(self, widths: dict[int, int], available: int) -> Iterator[tuple[int, str]]:
        yield -1, self._line([self.headers[column] for column in widths], widths)
        yield -1, _GAP.join("-" * width for width in widths.values())
        rest = [column for column in range(len(self.headers)) if column not in widths]
        for number, row in enumerate(self.rows):
            for cells in zip_longest(*(self._parts(row[column], column, widths) for column in widths), fillvalue=""):
                yield number, self._line(cells, widths)
            yield from ((number, line) for line in self._details(row, rest, available))

    def _parts(self, cell: str, column: int, widths: dict[int, int]) -> list[str]:
        """Return a cell as lines: one line, or several for text that is wrapped."""
        return wrapped(cell, widths[column]) if column in self.below and width_of(cell) > widths[column] else [cell]

    def _line(self, cells: Sequence[str], widths: dict[int, int]) -> str:
        fitted = [
            _fitted(cell, width, to_right=column in self.right, keep_end=column in self.keep_end)
            for cell, (column, width) in zip(cells, widths.items(), strict=True)
        ]
        return _GAP.join(fitted).rstrip()

    def _details(self, row: Sequence[str], columns: Sequence[int], available: int) -> list[str]:
        """Return cells as text lines, each after its header, except a cell that is the only one."""
        cells = {self.headers[column]: row[column] for column in columns if row[column]}
        entries = [cell if len(columns) == 1 else f"{header}:{_BOUND}{cell}" for header, cell in cells.items()]
        lines = wrapped(" " * _INDENT + "; ".join(entries), available, _INDENT) if entries else []
        return [line.replace(f":{_BOUND}", ": ") for line in lines]


def _fitted(cell: str, width: int, *, to_right: bool, keep_end: bool) -> str:
    """Return ``cell`` in exactly ``width`` columns of a terminal."""
    from rich.cells import set_cell_size

    if width_of(cell) > width:
        if keep_end:
            cell = "…" + set_cell_size(cell[::-1], width - 1)[::-1].strip()
        else:
            cell = set_cell_size(cell, width - 1).rstrip() + "…"
    blanks = " " * (width - width_of(cell))
    return blanks + cell if to_right else cell + blanks
