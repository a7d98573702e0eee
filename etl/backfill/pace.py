"""How long the rest will take. Pure: moments are seconds, passed in."""

from __future__ import annotations

from collections import deque

_WINDOW = 200
_ENOUGH = 5


class Pace:
    """The time that entities take which need a request; what the cache answers takes none and promises nothing."""

    def __init__(self, started: float) -> None:
        self._spent: deque[float] = deque(maxlen=_WINDOW)
        self._last = started

    def done(self, now: float, *, was_asked: bool) -> None:
        """Note that an entity is done."""
        if was_asked:
            self._spent.append(now - self._last)
        if was_asked or not self._spent:  # one from the cache, between others, does not use up their time
            self._last = now

    def left(self, entities: int) -> float | None:
        """Return the seconds that ``entities`` will take if a service must be asked for each; None if unknown yet."""
        if len(self._spent) < _ENOUGH:
            return None
        return entities * sum(self._spent) / len(self._spent)


def in_words(seconds: float) -> str:
    """Return a duration for people, such as ``2 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
