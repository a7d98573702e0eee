"""A connection to PostgreSQL through ADBC: frames in, frames out, our own errors.

One connection belongs to one thread at a time; sharing it crashes the process. ``clone`` opens another one faster
than ``connect``.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import adbc_driver_manager
import polars as pl

from etl.core.dsn import check_uri
from etl.core.errors import DatabaseError, InternalError
from etl.core.lazy_import import lazy_import
from etl.core.packages import check_driver
from etl.core.schema import PARAMETERS, conform
from etl.core.statements import statement
from etl.targets.base import Failure, StatementError
from etl.targets.postgres.backends import busy_backends, first_answer, repair
from etl.targets.postgres.blockers import blockers
from etl.targets.postgres.errors import PostgresError, statement_error
from etl.targets.postgres.session import POOLER_HINT, address, check_session
from etl.targets.postgres.watchdog import CutError, Watchdog
from etl.targets.results import RESULTS

with lazy_import("pyarrow.dataset"):  # ADBC imports it, nothing here uses it, and it takes 0.05 s
    from adbc_driver_postgresql import dbapi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from etl.targets.base import Value
    from etl.targets.postgres.watchdog import Answers, WatchedConnection


T = TypeVar("T")

_OPENING = threading.Lock()  # opening and closing are not thread-safe in the driver (arrow-adbc #4753)

_MBID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_REFUSED_SETTINGS = "unsupported startup parameter"  # in PgBouncer's message
_NOT_CONNECTED = "Check that the server is up, and the address, user and password in --dsn, ETL_DSN or ETL_DSN_FILE"


def connect(uri: str, *, autocommit: bool = False) -> PostgresConnection:
    """Open a connection to ``uri`` (a libpq URI), with the settings of ``session``.

    Raises ``StatementError`` if the server cannot be reached or refuses, ``DatabaseError`` for a pooler that shares
    sessions, ``SettingsError`` for a malformed URI.
    """
    check_uri(uri)
    target = address(uri)
    watch = Watchdog(
        target.patience,
        lambda line, pids: _ask(target.uri, line, pids),
        lambda line, pids: _blockers(target.uri, line, pids),
    )
    try:
        raw, line = _open(lambda: dbapi.connect(target.uri, autocommit=autocommit), watch)
        return PostgresConnection(raw, watch, line)
    except StatementError as error:
        error.hint = POOLER_HINT if _REFUSED_SETTINGS in error.message else _NOT_CONNECTED
        raise


def _open(make: Callable[[], dbapi.Connection], watch: Watchdog) -> tuple[dbapi.Connection, WatchedConnection]:
    """Return the connection that ``make`` opens, and its record in ``watch``."""
    with _OPENING, _translated(), watch.opening() as line:
        raw = make()
        try:
            pid, settings = first_answer(raw)
            if wrong := check_session(settings, is_shared=watch.knows(pid)):
                repair(raw, wrong)
            line.opened(pid)
            raw.commit()
        except (adbc_driver_manager.Error, DatabaseError):
            raw.close()
            raise
        return raw, line


class PostgresConnection:
    """One PostgreSQL backend, in a transaction from its first statement to ``commit`` or ``rollback``."""

    def __init__(self, raw: dbapi.Connection, watch: Watchdog, line: WatchedConnection) -> None:
        """``line`` is the record of ``raw`` in ``watch``."""
        self._raw = raw
        self._watch = watch
        self._line = line
        line.cancel = self._cancel_quietly

    def clone(self) -> PostgresConnection:
        """Open another connection to the same database."""
        raw, line = _open(self._raw.adbc_clone, self._watch)
        return PostgresConnection(raw, self._watch, line)

    def query(self, name: str, *values: Value) -> pl.DataFrame:
        """Run ``sql/postgres/<name>.sql`` and return its rows; a series in ``values`` is one array, a frame several."""
        with self._calling(), self._raw.cursor() as cursor:
            cursor.execute(statement("postgres", name), _parameters(name, values))
            rows = _fetch(cursor)
        return conform(rows, RESULTS[name]) if name in RESULTS else rows  # a statement that only this package uses

    def query_text(self, sql: str) -> pl.DataFrame:
        """Run ``sql``, which comes from tests or benchmarks, never from data, and return its rows."""
        with self._calling(), self._raw.cursor() as cursor:
            cursor.execute(sql)
            return _fetch(cursor)

    def execute(self, name: str, *values: Value) -> None:
        """Run ``sql/postgres/<name>.sql``, which returns no rows."""
        with self._calling(), self._raw.cursor() as cursor:
            cursor.execute(statement("postgres", name), _parameters(name, values))

    def script(self, text: str) -> None:
        """Run the statements of ``text`` on an autocommit connection; they may begin and commit transactions."""
        with self._calling(), self._raw.cursor() as cursor:
            cursor.executescript(text)

    def append(self, table: str, frame: pl.DataFrame, schema: pl.Schema, *, temporary: bool = False) -> None:
        """Append ``frame`` to ``table`` with COPY. It must have ``schema`` exactly: COPY checks no types."""
        checked = _encoded(conform(frame, schema))
        with self._calling(), self._raw.cursor() as cursor:
            count = cursor.adbc_ingest(table, checked, mode="append", temporary=temporary)
        if count != checked.height:
            raise InternalError(f"{count} of {checked.height} rows arrived in {table}")

    def commit(self) -> None:
        """Commit the transaction."""
        with self._calling():
            self._raw.commit()

    def rollback(self) -> None:
        """Roll the transaction back; does nothing on a lost connection."""
        try:
            with self._calling():
                self._raw.rollback()
        except StatementError as error:
            if error.failure is not Failure.LOST:
                raise

    def cancel(self) -> None:
        """Cancel the statement that another thread runs on this connection."""
        with _translated():
            self._raw.adbc_cancel()

    def close(self) -> None:
        """Close the connection and roll back what was not committed."""
        with _OPENING, _translated():
            self._raw.close()
        self._watch.closed(self._line)
        self._line.cancel = None

    def cancel_all(self) -> None:
        """End what this connection and its clones are doing, in any thread; after that they can only be closed."""
        self._watch.end()

    @contextmanager
    def _calling(self) -> Iterator[None]:
        with _translated(), self._watch.waiting(self._line):
            try:
                yield
            except adbc_driver_manager.Error as error:
                if self._line.why:
                    raise CutError(self._line.why) from error
                raise

    def _cancel_quietly(self) -> None:
        with suppress(StatementError):  # nothing was running, or the server does not answer
            self.cancel()


def _fetch(cursor: dbapi.Cursor) -> pl.DataFrame:
    """Return all rows, via PyArrow: ``fetch_polars`` replaces an error that occurs among the rows by one of Polars."""
    return pl.DataFrame(cursor.fetch_arrow_table())


def _parameters(name: str, values: tuple[Value, ...]) -> pl.DataFrame | None:
    """Return ``values`` as the one row that the driver binds; a list in it is bound as a PostgreSQL array.

    Raises ``InternalError`` for a dtype that would crash the driver, or be sent as another type.
    """
    if not values:
        return None
    columns = [column for value in values for column in _columns(value)]
    if wrong := [
        f"${number}: {one.dtype}" for number, (one, _) in enumerate(columns, 1) if one.dtype not in PARAMETERS
    ]:
        raise InternalError(f"{name} cannot be given {', '.join(wrong)}")
    return pl.DataFrame(
        [(one.implode() if is_array else one).alias(f"p{number}") for number, (one, is_array) in enumerate(columns, 1)]
    )


def _columns(value: Value) -> list[tuple[pl.Series, bool]]:
    """Return the parameters in ``value``, each with whether it is an array."""
    if isinstance(value, pl.DataFrame):
        return [(column, True) for column in value.get_columns()]
    if isinstance(value, pl.Series):
        return [(value, True)]
    return [(pl.Series([value], dtype=pl.String if value is None else None), False)]


def _encoded(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` as the tables store it: an MBID is a uuid, which COPY takes as 16 bytes.

    Raises ``InternalError`` for a text in another form, because COPY would break the connection.
    """
    if "musicbrainz_id" not in frame.columns:
        return frame
    texts = frame.get_column("musicbrainz_id")
    if not texts.str.contains(_MBID).all():
        raise InternalError("a musicbrainz_id is not an MBID")
    return frame.with_columns(texts.str.replace_all("-", "", literal=True).str.decode("hex"))


def _ask(uri: str, line: WatchedConnection, pids: list[int]) -> Answers | None:
    """Return what the server reports about our backends ``pids``; None if it does not answer."""
    try:
        return _asked(uri, line, lambda raw: busy_backends(raw, pids))
    except PostgresError as error:
        is_there = (error.sqlstate or "").startswith("53")  # it answers, but has no free connection
        return dict.fromkeys(pids) if is_there else None


def _blockers(uri: str, line: WatchedConnection, pids: list[int]) -> list[str]:
    """Return the sessions that block our backends ``pids``, as far as the server reports them."""
    with suppress(PostgresError):
        return _asked(uri, line, lambda raw: blockers(raw, pids)) or []
    return []


def _asked(uri: str, line: WatchedConnection, ask: Callable[[dbapi.Connection], T]) -> T | None:
    """Return the result of ``ask`` on a separate connection; None if its answer is no longer needed."""
    with _OPENING, _translated():
        if line.why:
            return None
        asking = dbapi.connect(uri, autocommit=True)
    try:
        with _translated():
            return ask(asking)
    finally:
        with _OPENING, _translated():
            asking.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except adbc_driver_manager.Error as error:
        check_driver(error, "adbc_driver_postgresql")
        raise statement_error(error) from error
    except CutError as error:
        raise PostgresError(str(error), None, Failure.LOST) from error
