"""A connection to an SQLite file through ADBC: frames in, frames out, our own errors.

The driver runs in autocommit because pragmas work only there; we begin and end transactions with our own statements.
A query outside a transaction sees what is committed. A statement that writes begins a transaction with the write lock.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import adbc_driver_manager
import polars as pl

from etl.core.errors import InternalError
from etl.core.lazy_import import lazy_import
from etl.core.packages import check_driver
from etl.core.schema import conform
from etl.core.statements import statement
from etl.targets.base import Failure
from etl.targets.results import RESULTS
from etl.targets.sqlite.errors import SqliteError, statement_error
from etl.targets.sqlite.lock_wait import TRY, wait_for_lock
from etl.targets.sqlite.values import check_texts, decode, encode, parameters
from etl.targets.sqlite.write_pace import WritePace

with lazy_import("pyarrow.dataset"):  # ADBC imports it, nothing here uses it, and it takes 0.05 s
    from adbc_driver_sqlite import dbapi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from etl.targets.base import Value

CHECKPOINT = 16_000  # pages, 64 MB of log: at SQLite's 1,000, pages that many batches change would be copied many times
PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {TRY}",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT}",
)
# The driver infers types from the first batch, so that the whole result should be one. It reserves address space for a
# full batch at once, 8 bytes for each value: 32 MB per column. A machine with little memory would refuse gigabytes.
BATCH_ROWS = {"adbc.sqlite.query.batch_rows": str(2**22)}
_WRITES = re.compile(r"^(INSERT|UPDATE|DELETE|CREATE|DROP)\b", re.MULTILINE)
_ROLLED_BACK = "no transaction is active"  # SQLite rolls back by itself when the disk is full


class Mode(Enum):
    """The kind of transaction that a connection is in."""

    NONE = auto()
    READ = auto()
    """One state of the database, until the end of the transaction."""
    SNAPSHOT = auto()
    """The same, read-only."""
    WRITE = auto()
    """With the write lock."""


def connect(
    path: Path, *, autocommit: bool = False, pace: WritePace | None = None, ended: threading.Event | None = None
) -> SqliteConnection:
    """Open the file at ``path``, which must exist: it is never created. Raises ``StatementError``.

    With ``autocommit`` each statement is its own transaction. After ``ended`` is set, every statement fails.
    """
    with _translated(path):
        raw = dbapi.connect(f"file:{quote(str(path))}?mode=rw", autocommit=True)
    pace, ended = pace or WritePace(), ended or threading.Event()
    connection = SqliteConnection(raw, path, pace, ended, autocommit=autocommit)
    try:
        for pragma in PRAGMAS:
            connection.script(pragma)
    except SqliteError:
        connection.close()
        raise
    return connection


class SqliteConnection:
    """One connection to an SQLite file; it belongs to one thread at a time."""

    def __init__(
        self, raw: dbapi.Connection, path: Path, pace: WritePace, ended: threading.Event, *, autocommit: bool
    ) -> None:
        self.pace = pace
        self.mode = Mode.NONE
        self.seen: int | None = None
        """The version of the data that the current round has read."""
        self._raw = raw
        self._path = path
        self._autocommit = autocommit
        self._ended = ended
        self._locked_at = 0.0
        self._rows = 0
        self._on_close: list[Callable[[], None]] = []

    def clone(self) -> SqliteConnection:
        """Open another connection to the same file; ``cancel_all`` on either ends both."""
        return connect(self._path, autocommit=self._autocommit, pace=self.pace, ended=self._ended)

    def reconnect(self) -> SqliteConnection:
        """Open a new connection to the same file."""
        return connect(self._path, autocommit=self._autocommit, pace=self.pace)

    def query(self, name: str, *values: Value) -> pl.DataFrame:
        """Return the rows of ``sql/sqlite/<name>.sql``; a series or frame among ``values`` is a JSON array."""
        rows = self._fetch(self._prepared(name, values), parameters(name, values))
        if name in RESULTS:
            return decode(rows, RESULTS[name])
        check_texts(rows)  # a statement of this package alone
        return pl.DataFrame(rows)

    def query_text(self, sql: str) -> pl.DataFrame:
        """Return the rows of ``sql``, which comes from tests or benchmarks, never from data."""
        return pl.DataFrame(self._fetch(sql))

    def execute(self, name: str, *values: Value) -> None:
        """Run ``sql/sqlite/<name>.sql``, which returns no rows."""
        self._run(self._prepared(name, values), parameters(name, values))

    def script(self, text: str) -> None:
        """Run one statement, in the open transaction if there is one."""
        self._run(text)

    def append(self, table: str, frame: pl.DataFrame, schema: pl.Schema, *, temporary: bool = False) -> None:
        """Append ``frame``, which must have ``schema`` exactly, to ``table``."""
        checked = encode(conform(frame, schema))
        if not checked.height:
            return
        self.begin_write()
        with self._calling() as cursor:
            count = cursor.adbc_ingest(table, checked, mode="append", temporary=temporary)
        if count != checked.height:
            raise InternalError(f"{count} of {checked.height} rows arrived in {table}")
        self._rows += count

    def begin_read(self) -> None:
        """Begin a transaction that sees one state of the database, and note the version of its data in ``seen``."""
        self.rollback()
        self.script("BEGIN")
        self.mode = Mode.READ
        self.seen = self.data_version()

    def begin_snapshot(self) -> None:
        """Begin a read-only transaction that sees one state of the database."""
        self.script("PRAGMA query_only = ON")
        self.begin_read()
        self.mode = Mode.SNAPSHOT

    def begin_write(self) -> None:
        """Take the write lock, unless the connection has it; ends a transaction that only reads."""
        if self._autocommit or self.mode in (Mode.WRITE, Mode.SNAPSHOT):
            return
        if self.mode is Mode.READ:
            self.script("COMMIT")
            self.mode = Mode.NONE
        self.pace.pause()
        self.script("BEGIN IMMEDIATE")
        self.mode, self._locked_at, self._rows = Mode.WRITE, time.monotonic(), 0

    def data_version(self) -> int:
        """Return a number that changes when another connection commits; comparable on the same connection only."""
        return int(self.query_text("PRAGMA data_version").item())

    def commit(self) -> None:
        """Commit the transaction."""
        if self.mode is not Mode.NONE:
            self.script("COMMIT")
            self._left()

    def rollback(self) -> None:
        """Roll the transaction back; does nothing if SQLite has done so. An ended connection rolls back when closed."""
        if self.mode is not Mode.NONE and not self._ended.is_set():
            try:
                self.script("ROLLBACK")
            except SqliteError as error:
                if _ROLLED_BACK not in error.message:
                    raise
            self._left()

    def at_close(self, action: Callable[[], None]) -> None:
        """Call ``action`` when the connection is closed."""
        self._on_close.append(action)

    def cancel_all(self) -> None:
        """Make every later statement fail; a running one cannot be interrupted, unless it waits for a lock."""
        self._ended.set()

    def check_open(self) -> None:
        """Raise ``StatementError`` if ``cancel_all`` was called."""
        if self._ended.is_set():
            raise SqliteError("the connection is closed", Failure.LOST)

    def close(self) -> None:
        """Close the connection and roll back what was not committed."""
        with _translated(self._path):
            self._raw.close()
        while self._on_close:
            self._on_close.pop()()

    def _left(self) -> None:
        if self.mode is Mode.WRITE:
            self.pace.note(self._rows, time.monotonic() - self._locked_at)
        was_snapshot, self.mode = self.mode is Mode.SNAPSHOT, Mode.NONE
        if was_snapshot:
            self.script("PRAGMA query_only = OFF")

    def _prepared(self, name: str, values: tuple[Value, ...]) -> str:
        """Return the text of the statement ``name``; takes the write lock first if it writes."""
        text = statement("sqlite", name)
        if is_writing(text):
            self.begin_write()
            self._rows += sum(len(value) for value in values if isinstance(value, (pl.Series, pl.DataFrame)))
        return text

    def _fetch(self, text: str, bound: pl.DataFrame | None = None) -> pa.Table:
        def fetch() -> pa.Table:
            with self._calling() as cursor:
                cursor.adbc_statement.set_options(**BATCH_ROWS)
                cursor.execute(text, bound)
                return cursor.fetch_arrow_table()

        return wait_for_lock(self._path, fetch, self.check_open)

    def _run(self, text: str, bound: pl.DataFrame | None = None) -> None:
        def run() -> None:
            with self._calling() as cursor:
                cursor.execute(text, bound)

        wait_for_lock(self._path, run, self.check_open)

    @contextmanager
    def _calling(self) -> Iterator[dbapi.Cursor]:
        self.check_open()
        with _translated(self._path), self._raw.cursor() as cursor:
            yield cursor


@cache
def is_writing(text: str) -> bool:
    """Say whether the statement ``text`` writes, by a line that begins with a writing verb."""
    return _WRITES.search(text) is not None


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except adbc_driver_manager.Error as error:
        check_driver(error, "adbc_driver_sqlite")
        raise statement_error(error, path) from error
    except OSError as error:  # an error while rows are read
        raise SqliteError(str(error), Failure.OTHER) from error
