"""Classifies the driver's errors by what can be done about them. The driver gives only SQLite's text, no codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl.targets.base import Failure, StatementError

if TYPE_CHECKING:
    from pathlib import Path

    import adbc_driver_manager

_ORIGIN = re.compile(r"^[A-Z_]+: (\[SQLite\] )?([Ff]ailed to (step|execute|prepare)[^:]*: )?")
_QUERY = re.compile(r"\nquery( was)?:.*", re.DOTALL)

BUSY = "database is locked"
_FAILURES = {
    BUSY: Failure.TRANSIENT,
    "database table is locked": Failure.TRANSIENT,
    "UNIQUE constraint failed": Failure.DUPLICATE,
    "FOREIGN KEY constraint failed": Failure.MISSING_REFERENCE,
    "NOT NULL constraint failed": Failure.DATA,
    "CHECK constraint failed": Failure.DATA,
    "datatype mismatch": Failure.DATA,
    "string or blob too big": Failure.DATA,
    "database or disk is full": Failure.FULL,
    "no such table": Failure.NOT_READY,
}
_HINTS = {
    Failure.TRANSIENT: "Another program keeps the file locked; run the same command again when it is done",
    Failure.BUSY: "Stop the program that keeps it locked (`fuser -v` with the path names it), then run the same "
    "command again; committed batches stay",
    Failure.FULL: "Free some space on the disk, then run the same command again; committed batches stay",
    Failure.LOST: "Committed batches stay; run the same command again to continue",
    Failure.NOT_READY: "Start Koito once, then run `etl db migrate` with the same --dsn",
    Failure.OTHER: "Fix what SQLite reports, then run the same command again; committed batches stay",
}
_SPECIAL_HINTS = {
    "attempt to write a readonly database": "Use an account that may write to the file and its folder",
    "failed to allocate memory": "Use an account that may write to the file and its folder",
    "disk image is malformed": "Restore a copy of the file: it is damaged",
    "file is not a database": "Give the path of Koito's koito.db",
}


class SqliteError(StatementError):
    """A statement on an SQLite file failed."""

    def __init__(self, message: str, failure: Failure) -> None:
        special = next((hint for text, hint in _SPECIAL_HINTS.items() if text in message), None)
        super().__init__(message, failure, special or _HINTS.get(failure, ""))


def classify(message: str) -> Failure:
    """Return what can be done about an error with SQLite's ``message``."""
    return next((failure for text, failure in _FAILURES.items() if text in message), Failure.OTHER)


def statement_error(error: adbc_driver_manager.Error, path: Path) -> SqliteError:
    """Return the driver's ``error`` as ours, without the statement and the driver's own text.

    It names the file at ``path`` if the file caused the error, not the rows.
    """
    text = _QUERY.sub("", _ORIGIN.sub("", str(error))).strip()
    failure = classify(text)
    return SqliteError(f"{path}: {text}" if failure in (Failure.OTHER, Failure.FULL) else text, failure)
