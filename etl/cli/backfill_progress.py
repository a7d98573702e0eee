"""Shows how far a backfill is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.cli.log import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

_FIRST_LINES = 5
_SHORT_GAP, _LONG_GAP = 60.0, 600.0  # seconds between two lines: the first ones, later ones


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Callable[[int, int, float | None], None]]:
    """Yield a function to call with the entities done, their total, and the most seconds left, if known."""
    if quiet or not on_terminal():
        yield _lines(quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, left="")
        yield lambda done, total, left: bar.update(task, completed=done, total=total, left=_at_most(left))


def _lines(*, quiet: bool) -> Callable[[int, int, float | None], None]:
    logged_at, logged = time.monotonic(), 0

    def log(done: int, total: int, left: float | None) -> None:
        nonlocal logged_at, logged
        now = time.monotonic()
        if not quiet and now - logged_at > (_SHORT_GAP if logged < _FIRST_LINES else _LONG_GAP):
            logger.info("%s of %s done%s", f"{done:,}", f"{total:,}", _at_most(left, ", "))
            logged_at, logged = now, logged + 1

    return log


def _at_most(left: float | None, before: str = "") -> str:
    from etl.backfill.pace import format_duration

    return "" if left is None else f"{before}at most {format_duration(left)} left"
