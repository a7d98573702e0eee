"""A connection to PostgreSQL through ADBC: frames in, frames out, our own errors.

One connection belongs to one thread at a time; sharing one crashes the process. ``clone`` makes another for less
than a connect.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import adbc_driver_manager
import polars as pl
from adbc_driver_postgresql import dbapi

from etl.database.failures import Failure, StatementError, statement_error
from etl.database.statements import statement
from etl.errors import InternalError
from etl.schema import conform
from etl.settings import check_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    Value = str | int | bool | None | pl.Series

_OPENING = threading.Lock()  # opening and closing are not thread-safe in the driver (arrow-adbc #4753)
_DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "etl",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
}
_NOT_CONNECTED = "Check that the server is up, and the address, user and password in --dsn, ETL_DSN or ETL_DSN_FILE"
_SESSION = "-c timezone=UTC -c search_path=public -c client_min_messages=warning"


def connect(uri: str, *, autocommit: bool = False) -> Connection:
    """Open a connection to ``uri`` (a libpq URI), with time-outs where the URI sets none.

    Raises ``StatementError`` where the server cannot be reached or refuses, ``SettingsError`` for a malformed URI.
    """
    check_uri(uri)
    try:
        with _OPENING, _translated():
            return Connection(dbapi.connect(_with_defaults(uri), autocommit=autocommit))
    except StatementError as error:
        error.hint = _NOT_CONNECTED
        raise


class Connection:
    """One PostgreSQL backend, in a transaction from its first statement to ``commit`` or ``rollback``."""

    def __init__(self, raw: dbapi.Connection) -> None:
        self._raw = raw

    def clone(self) -> Connection:
        """Open a further connection to the same database."""
        with _OPENING, _translated():
            return Connection(self._raw.adbc_clone())

    def read(self, name: str, *values: Value) -> pl.DataFrame:
        """Return the rows of ``sql/<name>.sql``; ``values`` are its parameters, a Series is an array."""
        with _translated(), self._raw.cursor() as cursor:
            cursor.execute(statement(name), _parameters(values))
            return _fetch(cursor)

    def read_text(self, sql: str) -> pl.DataFrame:
        """Return the rows of ``sql``, which comes from tests or benchmarks, never from data."""
        with _translated(), self._raw.cursor() as cursor:
            cursor.execute(sql)
            return _fetch(cursor)

    def write(self, name: str, *values: Value) -> None:
        """Run ``sql/<name>.sql``, which returns no rows."""
        with _translated(), self._raw.cursor() as cursor:
            cursor.execute(statement(name), _parameters(values))

    def script(self, text: str) -> None:
        """Run the statements of ``text`` on an autocommit connection: it may begin and commit by itself."""
        with _translated(), self._raw.cursor() as cursor:
            cursor.executescript(text)

    def ingest(self, table: str, frame: pl.DataFrame, schema: pl.Schema, *, temporary: bool = False) -> None:
        """Append ``frame`` to ``table`` with COPY. It must have ``schema`` exactly: COPY checks no types."""
        checked = conform(frame, schema)
        with _translated(), self._raw.cursor() as cursor:
            count = cursor.adbc_ingest(table, checked, mode="append", temporary=temporary)
        if count != checked.height:
            raise InternalError(f"{count} of {checked.height} rows arrived in {table}")

    def commit(self) -> None:
        """Commit the transaction."""
        with _translated():
            self._raw.commit()

    def rollback(self) -> None:
        """Roll the transaction back; on a lost connection there is nothing left to roll back."""
        try:
            with _translated():
                self._raw.rollback()
        except StatementError as error:
            if error.failure is not Failure.LOST:
                raise

    def cancel(self) -> None:
        """Cancel the statement that another thread runs on this connection."""
        with _translated():
            self._raw.adbc_cancel()

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""
        with _OPENING, _translated():
            self._raw.close()


def _fetch(cursor: dbapi.Cursor) -> pl.DataFrame:
    """Return all rows. Through PyArrow: ``fetch_polars`` hides an error that comes with the rows in one of Polars."""
    return pl.DataFrame(cursor.fetch_arrow_table())


def _parameters(values: tuple[Value, ...]) -> pl.DataFrame | None:
    """Return ``values`` as the one row that the driver binds; a list in a row is an array for PostgreSQL."""
    if not values:
        return None
    return pl.DataFrame([_column(f"p{number}", value) for number, value in enumerate(values)])


def _column(name: str, value: Value) -> pl.Series:
    if isinstance(value, pl.Series):
        return value.alias(name).implode()
    if value is None:
        return pl.Series(name, [None], dtype=pl.String)
    return pl.Series(name, [value])


def _with_defaults(uri: str) -> str:
    base, _, query = uri.partition("?")
    given = dict(pair.split("=") for pair in query.split("&") if pair)  # values stay as the user encoded them
    options = f"{given.pop('options', '')}%20{quote(_SESSION)}"
    return f"{base}?" + "&".join(
        f"{name}={value}" for name, value in {**_DEFAULTS, **given, "options": options}.items()
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except adbc_driver_manager.Error as error:
        raise statement_error(error) from error
