"""Writes the progress line: the progress of a run, fitted to the width of a terminal. Pure."""

from __future__ import annotations

import math

import msgspec

from etl.core.progress import Count

STEPS = {
    "start": "starting",
    "discover": "looking for files",
    "connect": "connecting",
    "extract": "reading",
    "compare": "comparing",
    "look_up": "looking up",
    "load": "loading",
    "account": "checking",
    "backfill": "asking",
}
"""What people read for each step."""
_MEASURES = {
    "extract": (Count.FILES, Count.ROWS),
    "load": (Count.LISTENS, Count.KEYS),
    "backfill": (Count.ENTITIES, None),
}
"""The count that measures a step, and the others that it shows."""
_FIRST = 1.0  # seconds of a step after which its rate is shown
_WIDEST_BAR = 30
_NARROWEST_BAR = 8
_GAP = "  "


class State(msgspec.Struct):
    """The progress of a run. Times are in seconds of a monotonic clock."""

    started: float
    """When the step began."""
    step: str = "start"
    done: dict[Count, int] = msgspec.field(default_factory=lambda: dict.fromkeys(Count, 0))
    total: dict[Count, int] = msgspec.field(default_factory=dict)
    advanced: float = 0.0
    """When a count last grew."""
    most_left: float | None = None
    """The most seconds that the step will take, if there is a better estimate than from its rate so far."""

    @property
    def share(self) -> float | None:
        """The part of the step that is done, from 0 to 1; None if it is unknown."""
        measure = _MEASURES.get(self.step, (None,))[0]
        total = self.total.get(measure) if measure else None
        return min(1.0, self.done[measure] / total) if measure and total else None


def line(state: State, now: float, width: int, *, is_unicode: bool = True) -> str:
    """Return the line about ``state``, no wider than ``width``: less important parts are left out first.

    During a step, every part keeps its position.
    """
    step, share = STEPS.get(state.step, state.step), state.share
    elapsed = now - state.started
    if share is None:
        waited = f"{_GAP}{elapsed:,.0f} s" if elapsed >= 1 else ""
        return f"{step}{waited}"[:width]
    parts = {"percent": f"{math.floor(100 * share):3} %", **counts(state), "left": f"{_time_left(state, now):11}"}
    for name in ("rate", "also", "measure", "left", "percent"):
        if _bar_room(step, parts, width) >= _NARROWEST_BAR:
            break
        parts.pop(name, None)
    room = min(_WIDEST_BAR, _bar_room(step, parts, width))
    bar = [_bar(share, room, is_unicode=is_unicode)] if room >= _NARROWEST_BAR else []
    return _GAP.join([step, *bar, *parts.values()])[:width].rstrip()


def counts(state: State) -> dict[str, str]:
    """Return what a step with a known share has counted, and its rate."""
    measure, also = _MEASURES[state.step]
    if also is None:
        return {"measure": _count(state, measure)}
    pace = Count.ROWS if Count.ROWS in (measure, also) else measure
    elapsed = state.advanced - state.started
    rate = f"{state.done[pace] / elapsed:,.0f} {pace}/s" if elapsed >= _FIRST else ""
    return {"measure": _count(state, measure), "also": _count(state, also), "rate": f"{rate:>19}"}


def _count(state: State, what: Count) -> str:
    total = state.total.get(what)
    if total is None:
        return f"{state.done[what]:10,} {what}"
    return f"{state.done[what]:{len(f'{total:,}')},} of {total:,} {what}"


def _time_left(state: State, now: float) -> str:
    """Return the time that the step still needs at its rate so far; empty during its first second."""
    if state.most_left is not None:
        return f"at most {format_duration(state.most_left)} left"
    share = state.share
    if not share or share == 1 or now - state.started < _FIRST:
        return ""
    seconds = (state.advanced - state.started) * (1 - share) / share - (now - state.advanced)
    if seconds < 1:
        return ""
    return f"{format_duration(seconds)} left"


def format_duration(seconds: float) -> str:
    """Return a duration for people, such as ``2 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _bar(share: float, width: int, *, is_unicode: bool) -> str:
    full, empty = ("━", "─") if is_unicode else ("#", "-")
    filled = math.floor(share * width)
    return full * filled + empty * (width - filled)


def _bar_room(step: str, parts: dict[str, str], width: int) -> int:
    return width - len(_GAP.join([step, *parts.values()])) - len(_GAP)
