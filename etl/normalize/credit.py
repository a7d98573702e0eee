"""Splits an artist credit into its artists: the base artist first, then the features.

The rules are those of Koito v0.1.7 (``ParseArtists``) without three of its defects: there, the features came first,
"and" split words like "Brandy", and "feat." matched inside "Defeat.".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl.normalize.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = r"(?:(?:feat\.|ft\.|featuring(?=\s|\Z))\s*)+"  # a repeated word counts once
_ROUND = re.compile(rf"\(\s*{_WORD}\s*([^)]*)\)", re.IGNORECASE)
_SQUARE = re.compile(rf"\[\s*{_WORD}\s*([^\]]*)\]", re.IGNORECASE)
_INLINE = re.compile(rf"(?<!\S){_WORD}\s*([^()\[\]]+)\Z", re.IGNORECASE)
_AMONG_FEATURES = re.compile(rf"\s*(?:,|&|·|(?<=\s)and(?=\s|\Z)|(?<![^\s,&·]){_WORD})\s*", re.IGNORECASE)

# A cheap pre-check for Polars: only texts that match can contain a feature.
FEATURE_HINT = r"(?i)feat\.|ft\.|featuring"


def split_credit(artist: str, title: str, separators: Sequence[re.Pattern[str]]) -> list[str]:
    """Return the artists of the credit ``artist`` on a track called ``title``, each once, the base artist first.

    Features follow "feat.", "ft." or "featuring" in the credit or the title, in brackets or at the end. The list is
    empty only for a blank credit.
    """
    base, features = _cut_features(artist)
    names = [part for separator in separators for part in _split(separator, base) if part != base]
    if not any(name.strip() for name in names):
        names = [base]
    _, from_title = _cut_features(title)
    return distinct([*names, *features, *from_title]) or [artist.strip()]


def _split(separator: re.Pattern[str], text: str) -> list[str]:
    """Split as Go does; ``re.split`` would also return what groups in the pattern match."""
    gaps = [found.span() for found in separator.finditer(text)]
    edges = [0, *(edge for gap in gaps for edge in gap), len(text)]
    return [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def distinct(names: Sequence[str]) -> list[str]:
    """Return ``names`` trimmed, without blanks, and without those that equal an earlier one ignoring case."""
    return [names[position].strip() for position in distinct_positions(names)]


def distinct_positions(names: Sequence[str | None]) -> list[int]:
    """Return the positions in ``names`` of those that ``distinct`` keeps."""
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if name and not name.isspace():
            first.setdefault(fold(name.strip()), position)
    return list(first.values())


def _cut_features(text: str) -> tuple[str, list[str]]:
    """Return ``text`` without its first feature in each form, and the features' names."""
    features: list[str] = []
    for pattern in (_ROUND, _SQUARE, _INLINE):
        if found := pattern.search(text):
            features += _AMONG_FEATURES.split(found[1])
            text = text[: found.start()] + text[found.end() :]
    return text.strip(), features
