"""The seam to a database: what the program asks of a connection and of a target, and how a statement can fail.

Everything above this package speaks to these two protocols alone. A statement is called by its name, which is the same
in every dialect (``sql/<dialect>/<name>.sql``); frames hold MBIDs as text and times as UTC microseconds, and a
connection encodes them as its tables store them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

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
"""A parameter. A series is a list of values; a frame is a list of rows, whose columns are parameters one by one."""


class Failure(Enum):
    """What can be done about a failed statement."""

    LOST = auto()
    """The connection is gone: the run ends."""
    TRANSIENT = auto()
    """A deadlock, a serialization failure, a busy file: the same transaction again."""
    GONE = auto()
    """A foreign key points at nothing: Koito deleted or merged a row in the meantime."""
    MOVED = auto()
    """Somebody else has written since the round began: what was planned on the old state is planned again."""
    DUPLICATE = auto()
    """A unique value exists already: somebody else stored it since it was looked up, or the data repeat it."""
    DATA = auto()
    """The values are at fault: halve the batch until the guilty one is alone."""
    CANCELLED = auto()
    """Somebody cancelled the statement."""
    NOT_READY = auto()
    """A table or schema is missing: the database was not migrated."""
    BUSY = auto()
    """Another program keeps the database locked, longer than we wait: the run ends."""
    FULL = auto()
    """The disk of the database is full: the run ends."""
    OTHER = auto()
    """A defect, or missing rights: the run ends."""


OF_THE_ROWS = frozenset({Failure.DATA, Failure.DUPLICATE, Failure.GONE, Failure.MOVED})
"""Failures of a batch that are due to its rows: others of the same round can still be written."""

OVERTAKEN = frozenset({Failure.DUPLICATE, Failure.GONE})
"""Failures that planning again settles: a row was removed, or one like it was made, since the plan looked."""

RETRIED = frozenset({Failure.TRANSIENT, Failure.MOVED})
"""Failures after which the same work is done again, from its first statement."""


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
        """Return the rows of the statement ``name``."""

    def execute(self, name: str, *values: Value) -> None:
        """Run the statement ``name``, which returns no rows."""

    def append(self, table: str, frame: pl.DataFrame, schema: pl.Schema, *, temporary: bool = False) -> None:
        """Append ``frame``, which must have ``schema`` exactly, to ``table``."""

    def commit(self) -> None:
        """Commit the transaction."""

    def rollback(self) -> None:
        """Roll the transaction back; on a lost connection nothing is left to roll back."""

    def clone(self) -> Self:
        """Open another connection to the same database."""

    def cancel_all(self) -> None:
        """End what this connection and its clones are doing, in whichever threads; they can only be closed then."""

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""


@dataclass(frozen=True)
class Database:
    """A database that listens can be loaded into, now or after a migration."""

    name: str
    has_migrations: bool
    """Whether our record of migrations is there."""
    has_lookup: bool
    """Whether the table of lookup keys is there."""


@dataclass(frozen=True)
class Migration:
    """One step of ours in a database: a file of ``sql/<dialect>/migrations``."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of its text, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def summary(self) -> str:
        """What its first comment says; the first migrations, which must not change, also say who calls them."""
        first = self.text.partition("\n")[0].removeprefix("-- ")
        return re.sub(r"^Called by [^:]*: ", "", first).rstrip(".")


class Target(Protocol):
    """A database as the place that listens go to: how it is opened, and what differs in rounds, batches and locks."""

    @property
    def dialect(self) -> Dialect:
        """The folder of its statements."""

    @property
    def starts_a_server(self) -> bool:
        """Whether opening it may start a server, which has to be waited for even after a signal."""

    @property
    def has_one_writer(self) -> bool:
        """Whether the run's own connection writes the batches as well: there is one writer at a time."""

    @property
    def longest_lock(self) -> float | None:
        """Seconds that the longest batch so far kept other programs from writing; None if batches do not."""

    def is_made(self) -> bool:
        """Say whether there is a database to open; opening the embedded server's for the first time makes it."""

    def open(self, *, read_only: bool = False) -> tuple[Connection, Database]:
        """Return a connection to a database that has all our migrations.

        A ``read_only`` caller (a dry run) can do without them. Raises ``DatabaseError``, naming what is in the way.
        """

    def open_live(self) -> Connection:
        """Return a connection for live listens, on which each statement commits by itself."""

    def url(self) -> str:
        """Return the address of the database for other programs, without a password."""

    def migrate(self, announce: Callable[[Migration], None], *, standalone: bool) -> list[Migration]:
        """Announce what the database lacks, add it, and return it."""

    def uninstall(self) -> None:
        """Remove every object of ours; Koito's tables and the listens stay."""

    def back_up(self, path: Path) -> None:
        """Write a consistent copy of the database to the empty file ``path``, also while others write to it."""

    def writers(self, wanted: int) -> int:
        """Return how many connections may write at the same time, of those that are ``wanted``."""

    def batch_rows(self, wanted: int | None) -> int:
        """Return how many rows, of all tables, a batch should have; at most those that are ``wanted``, if given."""

    def check_room(self, listens: int, keys: int) -> None:
        """Raise ``DatabaseError`` if so many listens, of so many new keys, will not fit on the database's disk.

        A server on another machine is not asked: nothing there tells.
        """

    def explain(self, error: EtlError) -> EtlError:
        """Return what ended a run, told by the database's own log where that knows more than the connection."""

    def prepare_writer(self, connection: Connection) -> None:
        """Make a connection ready for the batches of a run."""

    def prepare_live_writer(self, connection: Connection) -> None:
        """Make a connection ready for batches of one live listen."""

    def acquire_run_lock(self, connection: Connection, *, exclusive: bool) -> None:
        """Mark a run as active for as long as ``connection`` is open, which a killed process ends as well.

        Raises ``LockedError`` where the lock is to be ``exclusive`` and another run is active on the database.
        """

    def try_lock_alone(self, connection: Connection) -> bool:
        """Take the lock of runs alone, until ``connection`` is closed, if no run is active; say whether it is taken.

        Runs that begin meanwhile wait.
        """

    def active_runs(self, connection: Connection) -> str:
        """Name who holds the lock of runs, for people; blank where nothing tells."""

    def prepare_removal(self, connection: Connection) -> None:
        """Make a connection ready for the batches of an undo."""

    def release_lookups(self, connection: Connection, listens: pl.DataFrame, keys: pl.Series) -> None:
        """Have no lookup key depend on ``listens`` (track_id, second), which are about to be removed.

        Of ``keys``, those that nothing vouches for any more are removed.
        """

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a transaction that sees one state of the database and can write nothing."""

    def begin_round(self, connection: Connection, *, exclusive: bool = False) -> None:
        """Begin a round: what the transaction reads from now on does not change by another run until it ends.

        Where a target only notices such changes afterwards (``Failure.MOVED``), an ``exclusive`` round prevents them,
        up to its first commit. It must be small then: everybody else waits.
        """

    def begin_steps(self, connection: Connection) -> None:
        """Begin a round whose steps are planned on other connections, while ``connection`` holds it."""

    def step_rows(self) -> int | None:
        """Return how many rows, of all tables, a step should bring; None for as many as the round brings."""

    def planning(self, connection: Connection) -> AbstractContextManager[None]:
        """Read what a step of the round concerns."""

    def begin_batch(self, connection: Connection, cached: pl.DataFrame | None = None) -> None:
        """Begin the transaction of a batch.

        A batch relies on what its round has read, or, where it only has listens, on the keys ``cached`` (lookup_key,
        track_id). Raises ``StatementError`` with ``Failure.MOVED`` or ``Failure.GONE`` where the target knows by itself
        that this is not so any more.
        """

    def append_lookups(self, connection: Connection, lookups: pl.DataFrame, listens: pl.DataFrame) -> None:
        """Store ``lookups`` (schema TRACK_LOOKUP) of a batch, whose ``listens`` (schema STAGE) are stored by then."""

    def check_references(
        self, connection: Connection, tables: Mapping[str, pl.DataFrame], others: Iterable[pl.DataFrame]
    ) -> None:
        """Check, where the database does not, that everything a batch refers to exists, and hold it until the commit.

        ``tables``: the rows that the batch makes, by table; ``others``: other rows of it that hold ids. Raises
        ``StatementError`` with ``Failure.GONE``.
        """

    def record_batch(
        self, connection: Connection, run_id: str, number: int, listens: pl.DataFrame, counts: Mapping[str, int]
    ) -> None:
        """Record a batch of a run in the ledger: its ``listens`` (schema STAGE) and what became of them.

        ``counts``: listens, inserted, artists, albums, tracks.
        """

    def submit_cached(
        self, connection: Connection, listen: Single, user: str | None, user_id: int | None
    ) -> pl.DataFrame:
        """Store a live listen whose key is cached, in one statement; no row where the key is not cached.

        ``user`` is the name or id that the listener gave; ``user_id`` is the id, once it is known. Columns out:
        user_id, inserted, held_for (the user who has this listen), unsettled (an artist's MBID is still to be looked
        up), foreign_recording, foreign_release, artist_id, album_id, track_id.
        """
