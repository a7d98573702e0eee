"""Writes the log to stderr: as text, with priorities for systemd, or as JSON. Text from exports is sanitized."""

from __future__ import annotations

import json
import logging
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

logger = logging.getLogger(__name__)

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}
_SEVERITY = {"error": 3, "warning": 4, "info": 6}  # as syslog numbers them
_LABELS = {logging.WARNING: "warning", logging.ERROR: "error", logging.CRITICAL: "internal error"}
_WIDEST = 100  # columns of a box


@dataclass
class _LogSettings:
    """How this process logs."""

    as_json: bool = False
    run_id: str | None = None
    erase: Callable[[], None] = lambda: None
    """Removes the progress bar from the terminal."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while something is written to the terminal."""


log_settings = _LogSettings()


class _Handler(logging.Handler):
    """Writes records to stderr: as JSON, or as lines that begin with ``etl:``.

    A record may have an ``event`` (its kind) and ``facts`` (a dict); only JSON shows them.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record``; the lines of its message after the first are indented."""
        message, level = _as_called(record.getMessage()), _LABELS.get(record.levelno, "info")
        if log_settings.as_json:
            _write(_as_json(record, message))
            return
        label = "" if level == "info" else f"{level}: "
        first, *more = f"{label}{message}".expandtabs(4).splitlines() or [""]
        shown = [sanitize(line) for line in (f"etl: {first}", *(f"     {line}" for line in more if line.strip()))]
        if label:
            colour = "yellow" if level == "warning" else "red"
            shown[0] = shown[0].replace(level, coloured(level, colour, to_stderr=True), 1)
        mark = f"<{_SEVERITY[_level(record)]}>" if _in_journal() else ""
        _write("".join(f"{mark}{line}\n" for line in shown))


def install_handler() -> None:
    """Write the log of the whole package to stderr. A second call does nothing."""
    package = logging.getLogger("etl")
    if not any(isinstance(handler, _Handler) for handler in package.handlers):
        package.addHandler(_Handler())
    package.setLevel(logging.INFO)


def program() -> str:
    """Return how this program was called, so that suggested commands can be pasted into a shell."""
    called = sys.argv[0]
    if Path(called).name != "etl":
        return "etl"
    found = shutil.which("etl")
    return "etl" if found and Path(found).samefile(called) else shlex.quote(called)


def on_terminal() -> bool:
    """Return whether stderr is a terminal that supports escape sequences."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, *, to_stderr: bool = False) -> str:
    """Return ``text`` in a colour if the stream is a terminal and ``NO_COLOR`` is not set."""
    stream = sys.stderr if to_stderr else sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def log_error(error: EtlError) -> None:
    """Log the error that ended the command, and what to do next."""
    if log_settings.as_json:
        logger.error("%s", error.message, extra=facts(hint=error.hint, exit_code=int(error.exit_code)))
    else:
        log_failure(error.message, error.hint)


def log_usage_error(message: str, exit_code: int) -> None:
    """Log what is wrong with the command line."""
    logger.error("%s", message, extra=facts(exit_code=exit_code))


def log_failure(message: str, hint: str = "") -> None:
    """Log what ended a run, and what to do next; on a terminal in a box."""
    if log_settings.as_json or not on_terminal():
        logger.error("%s", format_error(message, hint))
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    text = Text(_sanitized_lines(message))
    if hint:
        text.append(f"\n\n{_sanitized_lines(hint)}", style="bold")
    panel = Panel(text, title="error", title_align="left", border_style="red", width=min(console.width, _WIDEST))
    with log_settings.lock, suppress(OSError):
        log_settings.erase()
        console.print(panel)


def _sanitized_lines(text: str) -> str:
    return "\n".join(map(sanitize, _as_called(text).expandtabs(4).splitlines()))


def _as_called(text: str) -> str:
    """Return ``text`` with its suggested commands written as this program was called."""
    return text.replace("`etl ", f"`{program()} ")


def log_run_end(message: str, **values: object) -> None:
    """Log how a run ended, in the journal and as JSON only: elsewhere people read it on stdout."""
    if log_settings.as_json or _in_journal():
        logger.info("%s", message, extra=facts("run_finished", **values))


def facts(event: str | None = None, **values: object) -> dict[str, object]:
    """Return the ``extra`` of a log call: the kind of the record, and values that only JSON shows."""
    return {"event": event, "facts": values}


def _as_json(record: logging.LogRecord, message: str) -> str:
    level = _level(record)
    shown = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "event": getattr(record, "event", None) or ("note" if level == "info" else level),
        **({"run_id": log_settings.run_id} if log_settings.run_id else {}),
        "message": f"internal error: {message}" if record.levelno == logging.CRITICAL else message,
        **getattr(record, "facts", {}),
    }
    return json.dumps(shown) + "\n"


def _level(record: logging.LogRecord) -> str:
    return "error" if record.levelno >= logging.ERROR else _LABELS.get(record.levelno, "info")


def _write(text: str) -> None:
    with log_settings.lock, suppress(OSError):  # a full disk or a closed pipe must not end a run
        log_settings.erase()
        sys.stderr.write(text)
        sys.stderr.flush()


def _in_journal() -> bool:
    """Return whether stderr goes to the journal, which reads a line's priority from a mark in front of it."""
    named = os.environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"
