"""Durations in whole seconds. Pure."""

from __future__ import annotations

import re

TEN_YEARS = 315_576_000  # seconds: a longer duration is ignored

_NUMBER = re.compile(r"\s*[0-9]{1,12}(\.[0-9]+)?\s*", re.ASCII)


def whole_seconds(value: object, per_second: int) -> int | None:
    """Return a number (or the text of one) that counts ``per_second``, in seconds; ``None`` if over ten years."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not per_second <= value <= per_second * TEN_YEARS
    ):
        return None
    return int(value // per_second)
