"""Applies ``sql/postgres/migrations/NNNN_name.sql`` in order, each with its record in one transaction.

Koito's own record (``goose_db_version``) is never written: a row of ours there would stop Koito from starting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError
from etl.core.statements import statement
from etl.targets.migrations import check_applied
from etl.targets.migrations import migrations as all_migrations
from etl.targets.postgres.connection import connect
from etl.targets.postgres.describe import DatabaseKind, PostgresDatabase, identify, is_migrated

if TYPE_CHECKING:
    from pathlib import Path

    from etl.targets.base import Connection, Migration

KOITO_SCHEMA = 1  # the migration that creates Koito's own tables


def migrations(folder: Path | None = None) -> list[Migration]:
    """Return all migrations in order; ``folder`` is for tests."""
    return all_migrations("postgres", folder)


def pending(
    connection: Connection, database: PostgresDatabase, known: list[Migration] | None = None
) -> list[Migration]:
    """Return the migrations that the database lacks.

    Raises ``DatabaseError`` if an applied one has been changed, or is newer than this program.
    """
    known = migrations() if known is None else known
    done: dict[int, str] = {}
    if database.has_migrations:
        done = dict(connection.query("migrations_applied").select("version", "checksum").iter_rows())
    check_applied(database.name, known, done)
    ours = [
        migration for migration in known if migration.version != KOITO_SCHEMA or database.kind is DatabaseKind.EMPTY
    ]
    return [migration for migration in ours if migration.version not in done]


def check_adoptable(database: PostgresDatabase, *, standalone: bool) -> None:
    """Raise ``DatabaseError`` for a database without Koito's own migration record, unless ``standalone`` allows it."""
    if standalone or database.has_migrations or database.kind is DatabaseKind.KOITO:
        return
    state = "is empty" if database.kind is DatabaseKind.EMPTY else "has Koito's tables, but not its goose_db_version"
    raise DatabaseError(
        f'database "{database.name}" {state}',
        "Start Koito once first, so that it makes its tables. To do without Koito, run `etl db migrate --standalone`; "
        "Koito cannot adopt such a database later",
    )


def migrate(uri: str, *, standalone: bool, known: list[Migration] | None = None) -> list[Migration]:
    """Apply the pending migrations and return them; concurrent processes wait for each other.

    With ``standalone``, an empty database also gets Koito's tables. Raises ``DatabaseError`` for a database that we do
    not load into.
    """
    applied: list[Migration] = []
    connection = connect(uri, autocommit=True)
    try:
        while True:
            connection.script("BEGIN")
            connection.script(statement("postgres", "migrations_lock"))
            database = identify(connection)
            check_adoptable(database, standalone=standalone)
            connection.script(statement("postgres", "migrations_schema"))
            connection.script(statement("postgres", "migrations_table"))
            missing = pending(connection, database, known)
            for migration in missing[:1]:
                connection.script(migration.text)
                connection.execute("migrations_record", migration.version, migration.name, migration.checksum)
                applied.append(migration)
            connection.script("COMMIT")
            if len(missing) <= 1:
                return applied
    finally:
        connection.close()


def uninstall(uri: str) -> None:
    """Remove all our own objects, whatever Koito's version; Koito's tables and the listens stay."""
    connection = connect(uri, autocommit=True)
    try:
        if is_migrated(connection):
            connection.script(statement("postgres", "uninstall"))
    finally:
        connection.close()
