"""SQLite as a target: the file of today's Koito, which may be running.

There is one writer. A round reads one state of the file and notes its version. A batch planned on that state is written
only if no other program has committed since; otherwise the round is planned again.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import msgspec
import polars as pl

from etl.core.dsn import SQLITE
from etl.core.errors import DatabaseError, SettingsError
from etl.core.schema import LOOKUP_STAGE
from etl.targets.base import Failure
from etl.targets.room import MEGABYTE, RoomTaken, check_room
from etl.targets.sqlite import live
from etl.targets.sqlite.backup import back_up
from etl.targets.sqlite.connection import SqliteConnection, connect
from etl.targets.sqlite.describe import check_path, identify
from etl.targets.sqlite.errors import SqliteError
from etl.targets.sqlite.lock import acquire_run_lock, run_lock_holders, try_lock_exclusive
from etl.targets.sqlite.migrate import migrate, pending, uninstall
from etl.targets.sqlite.write_pace import WritePace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from etl.core.errors import EtlError
    from etl.core.statements import Dialect
    from etl.normalize.fast_path import Single
    from etl.targets.base import Connection, Database, Migration


ROOM = RoomTaken(per_listen=100, per_key=400, journal_per_listen=20, journal_per_key=300, largest_journal=64 * MEGABYTE)
WITNESSES = 8  # listens recorded as proof of a batch


class SqliteTarget(msgspec.Struct, frozen=True):
    """The file at ``dsn`` (``sqlite:///PATH``); see ``etl.targets.base.Target``."""

    dsn: str
    home: Path
    pace: WritePace = msgspec.field(default_factory=WritePace)
    dialect: ClassVar[Dialect] = "sqlite"
    starts_a_server: ClassVar[bool] = False
    has_one_writer: ClassVar[bool] = True

    @property
    def path(self) -> Path:
        """The path of the file."""
        return Path(self.dsn.removeprefix(SQLITE))

    @property
    def longest_lock(self) -> float:
        """Seconds for which the longest write transaction so far held the lock."""
        return self.pace.longest

    def is_made(self) -> bool:
        """Return True: ``open`` never creates a file, and reports a missing one."""
        return True

    def open(self, *, read_only: bool = False) -> tuple[SqliteConnection, Database]:
        """Return a connection to a file that has all our migrations; a ``read_only`` caller does not need them."""
        connection, database, missing = self._look()
        if not missing or read_only:
            return connection, database
        connection.close()
        raise DatabaseError(
            f"{self.path} lacks {len(missing)} of our migrations",
            "Run `etl db migrate` with the same --dsn once; it prints what it adds",
        )

    def open_live(self) -> SqliteConnection:
        """Return a connection in autocommit."""
        check_path(self.path)
        return connect(self.path, autocommit=True, pace=self.pace)

    def url(self) -> str:
        """Return ``sqlite:///`` and the path of the file."""
        return self.dsn

    def migrate(self, announce: Callable[[Migration], None], *, standalone: bool) -> list[Migration]:
        """Apply the missing migrations and return them; ``announce`` is called with each one first."""
        if standalone:
            raise SettingsError("--standalone is for PostgreSQL", "Leave it out: the file is Koito's own")
        connection, _, missing = self._look()
        connection.close()
        for migration in missing:
            announce(migration)
        return migrate(self.path)

    def uninstall(self) -> None:
        """Remove all our own tables; Koito's tables and the listens stay."""
        check_path(self.path)
        uninstall(self.path)

    def back_up(self, path: Path) -> None:
        """Write a consistent copy to the file ``path``; see ``backup``."""
        back_up(self.path, path)

    def writers(self, wanted: int) -> int:  # noqa: ARG002
        """Return how many connections may write at the same time: one."""
        return 1

    def batch_rows(self, wanted: int | None) -> int:
        """Return how many rows, of all tables, the next batch should have, so that its transaction is short."""
        return min(wanted or self.pace.rows, self.pace.rows)

    def check_room(self, listens: int, keys: int) -> None:
        """Raise ``DatabaseError`` if ``listens`` listens with ``keys`` new keys will not fit on the file's disk."""
        check_room(self.path.parent, ROOM.needed(listens, keys))

    def explain(self, error: EtlError) -> EtlError:
        """Return ``error``: SQLite keeps no log."""
        return error

    def prepare_writer(self, connection: Connection) -> None:
        """Do nothing: every connection is ready for batches."""

    def prepare_live_writer(self, connection: Connection) -> None:
        """Do nothing: every connection is ready for batches."""

    def acquire_run_lock(self, connection: Connection, *, exclusive: bool) -> None:
        """Hold the run lock until ``connection`` is closed."""
        own = _ours(connection)
        own.at_close(acquire_run_lock(self.path, self.home, exclusive=exclusive, check=own.check_open))

    def try_lock_exclusive(self, connection: Connection) -> bool:
        """Take the run lock exclusively until ``connection`` is closed, if no run is active; say if it was taken."""
        own = _ours(connection)
        release = try_lock_exclusive(self.path, self.home, own.check_open)
        if release:
            own.at_close(release)
        return release is not None

    def active_runs(self, connection: Connection) -> str:  # noqa: ARG002
        """Describe the processes that hold the run lock."""
        return run_lock_holders(self.path, self.home)

    def prepare_removal(self, connection: Connection) -> None:
        """Do nothing: all foreign keys have an index."""

    def release_lookups(self, connection: Connection, listens: pl.DataFrame, keys: pl.Series) -> None:
        """Replace ``listens`` as the witnesses of keys by other listens of the track; remove a key that has no other.

        Those of ``keys`` that have no witness are removed, too.
        """
        connection.execute("undo_vouch", listens)
        connection.execute("undo_lookups", listens, keys)

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a read-only transaction that sees one state of the file."""
        _ours(connection).begin_snapshot()

    def begin_round(self, connection: Connection, *, exclusive: bool = False) -> None:
        """Begin to read one state of the file; with ``exclusive``, under the write lock, so that it cannot change."""
        own = _ours(connection)
        if exclusive:
            own.rollback()
            own.begin_write()
            own.seen = own.data_version()
        else:
            own.begin_read()

    def begin_steps(self, connection: Connection) -> None:
        """Note the version of the data that the round's batches rely on."""
        _ours(connection).begin_read()
        connection.rollback()

    def step_rows(self) -> int:
        """Return how many rows a step should have: those of one batch."""
        return self.pace.rows

    @contextmanager
    def planning(self, connection: Connection) -> Iterator[None]:
        """Read one state of the file."""
        _ours(connection).begin_read()
        yield
        connection.rollback()

    def begin_batch(self, connection: Connection, cached: pl.DataFrame | None = None) -> None:
        """Take the write lock; raises ``StatementError`` if what the batch relies on has changed."""
        own = _ours(connection)
        if cached is None and own.seen is None:  # an earlier batch of the round has found the change
            raise _moved()
        own.begin_write()
        own.execute("create_stage")
        own.execute("empty_stage")
        if cached is None and own.data_version() != own.seen:
            own.seen = None
            raise _moved()
        if cached is not None and _changed(own, cached):
            raise SqliteError("a track was merged or removed in the meantime", Failure.MISSING_REFERENCE)

    def append_lookups(self, connection: Connection, lookups: pl.DataFrame, listens: pl.DataFrame) -> None:
        """Store ``lookups``, each with one of the batch's ``listens``, which are stored already, as its witness."""
        seconds = listens.select("track_id", second=pl.col("listened_at").dt.epoch("s"))
        alone = ~pl.col("second").is_duplicated()  # a second that no other track of the batch has
        witnesses = seconds.sort(alone, "second", descending=[True, False]).unique("track_id", keep="first")
        rows = lookups.join(witnesses, on="track_id", how="left", maintain_order="left")
        connection.execute("create_lookup_stage")
        connection.execute("empty_lookup_stage")
        connection.append("etl_lookup_stage", rows.select(LOOKUP_STAGE.names()), LOOKUP_STAGE, temporary=True)
        connection.execute("store_lookups")

    def check_references(
        self, connection: Connection, tables: Mapping[str, pl.DataFrame], others: Iterable[pl.DataFrame]
    ) -> None:
        """Do nothing: SQLite checks every foreign key."""

    def record_batch(
        self, connection: Connection, run_id: str, number: int, listens: pl.DataFrame, counts: Mapping[str, int]
    ) -> None:
        """Record a batch in the ledger, with some of its listens as proof."""
        some = listens.gather_every(max(1, -(-listens.height // WITNESSES)))
        witnesses = some.select("track_id", pl.col("listened_at").dt.epoch("s"))
        connection.execute("ledger_record_batch", run_id, number, *counts.values(), witnesses)

    def submit_cached(
        self, connection: Connection, listen: Single, user: str | None, user_id: int | None
    ) -> pl.DataFrame:
        """Store a live listen whose key is cached; see ``live``."""
        return live.submit_cached(_ours(connection), listen, user, user_id)

    def _look(self) -> tuple[SqliteConnection, Database, list[Migration]]:
        check_path(self.path)
        connection = connect(self.path, pace=self.pace)
        try:
            database = identify(connection, self.path)
            missing = pending(connection, database)
        except DatabaseError:
            connection.close()
            raise
        return connection, database, missing


def _ours(connection: Connection) -> SqliteConnection:
    return cast("SqliteConnection", connection)


def _moved() -> SqliteError:
    return SqliteError("another program has written to the file in the meantime", Failure.STALE_SNAPSHOT)


def _changed(connection: SqliteConnection, cached: pl.DataFrame) -> bool:
    """Say whether a key of ``cached`` (lookup_key, track_id) now leads to another track, or to none."""
    now = connection.query("lookup_keys", cached.get_column("lookup_key"))
    return now.join(cached, on=["lookup_key", "track_id"], how="semi").height < cached.height
