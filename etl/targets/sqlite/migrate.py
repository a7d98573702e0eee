"""Adds our tables to Koito's file: ``sql/sqlite/migrations`` in order, each with its record in one transaction.

They are plain tables. A trigger or view of ours would break Koito's next migration that rebuilds a table, and Koito
would no longer start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.statements import statement
from etl.targets.migrations import check_applied
from etl.targets.migrations import migrations as all_migrations
from etl.targets.sqlite.connection import connect
from etl.targets.sqlite.describe import identify, is_migrated

if TYPE_CHECKING:
    from pathlib import Path

    from etl.targets.base import Database, Migration
    from etl.targets.sqlite.connection import SqliteConnection


def migrations(folder: Path | None = None) -> list[Migration]:
    """Return all migrations in order; ``folder`` is for tests."""
    return all_migrations("sqlite", folder)


def pending(connection: SqliteConnection, database: Database, known: list[Migration] | None = None) -> list[Migration]:
    """Return the migrations that the file lacks.

    Raises ``DatabaseError`` if an applied one has been changed, or is newer than this program.
    """
    known = migrations() if known is None else known
    done: dict[int, str] = {}
    if database.has_migrations:
        done = dict(connection.query("migrations_applied").select("version", "checksum").iter_rows())
    check_applied(database.name, known, done)
    return [migration for migration in known if migration.version not in done]


def migrate(path: Path, *, known: list[Migration] | None = None) -> list[Migration]:
    """Apply the pending migrations and return them; concurrent processes wait for each other."""
    applied: list[Migration] = []
    connection = connect(path)
    try:
        while True:
            connection.begin_write()
            missing = pending(connection, identify(connection, path), known)
            connection.execute("migrations_table")
            for migration in missing[:1]:
                connection.script(migration.text)
                connection.execute("migrations_record", migration.version, migration.name, migration.checksum)
                applied.append(migration)
            connection.commit()
            if len(missing) <= 1:
                return applied
    finally:
        connection.close()


def uninstall(path: Path) -> None:
    """Remove all our own tables, whatever Koito's version; Koito's tables and the listens stay."""
    connection = connect(path)
    try:
        if is_migrated(connection):
            connection.begin_write()
            for removal in connection.query_text(statement("sqlite", "uninstall")).get_column("removal"):
                connection.script(removal)
            connection.commit()
    finally:
        connection.close()
