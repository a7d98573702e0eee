"""Classifies the driver's errors by what can be done about them, using SQLSTATE: the driver's classes do not tell."""

from __future__ import annotations

import re

import adbc_driver_manager

from etl.core.dsn import redact
from etl.targets.base import Failure, StatementError


class PostgresError(StatementError):
    """A statement failed; ``sqlstate`` is PostgreSQL's own code, if it gave one."""

    def __init__(self, message: str, sqlstate: str | None, failure: Failure) -> None:
        super().__init__(message, failure, _SPECIAL_HINTS.get(sqlstate or "", _HINTS.get(failure, "")))
        self.sqlstate = sqlstate


_HINTS = {
    Failure.LOST: "Committed batches stay; run the same command again to continue",
    Failure.TRANSIENT: "Run the same command again",
    **dict.fromkeys(
        (Failure.OTHER, Failure.NOT_READY),
        "Fix what the server reports, then run the same command again; committed batches stay",
    ),
    Failure.FULL: "Free some space on the server's disk, then run the same command again; committed batches stay",
    Failure.CANCELLED: "Committed batches stay; run the same command again to continue. If it was the"
    " statement_timeout of the database address, write options=-c%20statement_timeout%3D0 there",
}
_SPECIAL_HINTS = {
    "53300": "Allow more connections on the server (max_connections), or use fewer with --workers 1",
}
_FAILURES = {
    **dict.fromkeys(("40001", "40P01", "55P03"), Failure.TRANSIENT),
    **dict.fromkeys(("54000", "54001"), Failure.DATA),
    "23503": Failure.MISSING_REFERENCE,
    "23505": Failure.DUPLICATE,
    **dict.fromkeys(("42P01", "3F000"), Failure.NOT_READY),  # table, schema
    "53100": Failure.FULL,
    "57014": Failure.CANCELLED,
    **dict.fromkeys(("25P03", "25P04"), Failure.LOST),  # time-outs of an idle or long transaction
}
_ORIGIN = re.compile(r"^[A-Z_]+: \[libpq\] ")
_QUERY = re.compile(r"Failed to execute query '.*?': ", re.DOTALL)  # added by the driver
_DATA_CLASSES = ("22", "23")
_LOST_CLASSES = ("08", "57P")


def classify(sqlstate: str | None, *, operational: bool) -> Failure:
    """Return what can be done about an error with ``sqlstate``, which is missing if the connection is dead."""
    if sqlstate is None:
        return Failure.LOST if operational else Failure.OTHER
    if sqlstate.startswith(_LOST_CLASSES):
        return Failure.LOST
    return _FAILURES.get(sqlstate, Failure.DATA if sqlstate.startswith(_DATA_CLASSES) else Failure.OTHER)


def statement_error(error: adbc_driver_manager.Error) -> PostgresError:
    """Return the driver's ``error`` as ours, without the passwords that a connection string may contain."""
    operational = isinstance(error, adbc_driver_manager.OperationalError)
    text = redact(str(error)).split("\nQuery was:")[0]
    text = _QUERY.sub("", _ORIGIN.sub("", text).removesuffix(f". SQLSTATE: {error.sqlstate}")).strip()
    return PostgresError(text, error.sqlstate or None, classify(error.sqlstate or None, operational=operational))
