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


def migrate_target(
    dsn: str, home: Path, narrate: Narrate, announce: Callable[[Migration], None], *, standalone: bool
) -> list[Migration]:
    """Announce what the database lacks, add it, and return it."""
    uri = resolve_uri(dsn, home, narrate)
    standalone = standalone or dsn == EMBEDDED
    connection, _, missing = _look(uri, standalone=standalone)
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
