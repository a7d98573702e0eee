"""Compiles the setting ``artist_separators``: patterns that separate the artists of a credit."""

from __future__ import annotations

import re
from typing import TypeAlias

Separators: TypeAlias = "tuple[re.Pattern[str], ...]"

DEFAULT_SEPARATORS = r"\s+·\s+"  # Koito's KOITO_ARTIST_SEPARATORS_REGEX


def compile_separators(setting: str) -> Separators:
    """Return the patterns of ``setting``, which are separated by ``;;`` as in KOITO_ARTIST_SEPARATORS_REGEX.

    Raises ``re.error`` for an invalid pattern.
    """
    return tuple(re.compile(part) for part in setting.split(";;") if part)
