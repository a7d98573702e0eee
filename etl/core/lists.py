"""Writes lists for people; one that is shortened says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def listed(names: Collection[str], most: int, separator: str = ", ") -> str:
    """Return ``names`` as one text; of more than ``most``, the first ones and how many more there are."""
    first = separator.join(list(names)[:most])
    return f"{first} and {len(names) - most:,} more" if len(names) > most else first
