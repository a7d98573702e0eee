"""Whether a host may be asked now, so that its rate holds whoever asks. Pure: moments are seconds, passed in."""

from __future__ import annotations

# The longest pause that is waited for when a host asks for it; one that asks for more is left alone in this run.
LONGEST_PAUSE = 900.0


def take(free_at: float, now: float, interval: float) -> tuple[float, float]:
    """Return how many seconds to wait before trying again, 0 for who may ask now, and the new ``free_at``.

    ``free_at``: from when on the host may be asked. Nobody reserves a moment to come: who was late for it would ask
    right before the next one. A moment that no pause explains is of a clock that was set back.
    """
    wait = free_at - now
    if 0.0 < wait <= LONGEST_PAUSE + interval:
        return wait, free_at
    return 0.0, now + interval


def postpone(free_at: float, now: float, pause: float) -> float:
    """Return from when on the host may be asked if nobody may ask it for ``pause`` seconds."""
    return max(free_at, now + min(pause, LONGEST_PAUSE))
