"""PostgreSQL as a target: Koito's database, one created by this program, or the embedded server."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import msgspec

from etl.core.dsn import redact
from etl.core.errors import DatabaseError, LockedError
from etl.core.schema import TRACK_LOOKUP
from etl.core.settings import EMBEDDED
from etl.targets.base import Failure, StatementError
from etl.targets.postgres import foreign_keys, live
from etl.targets.postgres.backup import back_up
from etl.targets.postgres.blockers import session
from etl.targets.postgres.connection import PostgresConnection, connect
from etl.targets.postgres.describe import PostgresDatabase, check_sequences, identify
from etl.targets.postgres.embedded.server import EmbeddedServer
from etl.targets.postgres.migrate import check_adoptable, migrate, pending, uninstall
from etl.targets.postgres.session import embedded
from etl.targets.room import MEGABYTE, RoomTaken, check_room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import polars as pl

    from etl.core.errors import EtlError
    from etl.core.statements import Dialect
    from etl.normalize.fast_path import Single
    from etl.targets.base import Connection, Migration


ROOM = RoomTaken(
    per_listen=170, per_key=840, journal_per_listen=330, journal_per_key=1_340, largest_journal=4_000 * MEGABYTE
)
BATCH_ROWS = 40_000  # 20,000 to 90,000 are equally fast (docs/performance.md)


class PostgresTarget(msgspec.Struct, frozen=True, dict=True):
    """The database at ``dsn``, a libpq URI or ``embedded``; see ``etl.targets.base.Target``."""

    dsn: str
    home: Path
    dialect: ClassVar[Dialect] = "postgres"
    has_one_writer: ClassVar[bool] = False

    @property
    def starts_a_server(self) -> bool:
        """Whether it is the embedded server's database."""
        return self.dsn == EMBEDDED

    @cached_property
    def _server(self) -> EmbeddedServer:
        return EmbeddedServer(self.home)

    def _uri(self) -> str:
        return embedded(self._server.start()) if self.starts_a_server else self.dsn

    @property
    def longest_lock(self) -> None:
        """None: batches do not prevent other programs from writing."""

    def is_made(self) -> bool:
        """Say whether the database exists: the embedded server's may not; any other is assumed to."""
        return not self.starts_a_server or EmbeddedServer(self.home).is_made()

    def open(self, *, read_only: bool = False) -> tuple[PostgresConnection, PostgresDatabase]:
        """Return a connection to a database that has all our migrations.

        The embedded database gets them automatically. Any other without them is refused, with the command that applies
        them, except for a ``read_only`` caller.
        """
        uri = self._uri()
        connection, database, missing = _look(uri, standalone=self.starts_a_server)
        if not missing or (read_only and not self.starts_a_server):
            return connection, database
        connection.close()
        if self.starts_a_server:
            migrate(uri, standalone=True)
            connection, database, _ = _look(uri, standalone=True)
            return connection, database
        raise DatabaseError(
            f'database "{database.name}" lacks {len(missing)} of our migrations',
            "Run `etl db migrate` with the same --dsn once; it prints what it adds",
        )

    def open_live(self) -> PostgresConnection:
        """Return a connection in autocommit."""
        return connect(self._uri(), autocommit=True)

    def url(self) -> str:
        """Return the URI without a password; starts the embedded server."""
        return self._server.start() if self.starts_a_server else redact(self.dsn)

    def migrate(self, announce: Callable[[Migration], None], *, standalone: bool) -> list[Migration]:
        """Apply the missing migrations and return them; ``announce`` is called with each one first."""
        uri, standalone = self._uri(), standalone or self.starts_a_server
        connection, _, missing = _look(uri, standalone=standalone)
        connection.close()
        for migration in missing:
            announce(migration)
        return migrate(uri, standalone=standalone)

    def uninstall(self) -> None:
        """Remove all our own objects; Koito's tables and the listens stay."""
        uninstall(self._uri())

    def back_up(self, path: Path) -> None:
        """Write the database to the file ``path``; see ``backup``."""
        back_up(self._uri(), path, is_embedded=self.starts_a_server)

    def writers(self, wanted: int) -> int:
        """Return how many connections may write at the same time: ``wanted``."""
        return wanted

    def batch_rows(self, wanted: int | None) -> int:
        """Return how many rows a batch should have: ``wanted``, or a default."""
        return wanted or BATCH_ROWS

    def check_room(self, listens: int, keys: int) -> None:
        """Raise ``DatabaseError`` if the embedded server's disk has no room for ``listens`` with ``keys`` new keys."""
        if self.starts_a_server:
            check_room(self._server.data, ROOM.needed(listens, keys, self._server.journal_size()))

    def explain(self, error: EtlError) -> EtlError:
        """Return ``error``, or an error on a full disk if that made the embedded server end the connection."""
        is_of_server = isinstance(error, StatementError) and error.failure in (Failure.LOST, Failure.FULL)
        return (self._server.full_disk() if self.starts_a_server and is_of_server else None) or error

    def prepare_writer(self, connection: Connection) -> None:
        """Make a connection ready for the batches of a run."""
        self.prepare_live_writer(connection)
        foreign_keys.suspend_foreign_keys(connection)

    def prepare_live_writer(self, connection: Connection) -> None:
        """Make a connection ready for batches whose foreign keys PostgreSQL checks."""
        connection.execute("create_stage")
        connection.commit()

    def acquire_run_lock(self, connection: Connection, *, exclusive: bool) -> None:
        """Hold the run lock: an advisory lock, shared or exclusive, of the connection's session."""
        if not exclusive:
            connection.query("run_lock")
        elif not connection.query("run_lock_exclusive").item():
            found = connection.query("active_runs").to_dicts()
            since = f", since {found[0]['since']} UTC: {session(found[0])}" if found else ""
            raise LockedError(f"another run is active on this database{since}", "Run the same command again later")
        connection.rollback()

    def try_lock_exclusive(self, connection: Connection) -> bool:
        """Take the run lock exclusively, for the connection's session, if no run is active; say if it was taken."""
        is_taken = bool(connection.query("run_lock_try_exclusive").item())
        connection.rollback()
        return is_taken

    def active_runs(self, connection: Connection) -> str:
        """Describe the sessions that hold the run lock."""
        found = connection.query("active_runs").to_dicts()
        connection.rollback()
        return " and ".join(session(one) for one in found)

    def prepare_removal(self, connection: Connection) -> None:
        """Turn off the foreign-key checks for each removed row, if the role may do that."""
        connection.query("undo_suspend_foreign_keys")
        connection.commit()

    def release_lookups(self, connection: Connection, listens: pl.DataFrame, keys: pl.Series) -> None:
        """Do nothing: a key refers to its track, and is deleted with it."""

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a read-only transaction in which reads are repeatable."""
        connection.execute("begin_dry_run")

    def begin_round(self, connection: Connection, *, exclusive: bool = False) -> None:  # noqa: ARG002
        """Take the round lock, which the transaction holds until its end."""
        connection.query("round_lock")

    def begin_steps(self, connection: Connection) -> None:
        """Take the round lock, which the transaction holds until its end."""
        connection.query("round_lock")
        check_sequences(connection)

    def step_rows(self) -> None:
        """Return None: planning one part of a round while another is written saves nothing on two cores."""

    def planning(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing: ``connection`` holds the round lock and sees everything committed."""
        return nullcontext()

    def begin_batch(self, connection: Connection, cached: pl.DataFrame | None = None) -> None:  # noqa: ARG002
        """Take the batch lock, shared: Koito's merges and the next round wait for it."""
        connection.query("batch_lock")

    def append_lookups(self, connection: Connection, lookups: pl.DataFrame, listens: pl.DataFrame) -> None:  # noqa: ARG002
        """Store ``lookups``. Triggers update them after a merge, so they need no witnesses."""
        connection.append("track_lookup", lookups, TRACK_LOOKUP)

    def check_references(
        self, connection: Connection, tables: Mapping[str, pl.DataFrame], others: Iterable[pl.DataFrame]
    ) -> None:
        """Check what the batch refers to as a set; see ``foreign_keys``."""
        foreign_keys.check(connection, foreign_keys.referenced(tables, others))

    def record_batch(
        self,
        connection: Connection,
        run_id: str,
        number: int,
        listens: pl.DataFrame,  # noqa: ARG002
        counts: Mapping[str, int],
    ) -> None:
        """Record a batch in the ledger."""
        connection.execute("ledger_record_batch", run_id, number, *counts.values())

    def submit_cached(
        self, connection: Connection, listen: Single, user: str | None, user_id: int | None
    ) -> pl.DataFrame:
        """Store a live listen whose key is cached; see ``live``."""
        return live.submit_cached(connection, listen, user, user_id)


def _look(uri: str, *, standalone: bool) -> tuple[PostgresConnection, PostgresDatabase, list[Migration]]:
    connection = connect(uri)
    try:
        database = identify(connection)
        check_adoptable(database, standalone=standalone)
        missing = pending(connection, database)
        connection.rollback()
    except DatabaseError:
        connection.close()
        raise
    return connection, database, missing
