"""Decides which responses lead to another attempt, and after which pause. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

ATTEMPTS = 4
RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_BACKOFF = 60.0


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or a date; None if it is invalid or absent."""
    if not header:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())


def backoff(attempt: int, base: float, wanted: float | None, chance: float) -> float:
    """Return the seconds to wait after attempt number ``attempt``: they double each time, and half of them are random.

    ``base``: the longest first wait; ``wanted``: the pause that the host asks for; ``chance``: a number from 0 to 1.
    """
    longest = min(base * 2.0 ** (attempt - 1), LONGEST_BACKOFF)
    return max(longest * (0.5 + 0.5 * chance), wanted or 0.0)
