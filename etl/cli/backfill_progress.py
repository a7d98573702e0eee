"""Shows the progress of a backfill: as a bar on a terminal, otherwise as a log line now and then."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.cli.display import display
from etl.cli.progress_line import format_duration
from etl.core.progress import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from etl.cli.display import Display

    ReportProgress: TypeAlias = Callable[[int, int, float | None], None]

logger = logging.getLogger(__name__)

_FIRST_LINES = 5
_SHORT_GAP, _LONG_GAP = 60.0, 600.0  # seconds between two lines: first the short gap, later the long one


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[ReportProgress]:
    """Yield a function to call with the entities done, their total, and the maximum of seconds left (None: unknown)."""
    with display("none" if quiet else "auto") as bar:
        yield _on(bar) if bar.interval else _lines(quiet=quiet)


def _on(bar: Display) -> ReportProgress:
    bar.step("backfill")

    def draw(done: int, total: int, left: float | None) -> None:
        bar.expect(Count.ENTITIES, total)
        bar.advance(Count.ENTITIES, done - bar.state.done[Count.ENTITIES])
        bar.state.most_left = left

    return draw


def _lines(*, quiet: bool) -> ReportProgress:
    logged_at, logged = time.monotonic(), 0

    def log(done: int, total: int, left: float | None) -> None:
        nonlocal logged_at, logged
        now = time.monotonic()
        if not quiet and now - logged_at > (_SHORT_GAP if logged < _FIRST_LINES else _LONG_GAP):
            logger.info("%s of %s done%s", f"{done:,}", f"{total:,}", _at_most(left))
            logged_at, logged = now, logged + 1

    return log


def _at_most(left: float | None) -> str:
    return "" if left is None else f", at most {format_duration(left)} left"
