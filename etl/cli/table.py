"""Lays tables out for the width of a terminal: nothing is lost on a narrow one, it only takes more lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl.cli.wrap import width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

NARROWEST = 12
"""Columns of the terminal that a shortened column keeps."""
_GAP = "  "
_INDENT = 2
_BOUND = "\N{NO-BREAK SPACE}"  # keeps a header and its cell in one line


@dataclass(frozen=True)
class TextTable:
    """A table of text, without characters that a terminal acts upon. Columns are named by their index."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    """Columns that are aligned to the right."""
    cut: Sequence[int] = ()
    """Columns whose cells are shortened on a narrow terminal, such as paths."""
    keep_end: Collection[int] = ()
    """Those of ``cut`` that are shortened at their beginning."""
    below: Collection[int] = ()
    """Columns that are never shortened, and stand below their row where the terminal is too narrow for all."""
    narrowest: int = NARROWEST
    widths: list[int] = field(init=False)

    def __post_init__(self) -> None:
        every = (self.headers, *self.rows)
        object.__setattr__(self, "widths", [max(map(width_of, column)) for column in zip(*every, strict=True)])

    def narrowed(self, columns: Sequence[int], available: int | None) -> dict[int, int] | None:
        """Return the width of each of ``columns`` on ``available`` columns of a terminal; None if they do not fit."""
        widths = {column: self.widths[column] for column in columns}
        if available is None:
            return widths
        excess = sum(widths.values()) + len(_GAP) * (len(widths) - 1) - available
        cut = [column for column in self.cut if column in widths]
        while excess > 0 and cut and widths[widest := max(cut, key=widths.__getitem__)] > self.narrowest:
            widths[widest] -= 1
            excess -= 1
        return widths if excess <= 0 else None

    def lines(self, available: int | None) -> Iterator[tuple[int, str]]:
        """Yield the lines with the index of their row, -1 for the head; ``available`` None: as wide as it gets."""
        every = range(len(self.headers))
        for columns in (list(every), [column for column in every if column not in self.below]):
            if (widths := self.narrowed(columns, available)) is not None:
                yield from self._grid(widths, available)
                return
        for number, row in enumerate(self.rows):
            yield from ((number, line) for line in wrapped(row[0], available or 0, _INDENT))
            yield from ((number, line) for line in self._details(row, every[1:], available or 0))

    def _grid(self, widths: dict[int, int], available: int | None) -> Iterator[tuple[int, str]]:
        yield -1, self._line(self.headers, widths)
        yield -1, _GAP.join("-" * width for width in widths.values())
        rest = [column for column in range(len(self.headers)) if column not in widths]
        for number, row in enumerate(self.rows):
            yield number, self._line(row, widths)
            yield from ((number, line) for line in self._details(row, rest, available or 0))

    def _line(self, row: Sequence[str], widths: dict[int, int]) -> str:
        cells = [
            _fitted(row[column], width, to_right=column in self.right, keep_end=column in self.keep_end)
            for column, width in widths.items()
        ]
        return _GAP.join(cells).rstrip()

    def _details(self, row: Sequence[str], columns: Sequence[int], available: int) -> list[str]:
        """Return cells as text, each after its header, except one that stands alone."""
        cells = {self.headers[column]: row[column] for column in columns if row[column]}
        told = [cell if len(columns) == 1 else f"{header}:{_BOUND}{cell}" for header, cell in cells.items()]
        lines = wrapped(" " * _INDENT + "; ".join(told), available, _INDENT) if told else []
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
