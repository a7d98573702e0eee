"""Gets from a DSN to a database that is ready to be loaded into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.database.connection import Connection, connect
from etl.database.embedded import EmbeddedServer
from etl.database.identify import Database, identify
from etl.database.migrate import Migration, check_adoptable, migrate, pending
from etl.errors import DatabaseError
from etl.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Narrate = Callable[[str], None]


def resolve_uri(dsn: str, home: Path, narrate: Narrate) -> str:
    """Return the libpq URI of ``dsn``; the embedded server is started where that is what it names."""
    return EmbeddedServer(home, narrate).start() if dsn == EMBEDDED else dsn


def open_ready(dsn: str, home: Path, narrate: Narrate, *, read_only: bool = False) -> tuple[Connection, Database]:
    """Return a connection to a database that has all our migrations.

    The embedded database gets them by itself; any other is refused with the command that applies them. A
    ``read_only`` caller (a dry run) does without them, except on the embedded server, which is made on first use.
    """
    uri = resolve_uri(dsn, home, narrate)
    connection, database, missing = _look(uri)
    if not missing:
        return connection, database
    if dsn == EMBEDDED:
        connection.close()
        migrate(uri, standalone=True)
        connection, database, _ = _look(uri)
        return connection, database
    check_adoptable(database, standalone=False)
    if read_only:
        return connection, database
    connection.close()
    raise DatabaseError(
        f'database "{database.name}" lacks {len(missing)} of our migrations',
        "Run `etl db migrate` with the same --dsn once; it prints what it adds",
    )


def migrate_target(
    dsn: str, home: Path, narrate: Narrate, announce: Callable[[Migration], None], *, standalone: bool
) -> list[Migration]:
    """Announce what the database lacks, add it, and return it."""
    uri = resolve_uri(dsn, home, narrate)
    connection, database, missing = _look(uri)
    connection.close()
    standalone = standalone or dsn == EMBEDDED
    check_adoptable(database, standalone=standalone)
    for migration in missing:
        announce(migration)
    return migrate(uri, standalone=standalone)


def _look(uri: str) -> tuple[Connection, Database, list[Migration]]:
    connection = connect(uri)
    try:
        database = identify(connection)
        missing = pending(connection, database)
        connection.rollback()
    except DatabaseError:
        connection.close()
        raise
    return connection, database, missing
