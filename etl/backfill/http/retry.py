"""Which answers are asked for again, and after which pause. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

ATTEMPTS = 4
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_BACKOFF = 60.0


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or as a date; None where it says nothing."""
    if not header:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())


def pause(attempt: int, base: float, wanted: float | None, chance: float) -> float:
    """Return the seconds before attempt ``attempt`` + 1: twice as long each time, half of it at random.

    ``base``: the longest first pause; ``wanted``: what the host asks for at least; ``chance``: from 0 to 1.
    """
    backoff = min(base * 2.0 ** (attempt - 1), LONGEST_BACKOFF)
    return max(backoff * (0.5 + 0.5 * chance), wanted or 0.0)
