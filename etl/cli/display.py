"""Shows people how far a run is: one calm line on a terminal, or a line now and then."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl.cli.log import facts, log_settings, on_terminal
from etl.core.progress import Count

if TYPE_CHECKING:
    from types import TracebackType

logger = logging.getLogger(__name__)

_EVERY = 0.125  # seconds between two looks
_PLAIN_EVERY = 10.0
_FIRST = 1.0  # seconds of a step before its pace is told
_WORDS = {
    "start": "starting",
    "discover": "looking for files",
    "connect": "connecting",
    "extract": "reading",
    "compare": "comparing",
    "look_up": "looking up",
    "load": "loading",
    "account": "checking",
}
_MEASURED = {"extract": (Count.FILES, Count.ROWS), "load": (Count.LISTENS, Count.KEYS)}
"""What a step is measured by, and what else it counts."""
_WIDEST_BAR = 30
_NARROWEST_BAR = 8
_GAP = "  "


@dataclass
class State:
    """How far a run is."""

    began: float
    step: str = "start"
    done: dict[Count, int] = field(default_factory=lambda: dict.fromkeys(Count, 0))
    total: dict[Count, int] = field(default_factory=dict)
    at: float = 0.0
    """When the measure of the step last grew."""

    @property
    def share(self) -> float | None:
        """How much of the step is done, from 0 to 1; None where that cannot be told."""
        measure = _MEASURED.get(self.step, (None,))[0]
        total = self.total.get(measure) if measure else None
        return min(1.0, self.done[measure] / total) if measure and total else None


def line(state: State, now: float, width: int, *, is_unicode: bool = True) -> str:
    """Return the line that tells about ``state``, no wider than ``width``: what matters less is left out first.

    During a step everything stays in its place.
    """
    words, share = _WORDS.get(state.step, state.step), state.share
    elapsed = now - state.began
    if share is None:
        waited = f"{_GAP}{elapsed:,.0f} s" if elapsed >= 1 else ""
        return f"{words}{waited}"[:width]
    percent = f"{math.floor(100 * share):3} %"
    parts = {"words": words, "percent": percent, **_counted(state), "left": f"{_time_left(state, now):11}"}
    for name in ("rate", "also", "measure", "left", "percent"):
        if _width(parts) + len(_GAP) + _NARROWEST_BAR <= width:
            break
        parts.pop(name, None)
    room = min(_WIDEST_BAR, width - _width(parts) - len(_GAP))
    if room < _NARROWEST_BAR:
        return _GAP.join(parts.values())[:width].rstrip()
    full, empty = ("━", "─") if is_unicode else ("#", "-")
    filled = math.floor(share * room)
    words, *others = parts.values()
    return _GAP.join((words, full * filled + empty * (room - filled), *others)).rstrip()


def _counted(state: State) -> dict[str, str]:
    """Return what the step counts, and how fast."""
    measure, also = _MEASURED[state.step]
    found = {"measure": _of(state, measure), "also": _of(state, also)}
    pace = Count.ROWS if Count.ROWS in (measure, also) else measure
    elapsed = state.at - state.began
    rate = f"{state.done[pace] / elapsed:,.0f} {pace}/s" if elapsed >= _FIRST else ""
    return {**found, "rate": f"{rate:>19}"}


def _of(state: State, what: Count) -> str:
    total = state.total.get(what)
    if total is None:
        return f"{state.done[what]:10,} {what}"
    return f"{state.done[what]:{len(f'{total:,}')},} of {total:,} {what}"


def _time_left(state: State, now: float) -> str:
    """Return how long the step goes on at its pace so far; nothing at its beginning, where that is a guess."""
    share = state.share
    if not share or share == 1 or now - state.began < _FIRST:
        return ""
    seconds = (state.at - state.began) * (1 - share) / share - (now - state.at)
    if seconds < 1:
        return ""
    return f"{seconds:.0f} s left" if seconds < 100 else f"{seconds / 60:.0f} min left"


def _width(parts: dict[str, str]) -> int:
    return len(_GAP.join(parts.values()))


class Display:
    """Hears how far a run is and keeps it in ``state``; as it is, it shows nothing. One process has one at a time."""

    def __init__(self) -> None:
        self.state = State(time.monotonic())
        self._counting = threading.Lock()

    def begin(self, run_id: str) -> None:
        """Name the run in every line of the log from now on."""
        log_settings.run_id = run_id

    def step(self, name: str) -> None:
        """Keep what step it is."""
        now = time.monotonic()
        self.state.step, self.state.began, self.state.at = name, now, now

    def expect(self, what: Count, total: int) -> None:
        """Keep how much there is."""
        self.state.total[what] = total

    def advance(self, what: Count, number: int) -> None:
        """Keep how much is done."""
        with self._counting:
            self.state.done[what] += number
        self.state.at = time.monotonic()

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End the display."""


class _Watching(Display):
    """A display that looks at its state again and again."""

    every = _EVERY

    def __init__(self) -> None:
        super().__init__()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="etl-display", daemon=True)

    def __enter__(self) -> Display:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(self.every):
            self.look()

    def look(self) -> None:
        """Show the state."""


class Bar(_Watching):
    """Keeps one line on the terminal, and removes it in the end."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = ""
        self._is_unicode = (sys.stderr.encoding or "").lower().startswith("utf")

    def __enter__(self) -> Display:
        log_settings.erase = self._erase
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        with log_settings.lock, suppress(OSError):
            self._erase()
            sys.stderr.flush()
            log_settings.erase = lambda: None

    def look(self) -> None:
        """Draw the line anew."""
        width = _columns()
        with log_settings.lock, suppress(OSError):
            text = line(self.state, time.monotonic(), width - 1, is_unicode=self._is_unicode)
            if text == self._shown:
                return
            self._erase()
            sys.stderr.write(text)
            sys.stderr.flush()
            self._shown = text

    def _erase(self) -> None:
        """Remove the line, also where the terminal has become narrower and has broken it."""
        if self._shown:
            above = (len(self._shown) - 1) // _columns()
            sys.stderr.write(f"\x1b[{above}A\r\x1b[J" if above else "\r\x1b[K")
            self._shown = ""


class Lines(_Watching):
    """Tells now and then, and when something that is counted has ended."""

    every = _PLAIN_EVERY

    def step(self, name: str) -> None:
        """Tell what the step that ends has come to."""
        if self.state.share is not None:
            self.look()
        super().step(name)

    def look(self) -> None:
        """Tell how far the run is."""
        with self._counting:
            state, now = self.state, time.monotonic()
            counts = {str(what): number for what, number in state.done.items() if number}
            values = {"step": state.step, "seconds": round(now - state.began, 3), **counts}
        told = [_WORDS.get(state.step, state.step), f"{now - state.began:.1f} s"]
        if state.share is not None:
            told[1:1] = [part.strip() for part in _counted(state).values() if part.strip()]
        logger.info("%s: %s", told[0], ", ".join(told[1:]), extra=facts("progress", **values))


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def display(wanted: str) -> Display:
    """Return what ``--progress`` asks for: a bar where stderr is a terminal (auto), plain lines, or none."""
    if wanted == "plain":
        return Lines()
    if wanted == "auto" and on_terminal() and not log_settings.as_json:
        return Bar()
    return Display()
