"""Identifies the kind of database, and refuses any that we do not load into with an error that says what it is."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError
from etl.core.lists import listed
from etl.targets.base import Database
from etl.targets.postgres.session import check_encoding

if TYPE_CHECKING:
    from etl.targets.base import Connection

KOITO_VERSION = 5  # goose's version at v0.1.7 to v0.1.10, the last releases on PostgreSQL
OLDEST_SERVER = 150_000
KOITO_TABLES = frozenset(
    {
        "api_keys", "artist_aliases", "artist_releases", "artist_tracks", "artists", "listens", "release_aliases",
        "releases", "sessions", "track_aliases", "tracks", "users",
    }
)  # fmt: skip


class DatabaseKind(Enum):
    """What a database holds."""

    KOITO = auto()
    """Koito's own tables and its goose record."""
    STANDALONE = auto()
    """Koito's tables, created by us: Koito cannot use them."""
    EMPTY = auto()
    """No tables at all."""


class PostgresDatabase(Database, frozen=True):
    """A PostgreSQL database, and whose tables it holds."""

    kind: DatabaseKind
    server_version: str


def identify(connection: Connection) -> PostgresDatabase:
    """Return what the database is; raises ``DatabaseError``, which names the reason, if we do not load into it."""
    row = connection.query("describe_database").row(0, named=True)
    name, schemas = row["name"], _by_schema(row["tables"])
    tables = schemas.get("public", frozenset())
    if row["server_version"] < OLDEST_SERVER:
        raise DatabaseError(f"the server runs PostgreSQL {row['server_version_text']}", "Version 15 or newer is needed")
    check_encoding(name, row["encoding"])
    if not tables >= KOITO_TABLES:
        _check_other_schemas(name, schemas)
    kind = _kind(tables, has_goose=row["has_goose"])
    if kind is None:
        raise _foreign(name, tables)
    if kind is DatabaseKind.KOITO:
        _check_koito_version(connection, name)
    if row["has_schema"] and not row["has_migrations"]:
        raise DatabaseError(f'database "{name}" has a schema "etl" of another program', "Rename that schema")
    return PostgresDatabase(name, row["has_migrations"], row["has_lookup"], kind, row["server_version_text"])


def check_sequences(connection: Connection) -> None:
    """Raise ``DatabaseError`` if the next ids of new rows are already used: no row could be added."""
    behind = connection.query("sequences_behind")
    if behind.height:
        raise DatabaseError(
            f"the next ids of {listed(behind['entity'], 3)} are in use already, as after a restore of the data without "
            "its sequences: Koito cannot add rows either",
            f"Run in psql: {' '.join(behind['repair'])}",
        )


def is_migrated(connection: Connection) -> bool:
    """Say whether the table that records our migrations exists, whatever else the database holds."""
    return bool(connection.query("describe_database").item(0, "has_migrations"))


def _by_schema(tables: list[str]) -> dict[str, frozenset[str]]:
    """Return the names of the tables ("schema.table") of each schema."""
    split = [table.rsplit(".", 1) for table in tables]
    return {schema: frozenset(table for owner, table in split if owner == schema) for schema, _ in split}


def _check_other_schemas(name: str, schemas: dict[str, frozenset[str]]) -> None:
    """Refuse a database whose schema "public" is not Koito's if other schemas have tables."""
    others = {schema: tables for schema, tables in schemas.items() if schema != "public"}
    for schema, tables in others.items():
        if tables >= KOITO_TABLES:
            raise DatabaseError(
                f'Koito\'s tables in database "{name}" are in schema "{schema}"; etl loads only into schema "public"',
                'Give each listener a database, with Koito\'s tables in its schema "public"',
            )
    if others:
        raise _foreign(name, frozenset().union(*schemas.values()))


def _kind(tables: frozenset[str], *, has_goose: bool) -> DatabaseKind | None:
    if has_goose and tables >= KOITO_TABLES:
        return DatabaseKind.KOITO
    if tables >= KOITO_TABLES:
        return DatabaseKind.STANDALONE
    return None if tables else DatabaseKind.EMPTY


def _check_koito_version(connection: Connection, name: str) -> None:
    version = connection.query("koito_version").item()
    if version == KOITO_VERSION:
        return
    if version < KOITO_VERSION:
        hint = "Start Koito v0.1.7 to v0.1.10 once, so that it brings its tables up to date"
    else:
        hint = "This program supports Koito up to v0.1.10 on PostgreSQL"
    raise DatabaseError(f'Koito\'s tables in database "{name}" are at version {version}, not {KOITO_VERSION}', hint)


def _foreign(name: str, tables: frozenset[str]) -> DatabaseError:
    found = listed(sorted(tables - KOITO_TABLES or tables), 5)
    return DatabaseError(
        f'database "{name}" is not Koito\'s: it holds {found}',
        "Give the database that Koito uses, or an empty one with `etl db migrate --standalone`",
    )
