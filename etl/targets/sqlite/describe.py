"""Checks that an SQLite file is Koito's, and refuses any other with an error that says what it is."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError
from etl.core.lists import listed
from etl.targets.base import Database

if TYPE_CHECKING:
    from etl.targets.sqlite.connection import SqliteConnection

KOITO_VERSION = 2  # goose's version from v0.1.8 on
KOITO_COLUMNS = {
    "artists": "id musicbrainz_id image image_source",
    "artist_aliases": "artist_id alias source is_primary",
    "releases": "id musicbrainz_id image image_source various_artists",
    "release_aliases": "release_id alias source is_primary",
    "artist_releases": "artist_id release_id is_primary",
    "tracks": "id musicbrainz_id release_id duration",
    "track_aliases": "track_id alias source is_primary",
    "artist_tracks": "artist_id track_id is_primary",
    "listens": "track_id listened_at user_id client",
    "users": "id username role password",
    "api_keys": "id key user_id created_at label",
    "sessions": "id user_id created_at expires_at persistent",
}
NETWORK_FILE_SYSTEMS = frozenset(
    {"afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"}
)
MOUNTS = Path("/proc/self/mountinfo")  # Linux only
NAME_THE_FILE = "Give the path of Koito's koito.db, which is in Koito's configuration folder"
MAY_WRITE = "Use an account that may read and write the file and its folder; for Koito in Docker that is root (sudo)"
START_KOITO = "Start Koito v0.1.8 or newer once first, so that it makes its tables and its user"


def check_path(path: Path) -> None:
    """Raise ``DatabaseError`` for a file that does not exist, cannot be written, or is on a network file system.

    The file is not opened: closing it would drop the locks of the SQLite connections of this process.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError as error:
        raise DatabaseError(f"{path} cannot be reached: this account may not enter its folder", MAY_WRITE) from error
    except OSError as error:
        raise DatabaseError(f"{path} does not exist", NAME_THE_FILE) from error
    if not stat.S_ISREG(mode):
        raise DatabaseError(f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}", NAME_THE_FILE)
    for place, need in ((path, os.W_OK), (path.parent, os.W_OK | os.X_OK)):
        if not os.access(place, need):
            raise DatabaseError(f"{place} cannot be written", MAY_WRITE)
    if not os.access(path, os.R_OK):
        raise DatabaseError(f"{path} cannot be read", MAY_WRITE)
    if (kind := file_system(path)) in NETWORK_FILE_SYSTEMS:
        raise DatabaseError(
            f"{path} is on a network file system ({kind}), where SQLite's locks do not hold",
            "Run etl on the machine whose disk holds the file",
        )


def file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system that holds ``path``, as ``mounts`` lists it; None if unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    above = {str(place) for place in (path.resolve(), *path.resolve().parents)}
    kinds = {}
    for line in lines:
        mount, _, source = line.partition(" - ")
        if (place := mount.split()[4].replace("\\040", " ")) in above:
            kinds[place] = source.split()[0]
    return kinds[max(kinds, key=len)] if kinds else None


def identify(connection: SqliteConnection, path: Path) -> Database:
    """Return what the file holds; raises ``DatabaseError``, which names the reason, if it is not Koito's."""
    row = connection.query("describe_database").row(0, named=True)
    tables, columns = set(json.loads(row["tables"])), set(json.loads(row["columns"]))
    if not tables:
        raise DatabaseError(f"{path} is empty", START_KOITO)
    if not row["has_goose"]:
        found = listed(sorted(tables - set(KOITO_COLUMNS) or tables), 5)
        raise DatabaseError(f"{path} is not Koito's: it holds {found}", NAME_THE_FILE)
    _check_koito_version(connection, path)
    _check_columns(columns, path)
    if not connection.query("users").height:
        raise DatabaseError(f"{path} has no user", START_KOITO)
    return Database(str(path), bool(row["has_migrations"]), bool(row["has_lookup"]))


def is_migrated(connection: SqliteConnection) -> bool:
    """Say whether the table that records our migrations exists, whatever else the file holds."""
    return bool(connection.query("describe_database").item(0, "has_migrations"))


def _check_koito_version(connection: SqliteConnection, path: Path) -> None:
    version = connection.query("koito_version").item()
    if version == KOITO_VERSION:
        return
    hint = START_KOITO if version < KOITO_VERSION else "Install the newest version of etl"
    raise DatabaseError(f"Koito's tables in {path} are at version {version}, not {KOITO_VERSION}", hint)


def _check_columns(columns: set[str], path: Path) -> None:
    wanted = {f"{table}.{name}" for table, names in KOITO_COLUMNS.items() for name in names.split()}
    found = {column for column in columns if column.partition(".")[0] in KOITO_COLUMNS}
    if found != wanted:
        names = listed(sorted(found ^ wanted), 5)
        raise DatabaseError(
            f"Koito's tables in {path} are not those of its version {KOITO_VERSION}: {names}",
            "This file was changed, or made by a version of Koito that this program does not support",
        )
