"""Writes the log to stderr: as text, with priorities for systemd, or as JSON. Text from exports is sanitized.

Levels: information, warnings, errors. ``--quiet`` shows only errors, ``--verbose`` also debug messages.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from etl.cli.wrap import wrapped
from etl.core.errors import ExitCode, format_error
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.core.errors import EtlError

logger = logging.getLogger(__name__)
_end_logger = logging.getLogger(f"{__name__}.end")
_end_logger.setLevel(logging.INFO)  # whatever the level of the package: with --quiet, too, the log says how a run ended

# Colours that are readable on dark and light terminals: no yellow, no white, no grey.
_COLOURS = {"red": "31", "green": "32", "magenta": "35", "bold": "1"}
_SEVERITY = {"error": 3, "warning": 4, "info": 6, "debug": 7}  # the numbers of syslog
_LABELS = {
    logging.DEBUG: "debug",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "internal error",
}
_LEVEL_COLOURS = {"warning": "magenta", "error": "red", "internal error": "red"}
_INDENT = 5  # columns that indent all lines of a message except the first


class _LogSettings(msgspec.Struct):
    """How this process writes its log."""

    as_json: bool = False
    """``--log-format json``: every line is a JSON object."""
    json_errors: bool = False
    """``--json``: the error that ends the command is a JSON object."""
    run_id: str | None = None
    erase: Callable[[], None] = lambda: None
    """Removes the progress bar from the terminal."""
    lock: threading.RLock = msgspec.field(default_factory=threading.RLock)
    """Held while something is written to the terminal."""


log_settings = _LogSettings()


class _Handler(logging.Handler):
    """Writes records to stderr: as JSON, or as lines that start with ``etl:``.

    A record may have an ``event`` (its kind) and ``facts`` (a dict); only JSON shows them.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record``; the lines of its message after the first are indented."""
        message, level = _as_called(record.getMessage()), _LABELS.get(record.levelno, "info")
        if log_settings.as_json:
            _write(_as_json(record, message))
            return
        label = "" if level in ("info", "debug") else f"{level}: "
        lines = _lines(f"{label}{message}")
        if label:
            lines[0] = lines[0].replace(level, coloured(level, _LEVEL_COLOURS[level], to_stderr=True), 1)
        mark = f"<{_SEVERITY[_level(record)]}>" if _in_journal() else ""
        _write("".join(f"{mark}{line}\n" for line in lines))


def _lines(message: str) -> list[str]:
    """Return the lines of a message: sanitized, the first after ``etl:``, and wrapped on a terminal."""
    first, *more = message.expandtabs(4).splitlines() or [""]
    shown = [sanitize(line) for line in (f"etl: {first}", *(f"{' ' * _INDENT}{line}" for line in more if line.strip()))]
    return [part for line in shown for part in for_stderr(line, _INDENT)]


def for_stderr(text: str, indent: int = 0) -> list[str]:
    """Return ``text`` as lines: wrapped by word if stderr is a terminal, otherwise unchanged."""
    if not sys.stderr.isatty():
        return text.splitlines()
    columns = terminal_columns()
    try:
        return [part for line in text.splitlines() for part in wrapped(line, columns, indent)]
    except ModuleNotFoundError:  # of rich, which measures text; the message itself reports it
        return text.splitlines()


def terminal_columns() -> int:
    """Return the width of the terminal on stderr."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def install_handler() -> None:
    """Write the log of the whole package to stderr. A second call does nothing."""
    package = logging.getLogger("etl")
    if not any(isinstance(handler, _Handler) for handler in package.handlers):
        package.addHandler(_Handler())
    package.setLevel(logging.INFO)


def show_levels(*, quiet: bool, verbose: bool) -> None:
    """Set the lowest level that the package logs."""
    level = logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO
    logging.getLogger("etl").setLevel(level)


def program() -> str:
    """Return the command by which this program was called, so that suggested commands can be pasted into a shell."""
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
    log_failure(error.message, error.hint, error.exit_code)


def log_failure(message: str, hint: str = "", exit_code: int = ExitCode.INTERNAL) -> None:
    """Log what ended a command and what to do next: on lines of their own on a terminal, as JSON with ``--json``."""
    if log_settings.as_json:
        logger.error("%s", message, extra=facts(hint=hint, exit_code=int(exit_code)))
    elif log_settings.json_errors:
        content = {"message": _as_called(message), "hint": _as_called(hint), "exit_code": int(exit_code)}
        _write(json.dumps({"error": content}) + "\n")
    elif hint and sys.stderr.isatty():
        logger.error("%s\n%s", message, hint)
    else:
        logger.error("%s", format_error(message, hint))


def log_defect(message: str) -> None:
    """Log an error that should not happen."""
    if log_settings.json_errors and not log_settings.as_json:
        log_failure(f"internal error: {message}")
    else:
        logger.critical("%s", message)


def _as_called(text: str) -> str:
    """Return ``text`` with suggested commands written the way this program was called."""
    return text.replace("`etl ", f"`{program()} ")


def log_run_end(message: str, **values: object) -> None:
    """Log how a run ended, only for the journal and as JSON: elsewhere, people read it on stdout."""
    if log_settings.as_json or _in_journal():
        _end_logger.info("%s", message, extra=facts("run_finished", **values))


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
    """Return whether stderr goes to the journal, which reads the priority of a line from a prefix."""
    named = os.environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"
