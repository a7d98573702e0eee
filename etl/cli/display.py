"""Shows progress: one line on a terminal that is drawn again and again, or a log line every ten seconds.

Not with ``rich``: its live display leaves parts of the line behind when the terminal gets narrower, drops no
columns that have no room, and takes 0.1 s to import.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Self

from etl.cli.log import facts, log_settings, on_terminal, terminal_columns
from etl.cli.progress_line import STEPS, State, counts, line

if TYPE_CHECKING:
    from etl.core.progress import Count

logger = logging.getLogger(__name__)


class Display:
    """Keeps how far a run is, in ``state``, and shows it every ``interval``; this base shows nothing."""

    interval: ClassVar[float | None] = None
    """Seconds between two calls of ``show``; None: it is never called."""

    def __init__(self) -> None:
        self.state = State(time.monotonic())
        self._counting = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show_repeatedly, name="etl-display", daemon=True)

    def begin(self, run_id: str) -> None:
        """Name the run in every line of the log from now on."""
        log_settings.run_id = run_id

    def step(self, name: str) -> None:
        """Note that a step begins, and log how long the one before it took for those who want to know."""
        now = time.monotonic()
        logger.debug("%s took %.2f s", STEPS.get(self.state.step, self.state.step), now - self.state.started)
        self.state.step, self.state.started, self.state.advanced = name, now, now

    def expect(self, what: Count, total: int) -> None:
        """Note how much there is."""
        self.state.total[what] = total

    def advance(self, what: Count, number: int) -> None:
        """Note that ``number`` more are done."""
        with self._counting:
            self.state.done[what] += number
        self.state.advanced = time.monotonic()

    def show(self) -> None:
        """Show the state."""

    def __enter__(self) -> Self:
        if self.interval:
            self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.interval:
            self._ended.set()
            self._thread.join()

    def _show_repeatedly(self) -> None:
        while not self._ended.wait(self.interval):
            self.show()


class Bar(Display):
    """Keeps one line on the terminal, and removes it in the end."""

    interval = 0.125

    def __init__(self) -> None:
        super().__init__()
        self._shown = ""
        self._is_unicode = (sys.stderr.encoding or "").lower().startswith("utf")

    def __enter__(self) -> Self:
        log_settings.erase = self._erase
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        with log_settings.lock, suppress(OSError):
            self._erase()
            sys.stderr.flush()
            log_settings.erase = lambda: None

    def show(self) -> None:
        """Draw the line anew."""
        with log_settings.lock, suppress(OSError):
            text = line(self.state, time.monotonic(), terminal_columns() - 1, is_unicode=self._is_unicode)
            if text == self._shown:
                return
            self._erase()
            sys.stderr.write(text)
            sys.stderr.flush()
            self._shown = text

    def _erase(self) -> None:
        """Remove the line, also where the terminal has become narrower and has wrapped it."""
        if self._shown:
            above = (len(self._shown) - 1) // terminal_columns()
            sys.stderr.write(f"\x1b[{above}A\r\x1b[J" if above else "\r\x1b[K")
            self._shown = ""


class Lines(Display):
    """Logs a line every ten seconds, and when a step that counts has ended."""

    interval = 10.0

    def step(self, name: str) -> None:
        """Log what the step that ends has counted."""
        if self.state.share is not None:
            self.show()
        super().step(name)

    def show(self) -> None:
        """Log how far the run is."""
        with self._counting:
            state, elapsed = self.state, time.monotonic() - self.state.started
            done = {str(what): number for what, number in state.done.items() if number}
            counted = counts(state) if state.share is not None else {}
        parts = [*filter(None, map(str.strip, counted.values())), f"{elapsed:.1f} s"]
        values = {"step": state.step, "seconds": round(elapsed, 3), **done}
        logger.info("%s: %s", STEPS.get(state.step, state.step), ", ".join(parts), extra=facts("progress", **values))


def display(wanted: str) -> Display:
    """Return the display for ``--progress``: a bar if stderr is a terminal (auto), plain lines, or none."""
    if wanted == "plain":
        return Lines()
    if wanted == "auto" and on_terminal() and not log_settings.as_json:
        return Bar()
    return Display()
