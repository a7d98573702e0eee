"""Formats lists for people; a shortened list says how many items it leaves out."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def listed(names: Collection[str], most: int, separator: str = ", ") -> str:
    """Return ``names`` as one text; if there are more than ``most``, the first ones and the number of the others."""
    first = separator.join(list(names)[:most])
    return f"{first} and {len(names) - most:,} more" if len(names) > most else first


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending ``numbers`` as one text, with consecutive ones shortened: "2-4, 7"."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
