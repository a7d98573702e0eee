"""Gets from a DSN to a database that is ready to be loaded into."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from etl.core.errors import DatabaseError, InterruptedRunError
from etl.core.settings import EMBEDDED
from etl.core.signals import wait_interruptibly
from etl.targets.postgres.connection import Connection, connect
from etl.targets.postgres.describe import Database, identify
from etl.targets.postgres.embedded.server import EmbeddedServer
from etl.targets.postgres.migrate import Migration, check_adoptable, migrate, pending

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path


T = TypeVar("T")


def resolve_uri(dsn: str, home: Path) -> str:
    """Return the libpq URI of ``dsn``; the embedded server is started where that is what it names."""
    return EmbeddedServer(home).start() if dsn == EMBEDDED else dsn


def attended(dsn: str, task: Callable[[], T], close: Callable[[T], None]) -> T:
    """Return what ``task`` opens, in a thread: a signal amid the driver's own Python code would leave it in disorder.

    After a signal, a server that does not answer is not waited for, and what it opens all the same is closed. The
    embedded one is waited for, as it may just be starting.
    """

    def close_late(opening: Future[T]) -> None:
        if opening.exception() is None:
            close(opening.result())

    opener = ThreadPoolExecutor(1, "etl-open")
    opening = opener.submit(task)
    try:
        return wait_interruptibly(opening)
    except (InterruptedRunError, KeyboardInterrupt):
        opening.add_done_callback(close_late)
        raise
    finally:
        opener.shutdown(wait=dsn == EMBEDDED)


def open_attended(dsn: str, home: Path, *, read_only: bool = False) -> tuple[Connection, Database]:
    """Do what ``open_ready`` does, as ``attended``."""
    task = partial(open_ready, dsn, home, read_only=read_only)
    return attended(dsn, task, lambda opened: opened[0].close())


def open_ready(dsn: str, home: Path, *, read_only: bool = False) -> tuple[Connection, Database]:
    """Return a connection to a database that has all our migrations.

    The embedded database gets them by itself; any other is refused with the command that applies them. A
    ``read_only`` caller (a dry run) does without them, except on the embedded server, which is made on first use.
    """
    uri = resolve_uri(dsn, home)
    is_ours = dsn == EMBEDDED
    connection, database, missing = _look(uri, standalone=is_ours)
    if not missing or (read_only and not is_ours):
        return connection, database
    connection.close()
    if is_ours:
        migrate(uri, standalone=True)
        connection, database, _ = _look(uri, standalone=True)
        return connection, database
    raise DatabaseError(
        f'database "{database.name}" lacks {len(missing)} of our migrations',
        "Run `etl db migrate` with the same --dsn once; it prints what it adds",
    )


def migrate_target(dsn: str, home: Path, announce: Callable[[Migration], None], *, standalone: bool) -> list[Migration]:
    """Announce what the database lacks, add it, and return it."""
    uri = resolve_uri(dsn, home)
    standalone = standalone or dsn == EMBEDDED
    connection, _, missing = attended(dsn, lambda: _look(uri, standalone=standalone), lambda looked: looked[0].close())
    connection.close()
    for migration in missing:
        announce(migration)
    return migrate(uri, standalone=standalone)


def _look(uri: str, *, standalone: bool) -> tuple[Connection, Database, list[Migration]]:
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
