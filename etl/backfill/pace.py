"""Estimates how long the rest of a run takes. Pure: times are in seconds, and passed in."""

from __future__ import annotations

from collections import deque

_SAMPLE = 200  # entities that the estimate is based on
_ENOUGH = 5


class Pace:
    """Measures the time that an entity takes if it needs a request. Those that the cache answers take none."""

    def __init__(self, started_at: float) -> None:
        self._durations: deque[float] = deque(maxlen=_SAMPLE)
        self._last = started_at

    def done(self, now: float, *, was_asked: bool) -> None:
        """Record that an entity is done, and whether a service was asked for it."""
        if was_asked:
            self._durations.append(now - self._last)
        if was_asked or not self._durations:  # an entity from the cache does not shorten the time of the next one
            self._last = now

    def left(self, entities: int) -> float | None:
        """Return the seconds that ``entities`` take if each needs a request; None while too few were measured."""
        if len(self._durations) < _ENOUGH:
            return None
        return entities * sum(self._durations) / len(self._durations)
