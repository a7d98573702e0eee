"""Finds the migrations of a dialect, and compares them with those that a database has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError
from etl.core.statements import sql_folder
from etl.targets.base import Migration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from etl.core.statements import Dialect


def migrations(dialect: Dialect, folder: Path | None = None) -> list[Migration]:
    """Return all migrations of ``dialect`` in order; ``folder`` is for tests."""
    files = sorted((folder or sql_folder() / dialect / "migrations").glob("*.sql"))
    return [Migration(int(file.stem[:4]), file.stem[5:], file.read_text(encoding="utf-8")) for file in files]


def check_applied(name: str, known: Sequence[Migration], done: Mapping[int, str]) -> None:
    """Raise ``DatabaseError`` if a migration of the database ``name`` was changed, or is newer than this program.

    ``done`` holds the checksums of the applied ones, by version.
    """
    if newer := set(done) - {migration.version for migration in known}:
        raise DatabaseError(
            f'database "{name}" has migration {max(newer)}, which this program does not know',
            "Install the newest version of etl",
        )
    for migration in known:
        if done.get(migration.version, migration.checksum) != migration.checksum:
            raise DatabaseError(
                f"migration {migration.version:04} ({migration.name}) is not the one that was applied",
                "Install an unchanged version of etl, or remove its objects with `etl db uninstall` and migrate again",
            )
