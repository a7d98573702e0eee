"""Creates a file like that of today's Koito: its whole schema and its first user."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adbc_driver_sqlite import dbapi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENTITY = "id INTEGER PRIMARY KEY, musicbrainz_id TEXT UNIQUE"
_NAME = "alias TEXT NOT NULL, source TEXT NOT NULL, is_primary INTEGER NOT NULL DEFAULT 0"


def _key(column: str, table: str) -> str:
    return f"FOREIGN KEY ({column}) REFERENCES {table} (id) ON DELETE CASCADE"


SCHEMA = (
    (
        "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,"
        " is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))"
    ),
    (
        "CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE,"
        " role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('admin', 'user')), password BLOB NOT NULL)"
    ),
    (
        "CREATE TABLE api_keys (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, user_id INTEGER NOT NULL,"
        f" created_at INTEGER NOT NULL, label TEXT NOT NULL DEFAULT '', {_key('user_id', 'users')})"
    ),
    (
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, created_at INTEGER NOT NULL,"
        f" expires_at INTEGER NOT NULL, persistent INTEGER NOT NULL DEFAULT 0, {_key('user_id', 'users')})"
    ),
    f"CREATE TABLE artists ({_ENTITY}, image TEXT, image_source TEXT)",
    (
        f"CREATE TABLE artist_aliases (artist_id INTEGER NOT NULL, {_NAME}, PRIMARY KEY (artist_id, alias),"
        f" {_key('artist_id', 'artists')})"
    ),
    f"CREATE TABLE releases ({_ENTITY}, image TEXT, image_source TEXT, various_artists INTEGER NOT NULL DEFAULT 0)",
    (
        f"CREATE TABLE release_aliases (release_id INTEGER NOT NULL, {_NAME}, PRIMARY KEY (release_id, alias),"
        f" {_key('release_id', 'releases')})"
    ),
    (
        "CREATE TABLE artist_releases (artist_id INTEGER NOT NULL, release_id INTEGER NOT NULL,"
        " is_primary INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (artist_id, release_id),"
        f" {_key('artist_id', 'artists')}, {_key('release_id', 'releases')})"
    ),
    (
        f"CREATE TABLE tracks ({_ENTITY}, release_id INTEGER NOT NULL, duration INTEGER NOT NULL DEFAULT 0,"
        f" {_key('release_id', 'releases')})"
    ),
    (
        f"CREATE TABLE track_aliases (track_id INTEGER NOT NULL, {_NAME}, PRIMARY KEY (track_id, alias),"
        f" {_key('track_id', 'tracks')})"
    ),
    (
        "CREATE TABLE artist_tracks (artist_id INTEGER NOT NULL, track_id INTEGER NOT NULL,"
        " is_primary INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (artist_id, track_id),"
        f" {_key('artist_id', 'artists')}, {_key('track_id', 'tracks')})"
    ),
    (
        "CREATE TABLE listens (track_id INTEGER NOT NULL, listened_at INTEGER NOT NULL, user_id INTEGER NOT NULL,"
        f" client TEXT NOT NULL DEFAULT '', PRIMARY KEY (track_id, listened_at), {_key('track_id', 'tracks')},"
        f" {_key('user_id', 'users')})"
    ),
    *(
        f"CREATE INDEX idx_{name} ON {table} ({columns})"
        for name, table, columns in (
            ("listens_listened_at", "listens", "listened_at"),
            ("listens_track_id", "listens", "track_id"),
            ("listens_track_id_listened_at", "listens", "track_id, listened_at"),
            ("listens_user_id", "listens", "user_id"),
            ("artist_tracks_track_id", "artist_tracks", "track_id"),
            ("artist_tracks_artist_id", "artist_tracks", "artist_id"),
            ("artist_releases_release_id", "artist_releases", "release_id"),
            ("tracks_release_id", "tracks", "release_id"),
            ("artist_aliases_artist_id", "artist_aliases", "artist_id"),
            ("artist_aliases_alias", "artist_aliases", "alias"),
            ("release_aliases_alias", "release_aliases", "alias"),
            ("track_aliases_alias", "track_aliases", "alias"),
            ("sessions_expires_at", "sessions", "expires_at"),
        )
    ),
    *(
        f"CREATE VIEW {view} AS SELECT e.*, n.alias AS {name} FROM {table} e"
        f" JOIN {entity}_aliases n ON n.{entity}_id = e.id AND n.is_primary = 1"
        for view, name, table, entity in (
            ("artists_with_name", "name", "artists", "artist"),
            ("releases_with_title", "title", "releases", "release"),
            ("tracks_with_title", "title", "tracks", "track"),
        )
    ),
    (
        "CREATE TRIGGER trg_delete_orphan_releases AFTER DELETE ON artist_releases BEGIN"
        " DELETE FROM releases WHERE id = OLD.release_id AND NOT EXISTS"
        " (SELECT 1 FROM artist_releases l WHERE l.release_id = OLD.release_id); END"
    ),
)
FIRST_START = (
    "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1)",
    "INSERT INTO users (username, role, password) VALUES ('admin', 'admin', zeroblob(60))",
)


def make_koito_file(path: Path) -> Path:
    """Create what Koito's migrations and first start create, and return ``path``."""
    with opened_file(path) as run:
        run("PRAGMA journal_mode = WAL")
        run("BEGIN IMMEDIATE")
        for sql in (*SCHEMA, *FIRST_START):
            run(sql)
        run("COMMIT")
    return path


@contextmanager
def opened_file(path: Path) -> Iterator[Any]:
    """Open a connection as Koito does, and yield a function that runs a statement on it and returns its rows."""
    connection = dbapi.connect(str(path), autocommit=True)

    def run(sql: str, *values: str | int | None) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(10**6)})
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    try:
        run("PRAGMA foreign_keys = ON")
        run("PRAGMA busy_timeout = 5000")
        yield run
    finally:
        connection.close()
