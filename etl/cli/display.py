"""Shows progress: as one line on a terminal that is redrawn, or as a log line every ten seconds.

It does not use ``rich``, whose live display leaves parts of the line behind when the terminal gets narrower, does not
drop columns that do not fit, and takes 0.1 s to import.
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
    """Keeps the progress of a run in ``state`` and shows it every ``interval``; this base class shows nothing."""

    interval: ClassVar[float | None] = None
    """Seconds between two calls of ``show``; None if it is never called."""

    def __init__(self) -> None:
        self.state = State(time.monotonic())
        self._counting = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show_repeatedly, name="etl-display", daemon=True)

    def begin(self, run_id: str) -> None:
        """Add the run id to every line of the log from now on."""
        log_settings.run_id = run_id

    def step(self, name: str) -> None:
        """Note that a step begins, and log the duration of the previous step at debug level."""
        now = time.monotonic()
        logger.debug("%s took %.2f s", STEPS.get(self.state.step, self.state.step), now - self.state.started)
        self.state.step, self.state.started, self.state.advanced = name, now, now

    def expect(self, what: Count, total: int) -> None:
        """Note how many there are in total."""
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
    """Keeps one line on the terminal, and removes it at the end."""

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
        """Redraw the line."""
        with log_settings.lock, suppress(OSError):
            text = line(self.state, time.monotonic(), terminal_columns() - 1, is_unicode=self._is_unicode)
            if text == self._shown:
                return
            self._erase()
            sys.stderr.write(text)
            sys.stderr.flush()
            self._shown = text

    def _erase(self) -> None:
        """Remove the line, even if the terminal has become narrower and has wrapped it."""
        if self._shown:
            above = (len(self._shown) - 1) // terminal_columns()
            sys.stderr.write(f"\x1b[{above}A\r\x1b[J" if above else "\r\x1b[K")
            self._shown = ""


class Lines(Display):
    """Logs a line every ten seconds, and one when a step with counts ends."""

    interval = 10.0

    def step(self, name: str) -> None:
        """Log the counts of the step that ends."""
        if self.state.share is not None:
            self.show()
        super().step(name)

    def show(self) -> None:
        """Log the progress of the run."""
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
