"""Narration on stderr: for people, for the journal of systemd, or as JSON. What comes from exports is made inert."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from etl.core.errors import format_error
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.core.errors import EtlError

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}
_SEVERITY = {"error": 3, "warning": 4, "info": 6}  # as syslog numbers them
_LEVELS = (("error", "error: "), ("error", "internal error: "), ("warning", "warning: "))
_WIDEST = 100  # columns of a box


@dataclass
class _Manner:
    """How this process narrates."""

    as_json: bool = False
    run_id: str | None = None
    erase: Callable[[], None] = lambda: None
    """Removes the progress that stands on the terminal."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held by who writes."""


MANNER = _Manner()


def program() -> str:
    """Return how this program was called, so that the commands that it suggests can be pasted into a shell."""
    called = sys.argv[0]
    if Path(called).name != "etl":
        return "etl"
    found = shutil.which("etl")
    return "etl" if found and Path(found).samefile(called) else shlex.quote(called)


def on_terminal() -> bool:
    """Say whether stderr is a terminal that can be drawn on."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, *, to_stderr: bool = False) -> str:
    """Return ``text`` in a colour where a person sees it and has not set ``NO_COLOR``."""
    stream = sys.stderr if to_stderr else sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def narrate(message: str, *, event: str = "note", **facts: object) -> None:
    """Tell something; how it begins (``warning:``, ``error:``) is its level. ``facts`` are told in JSON only.

    Further lines of ``message`` are indented, so that each report begins with ``etl:``.
    """
    text = _as_called(message)
    level = next((word for word, beginning in _LEVELS if text.startswith(beginning)), "info")
    if MANNER.as_json:
        event = event if level == "info" or event != "note" else level
        event = "run_started" if MANNER.run_id and message == f"run {MANNER.run_id}" else event
        _write(_as_json(level, event, text.removeprefix(f"{level}: "), facts))
        return
    first, *more = text.expandtabs(4).splitlines() or [""]
    lines = [f"etl: {first}", *(f"     {line}" for line in more if line.strip())]
    shown = [sanitize(line) for line in lines]
    if level != "info":
        shown[0] = shown[0].replace(level, coloured(level, "red" if level == "error" else "yellow", to_stderr=True), 1)
    mark = f"<{_SEVERITY[level]}>" if _in_journal() else ""
    _write("".join(f"{mark}{line}\n" for line in shown))


def narrate_error(error: EtlError) -> None:
    """Tell what ended the command and what to do next."""
    if MANNER.as_json:
        narrate(f"error: {error.message}", hint=error.hint, exit_code=int(error.exit_code))
    else:
        narrate_failure(error.message, error.hint)


def narrate_failure(message: str, hint: str = "") -> None:
    """Tell what ended a run, and what to do next: in a box on a terminal."""
    if MANNER.as_json or not on_terminal():
        narrate(f"error: {format_error(message, hint)}")
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    text = Text(_inert_lines(message))
    if hint:
        text.append(f"\n\n{_inert_lines(hint)}", style="bold")
    panel = Panel(text, title="error", title_align="left", border_style="red", width=min(console.width, _WIDEST))
    with MANNER.lock, suppress(OSError):
        MANNER.erase()
        console.print(panel)


def _inert_lines(text: str) -> str:
    return "\n".join(map(sanitize, _as_called(text).expandtabs(4).splitlines()))


def _as_called(text: str) -> str:
    """Return ``text`` with the commands that it suggests as this program was called."""
    return text.replace("`etl ", f"`{program()} ")


def narrate_end(message: str, **facts: object) -> None:
    """Tell how a run ended where stdout, which says it as well, may not be read: to the journal and as JSON."""
    if MANNER.as_json or _in_journal():
        narrate(message, event="run_finished", **facts)


def _as_json(level: str, event: str, message: str, facts: dict[str, object]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    run = {"run_id": MANNER.run_id} if MANNER.run_id else {}
    return json.dumps({"time": now, "level": level, "event": event, **run, "message": message, **facts}) + "\n"


def _write(text: str) -> None:
    with MANNER.lock, suppress(OSError):  # a log on a full disk, a pipe that nobody reads: no reason to end a run
        MANNER.erase()
        sys.stderr.write(text)
        sys.stderr.flush()


def _in_journal() -> bool:
    """Say whether stderr is the journal's, which reads a line's priority from a mark before it."""
    named = os.environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"
