"""Reads what ``etl db status`` shows for an SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl.targets.base import Target


def read_status(target: Target) -> dict[str, object]:
    """Return the facts about the file of ``target``, by name; raises ``DatabaseError`` if it is not Koito's."""
    connection, database = target.open(read_only=True)
    try:
        return {
            "file": database.name,
            "koito": connection.query("koito_version").item(),
            "users": ", ".join(connection.query("users").get_column("username")),
            "listens": connection.query("status").item(),
            "migrated": database.has_migrations and database.has_lookup,
        }
    finally:
        connection.close()
