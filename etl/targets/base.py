"""The interface to a database: the protocols ``Connection`` and ``Target``, and the ways in which a statement can fail.

The rest of the program uses only these two protocols. A statement is called by its name, which is the same in every
dialect (``sql/<dialect>/<name>.sql``). Frames hold MBIDs as text and times as UTC microseconds; a connection encodes
them the way its tables store them.
"""

from __future__ import annotations

import hashlib
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

import msgspec
import polars as pl

from etl.core.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from etl.core.errors import EtlError
    from etl.core.statements import Dialect
    from etl.normalize.fast_path import Single

Value: TypeAlias = str | int | bool | pl.Series | pl.DataFrame | None
"""A parameter. A series is a list of values; a frame is a list of rows, and each of its columns is one parameter."""


class Failure(Enum):
    """What can be done about a failed statement."""

    LOST = auto()
    """The connection is gone: the run ends."""
    TRANSIENT = auto()
    """A deadlock, a serialization failure or a busy file: the same transaction is tried again."""
    MISSING_REFERENCE = auto()
    """A foreign key refers to a missing row: Koito has deleted or merged it since it was read."""
    STALE_SNAPSHOT = auto()
    """Another program has written since the round began: the round is planned again on the new state."""
    DUPLICATE = auto()
    """A unique value exists already: another program stored it after the look-up, or the data contain it twice."""
    DATA = auto()
    """A value is invalid: the batch is halved until the invalid row is alone."""
    CANCELLED = auto()
    """The statement was cancelled."""
    NOT_READY = auto()
    """A table or schema is missing: the database was not migrated."""
    BUSY = auto()
    """Another program has kept the database locked for longer than we wait: the run ends."""
    FULL = auto()
    """The database's disk is full: the run ends."""
    OTHER = auto()
    """A bug in the program, or missing privileges: the run ends."""


CAUSED_BY_ROWS = frozenset({Failure.DATA, Failure.DUPLICATE, Failure.MISSING_REFERENCE, Failure.STALE_SNAPSHOT})
"""Failures of a batch that its rows caused: the other batches of the round can still be written."""

NEEDS_NEW_PLAN = frozenset({Failure.DUPLICATE, Failure.MISSING_REFERENCE})
"""Failures that planning again resolves: a row was removed, or the same one was created, since the plan was made."""

RETRIED = frozenset({Failure.TRANSIENT, Failure.STALE_SNAPSHOT})
"""Failures after which the same work is repeated from its first statement."""


class StatementError(DatabaseError):
    """A statement failed. ``failure`` says what can be done about it."""

    def __init__(self, message: str, failure: Failure, hint: str = "") -> None:
        super().__init__(message, hint)
        self.failure = failure


class Connection(Protocol):
    """One session of a database, in a transaction from its first statement to ``commit`` or ``rollback``.

    It belongs to one thread at a time. Every method raises ``StatementError``.
    """

    def query(self, name: str, *values: Value) -> pl.DataFrame:
        """Run the statement ``name`` and return its rows."""

    def execute(self, name: str, *values: Value) -> None:
        """Run the statement ``name``, which returns no rows."""

    def append(self, table: str, frame: pl.DataFrame, schema: pl.Schema, *, temporary: bool = False) -> None:
        """Append ``frame``, which must have ``schema`` exactly, to ``table``."""

    def commit(self) -> None:
        """Commit the transaction."""

    def rollback(self) -> None:
        """Roll the transaction back; does nothing on a lost connection."""

    def clone(self) -> Self:
        """Open another connection to the same database."""

    def cancel_all(self) -> None:
        """End what this connection and its clones are doing, in any thread; after that they can only be closed."""

    def close(self) -> None:
        """Close the connection and roll back what was not committed."""


class Database(msgspec.Struct, frozen=True):
    """A database that listens can be loaded into, now or after a migration."""

    name: str
    has_migrations: bool
    """Whether the table that records our migrations exists."""
    has_lookup: bool
    """Whether the table of lookup keys exists."""


class Migration(msgspec.Struct, frozen=True):
    """One change to our own tables: a file of ``sql/<dialect>/migrations``."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of its text, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def summary(self) -> str:
        """The text of its first comment."""
        return self.text.partition("\n")[0].removeprefix("-- ").rstrip(".")


class Target(Protocol):
    """A database that listens are loaded into. Hides how databases differ in opening, rounds, batches and locks."""

    @property
    def dialect(self) -> Dialect:
        """The folder of its statements."""

    @property
    def starts_a_server(self) -> bool:
        """Whether opening it may start a server; the start is waited for even after a signal."""

    @property
    def has_one_writer(self) -> bool:
        """Whether there is one writer at a time: the run's own connection then writes the batches as well."""

    @property
    def longest_lock(self) -> float | None:
        """Seconds for which the longest batch so far kept other programs from writing; None if batches never do."""

    def is_made(self) -> bool:
        """Say whether the database exists; the first ``open`` creates that of the embedded server."""

    def open(self, *, read_only: bool = False) -> tuple[Connection, Database]:
        """Return a connection to a database that has all our migrations.

        A ``read_only`` caller (a dry run) does not need them. Raises ``DatabaseError``, which names the obstacle.
        """

    def open_live(self) -> Connection:
        """Return a connection for live listens, in autocommit."""

    def url(self) -> str:
        """Return the address of the database for other programs, without a password."""

    def migrate(self, announce: Callable[[Migration], None], *, standalone: bool) -> list[Migration]:
        """Apply the missing migrations and return them; ``announce`` is called with each one first."""

    def uninstall(self) -> None:
        """Remove all our own objects; Koito's tables and the listens stay."""

    def back_up(self, path: Path) -> None:
        """Write a consistent copy of the database to the empty file ``path``, also while others write to it."""

    def writers(self, wanted: int) -> int:
        """Return how many connections may write at the same time, at most ``wanted``."""

    def batch_rows(self, wanted: int | None) -> int:
        """Return how many rows, of all tables, a batch should have; at most ``wanted``, if given."""

    def check_room(self, listens: int, keys: int) -> None:
        """Raise ``DatabaseError`` if ``listens`` listens with ``keys`` new keys will not fit on the database's disk.

        A server on another machine is not checked: it does not report its free disk space.
        """

    def explain(self, error: EtlError) -> EtlError:
        """Return the error that ended a run; a better one if the database's own log has more details than ``error``."""

    def prepare_writer(self, connection: Connection) -> None:
        """Make a connection ready for the batches of a run."""

    def prepare_live_writer(self, connection: Connection) -> None:
        """Make a connection ready for batches of one live listen."""

    def acquire_run_lock(self, connection: Connection, *, exclusive: bool) -> None:
        """Mark a run as active until ``connection`` is closed, which also happens when the process is killed.

        Raises ``LockedError`` if ``exclusive`` is set and another run is active on the database.
        """

    def try_lock_exclusive(self, connection: Connection) -> bool:
        """Take the run lock exclusively, until ``connection`` is closed, if no run is active; say whether it was taken.

        Runs that begin while it is held wait.
        """

    def active_runs(self, connection: Connection) -> str:
        """Describe the holders of the run lock to the user; blank if they are unknown."""

    def prepare_removal(self, connection: Connection) -> None:
        """Make a connection ready for the batches of an undo."""

    def release_lookups(self, connection: Connection, listens: pl.DataFrame, keys: pl.Series) -> None:
        """Make every lookup key independent of ``listens`` (track_id, second), which are about to be removed.

        Those of ``keys`` that have no witness left are removed.
        """

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a read-only transaction that sees one state of the database."""

    def begin_round(self, connection: Connection, *, exclusive: bool = False) -> None:
        """Begin a round: until the transaction ends, no other run changes what it reads.

        Some targets only detect such changes afterwards (``Failure.STALE_SNAPSHOT``). An ``exclusive`` round
        prevents them until its first commit. It must be small, because every other writer waits for it.
        """

    def begin_steps(self, connection: Connection) -> None:
        """Begin a round on ``connection`` whose steps are planned on other connections."""

    def step_rows(self) -> int | None:
        """Return how many rows, of all tables, a step should have; None if the round is one step."""

    def planning(self, connection: Connection) -> AbstractContextManager[None]:
        """Return a context in which a step of the round may be read and planned."""

    def begin_batch(self, connection: Connection, cached: pl.DataFrame | None = None) -> None:
        """Begin the transaction of a batch.

        A batch relies on what its round has read or, if it only has listens, on the keys ``cached`` (lookup_key,
        track_id). Raises ``StatementError`` with ``Failure.STALE_SNAPSHOT`` or ``Failure.MISSING_REFERENCE`` if the
        target detects that this has changed.
        """

    def append_lookups(self, connection: Connection, lookups: pl.DataFrame, listens: pl.DataFrame) -> None:
        """Store the ``lookups`` (schema TRACK_LOOKUP) of a batch; its ``listens`` (schema STAGE) are already stored."""

    def check_references(
        self, connection: Connection, tables: Mapping[str, pl.DataFrame], others: Iterable[pl.DataFrame]
    ) -> None:
        """Check that everything a batch refers to exists, if the database does not, and lock it until the commit.

        ``tables``: the rows that the batch creates, by table. ``others``: its other rows that hold ids. Raises
        ``StatementError`` with ``Failure.MISSING_REFERENCE``.
        """

    def record_batch(
        self, connection: Connection, run_id: str, number: int, listens: pl.DataFrame, counts: Mapping[str, int]
    ) -> None:
        """Record a batch of a run in the ledger: its ``listens`` (schema STAGE) and their outcome.

        ``counts``: listens, inserted, artists, albums, tracks.
        """

    def submit_cached(
        self, connection: Connection, listen: Single, user: str | None, user_id: int | None
    ) -> pl.DataFrame:
        """Store a live listen whose key is cached, in one statement; returns no row if the key is not cached.

        ``user`` is the name or id that the caller gave; ``user_id`` is the id, once it is known. Columns out:
        user_id, inserted, held_for (the user who already has this listen), unsettled (an artist's MBID has not been
        looked up yet), foreign_recording, foreign_release, artist_id, album_id, track_id.
        """
