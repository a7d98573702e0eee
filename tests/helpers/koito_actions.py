"""Does what Koito does: merges and deletes, each in one transaction, and scrobbles, with the SQL of Koito v0.1.7.

On an SQLite file, merges and deletes are those of today's Koito; such a file has no roles.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import polars as pl

from etl.targets.postgres.connection import connect
from etl.targets.postgres.describe import KOITO_TABLES
from etl.targets.sqlite.connection import connect as connect_to_file
from tests.helpers import koito_sqlite_actions as in_file
from tests.helpers.support import execute, query, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Iterator

# Part of each merge and of the deletion of a track: everything without listens is removed, in the whole database.
CLEAN_ORPHANS = """
DELETE FROM tracks WHERE id NOT IN (SELECT track_id FROM listens);
DELETE FROM releases WHERE id NOT IN (SELECT release_id FROM tracks);
DELETE FROM artists WHERE id NOT IN (SELECT artist_id FROM artist_tracks);
DELETE FROM artist_releases l WHERE NOT EXISTS (
    SELECT FROM artist_tracks a JOIN tracks t ON t.id = a.track_id
    WHERE a.artist_id = l.artist_id AND t.release_id = l.release_id
);
"""


def merge_tracks(uri: str, old: int, new: int, role: str | None = None, pause: str = "") -> None:
    """Move the listens of track ``old`` to ``new``; fails with 23505 if both have a listen in the same second."""
    if file := sqlite_file(uri):
        in_file.merge_tracks(file, old, new)
        return
    _act(
        uri,
        role,
        f"""
        UPDATE listens SET track_id = {new} WHERE track_id = {old};
        INSERT INTO artist_releases (artist_id, release_id)
        SELECT l.artist_id, n.release_id
        FROM tracks o JOIN tracks n ON n.id = {new} JOIN artist_tracks l ON l.track_id = o.id
        WHERE o.id = {old} AND o.release_id <> n.release_id
        ON CONFLICT DO NOTHING;
        {CLEAN_ORPHANS}
        """,
        pause,
    )


def merge_albums(uri: str, old: int, new: int, role: str | None = None, pause: str = "") -> None:
    """Move the tracks and artists of release ``old`` to ``new``; two tracks with the same title stay two."""
    if file := sqlite_file(uri):
        in_file.merge_albums(file, old, new)
        return
    _act(
        uri,
        role,
        f"""
        UPDATE tracks SET release_id = {new} WHERE release_id = {old};
        INSERT INTO artist_releases (artist_id, release_id)
        SELECT artist_id, {new} FROM artist_releases WHERE release_id = {old}
        ON CONFLICT DO NOTHING;
        {CLEAN_ORPHANS}
        """,
        pause,
    )


def merge_artists(uri: str, old: int, new: int, role: str | None = None, pause: str = "") -> None:
    """Give the tracks and releases of artist ``old`` to ``new``; if both are credited, that of ``old`` is removed."""
    if file := sqlite_file(uri):
        in_file.merge_artists(file, old, new)
        return
    _act(
        uri,
        role,
        f"""
        DELETE FROM artist_tracks WHERE artist_id = {old}
            AND track_id IN (SELECT track_id FROM artist_tracks WHERE artist_id = {new});
        DELETE FROM artist_releases WHERE artist_id = {old}
            AND release_id IN (SELECT release_id FROM artist_releases WHERE artist_id = {new});
        UPDATE artist_tracks SET artist_id = {new} WHERE artist_id = {old};
        UPDATE artist_releases SET artist_id = {new} WHERE artist_id = {old};
        {CLEAN_ORPHANS}
        """,
        pause,
    )


def delete_track(uri: str, track: int, role: str | None = None, pause: str = "") -> None:
    """Delete a track with its listens."""
    _act(uri, role, f"DELETE FROM tracks WHERE id = {track}; {CLEAN_ORPHANS}", pause)


def delete_album(uri: str, release: int, role: str | None = None, pause: str = "") -> None:
    """Delete a release with its tracks; artists stay, even without tracks, until the next clean-up."""
    _act(uri, role, f"DELETE FROM releases WHERE id = {release};", pause)


def delete_artist(uri: str, artist: int, role: str | None = None) -> None:
    """Delete an artist; tracks on releases that keep another artist stay, even without any artist."""
    _act(uri, role, f"DELETE FROM artists WHERE id = {artist};")


def rename(uri: str, entity: str, number: int, name: str, role: str | None = None) -> None:
    """Add a name to an ``artist``, ``release`` or ``track`` and make it the primary one; the old name stays."""
    aliases, column = f"{entity}_aliases", f"{entity}_id"
    add_alias(uri, entity, number, name, role)
    quoted = name.replace("'", "''")
    _act(
        uri,
        role,
        f"""
        UPDATE {aliases} SET is_primary = true WHERE {column} = {number} AND alias = '{quoted}';
        UPDATE {aliases} SET is_primary = false WHERE {column} = {number} AND alias <> '{quoted}';
        """,
    )


def add_alias(uri: str, entity: str, number: int, name: str, role: str | None = None) -> None:
    """Add an alias to an ``artist``, ``release`` or ``track``."""
    quoted = name.replace("'", "''")
    columns = f"({entity}_id, alias, source, is_primary)"
    _act(uri, role, f"INSERT INTO {entity}_aliases {columns} VALUES ({number}, '{quoted}', 'Manual', false);")


def delete_alias(uri: str, entity: str, number: int, name: str, role: str | None = None) -> None:
    """Remove a name that is not the primary one from an ``artist``, ``release`` or ``track``."""
    quoted = name.replace("'", "''")
    _act(uri, role, f"DELETE FROM {entity}_aliases WHERE {entity}_id = {number} AND alias = '{quoted}';")


def set_mbid(uri: str, table: str, number: int, mbid: str, role: str | None = None) -> None:
    """Set the MBID of an entity, replacing any existing one."""
    _act(uri, role, f"UPDATE {table} SET musicbrainz_id = '{mbid}' WHERE id = {number};")


def set_various_artists(uri: str, release: int, role: str | None = None) -> None:
    """Mark a release as by various artists."""
    _act(uri, role, f"UPDATE releases SET various_artists = true WHERE id = {release};")


def set_primary_artist(uri: str, track: int, artist: int, role: str | None = None) -> None:
    """Make ``artist`` the primary one of a track."""
    _act(uri, role, f"UPDATE artist_tracks SET is_primary = (artist_id = {artist}) WHERE track_id = {track};")


def add_track_artist(uri: str, track: int, artist: int, role: str | None = None) -> None:
    """Credit ``artist`` on a track, as v0.1.8 does."""
    _act(
        uri,
        role,
        f"""
        INSERT INTO artist_tracks VALUES ({artist}, {track}, false) ON CONFLICT DO NOTHING;
        INSERT INTO artist_releases SELECT {artist}, release_id, false FROM tracks WHERE id = {track}
        ON CONFLICT DO NOTHING;
        """,
    )


def remove_track_artist(uri: str, track: int, artist: int, role: str | None = None) -> None:
    """Remove the credit of ``artist`` from a track, as v0.1.8 does."""
    _act(uri, role, f"DELETE FROM artist_tracks WHERE track_id = {track} AND artist_id = {artist}; {CLEAN_ORPHANS}")


def delete_credit(uri: str, track: int, artist: int, role: str | None = None) -> None:
    """Remove the credit of ``artist`` from a track, and change nothing else."""
    _act(uri, role, f"DELETE FROM artist_tracks WHERE track_id = {track} AND artist_id = {artist};")


def _act(uri: str, role: str | None, sql: str, pause: str = "") -> None:
    """Run the statements of ``sql``, and ``pause`` after each of them."""
    if file := sqlite_file(uri):
        sql = sql.replace(CLEAN_ORPHANS, ";".join(in_file.SWEEP))
        in_file.act(file, *(part for part in sql.split(";") if part.strip()))
        return
    become = f"SET LOCAL ROLE {role};" if role else ""
    if pause:
        sql = sql.replace(";", f"; {pause};")
    execute(uri, f"BEGIN; {become} {sql} COMMIT;")


def scrobble_live(uri: str, artist: str, title: str, album: str, second: int) -> None:
    """Find or create the entities of a listen, one after the other, and store it ``second`` seconds after 2020-01-01.

    Each step is committed separately; another action of Koito may remove an entity between two of them.
    """
    names = {"artist": artist, "title": title, "album": album}
    quoted = {name: "'" + text.replace("'", "''") + "'" for name, text in names.items()}
    connection = connect(uri, autocommit=True)

    def find_or_create(find: str, create: str) -> int:
        rows = (
            connection.query_text(find.format(**quoted)).rows() or connection.query_text(create.format(**quoted)).rows()
        )
        return int(rows[0][0])

    try:
        quoted["artist_id"] = str(find_or_create(_FIND_ARTIST, _MAKE_ARTIST))
        quoted["album_id"] = str(find_or_create(_FIND_ALBUM, _MAKE_ALBUM))
        connection.script(_ATTACH.format(**quoted))
        track = find_or_create(_FIND_TRACK, _MAKE_TRACK)
        connection.script(
            f"""
            INSERT INTO listens (track_id, listened_at, client, user_id)
            SELECT {track}, to_timestamp({1_577_836_800 + second}), 'live', min(id) FROM users ON CONFLICT DO NOTHING
            """
        )
    finally:
        connection.close()


_FIND_ARTIST = "SELECT artist_id FROM artist_aliases WHERE alias = {artist} ORDER BY 1 LIMIT 1"
_MAKE_ARTIST = """
WITH new AS (INSERT INTO artists DEFAULT VALUES RETURNING id), named AS (
    INSERT INTO artist_aliases SELECT id, {artist}, 'Canonical', true FROM new)
SELECT id FROM new
"""
_FIND_ALBUM = """
SELECT r.id FROM releases_with_title r JOIN artist_releases l ON l.release_id = r.id
WHERE r.title = {album} AND l.artist_id = {artist_id} ORDER BY 1 LIMIT 1
"""
_MAKE_ALBUM = """
WITH new AS (INSERT INTO releases DEFAULT VALUES RETURNING id), named AS (
    INSERT INTO release_aliases SELECT id, {album}, 'Canonical', true FROM new), credited AS (
    INSERT INTO artist_releases SELECT {artist_id}, id, true FROM new)
SELECT id FROM new
"""
_ATTACH = "INSERT INTO artist_releases (artist_id, release_id) VALUES ({artist_id}, {album_id}) ON CONFLICT DO NOTHING"
_FIND_TRACK = """
SELECT t.id FROM tracks_with_title t JOIN artist_tracks l ON l.track_id = t.id
WHERE t.title = {title} AND t.release_id = {album_id} AND l.artist_id = {artist_id} ORDER BY 1 LIMIT 1
"""
_MAKE_TRACK = """
WITH new AS (INSERT INTO tracks (release_id) VALUES ({album_id}) RETURNING id), named AS (
    INSERT INTO track_aliases SELECT id, {title}, true, 'Canonical' FROM new), credited AS (
    INSERT INTO artist_tracks SELECT {artist_id}, id, true FROM new)
SELECT id FROM new
"""


@contextmanager
def koito_role(uri: str) -> Iterator[str]:
    """Create a role that Koito may connect with: all rights on Koito's tables, none on ours. Not for an SQLite file."""
    if sqlite_file(uri):
        yield ""
        return
    role = f"etl_test_{uuid4().hex[:12]}"
    tables = ", ".join(f"public.{table}" for table in sorted(KOITO_TABLES))
    execute(
        uri,
        f"""
        CREATE ROLE {role} NOLOGIN;
        GRANT USAGE ON SCHEMA public TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role};
        """,
    )
    try:
        yield role
    finally:
        execute(uri, f"DROP OWNED BY {role}; DROP ROLE {role};")


def artist_id(uri: str, name: str) -> int:
    """Return the id of the one artist called ``name``."""
    return _only(uri, f"SELECT id FROM artists_with_name WHERE name = '{name}'")


def album_id(uri: str, title: str, artist: str) -> int:
    """Return the id of the one release called ``title`` that ``artist`` is attached to."""
    return _only(
        uri,
        f"""
        SELECT r.id FROM releases_with_title r JOIN artist_releases l ON l.release_id = r.id
        JOIN artists_with_name a ON a.id = l.artist_id WHERE r.title = '{title}' AND a.name = '{artist}'
        """,
    )


def track_id(uri: str, title: str, album: str, artist: str) -> int:
    """Return the id of the one track called ``title`` on the release ``album`` with the credit ``artist``."""
    return _only(
        uri,
        f"""
        SELECT t.id FROM tracks_with_title t JOIN releases_with_title r ON r.id = t.release_id
        JOIN artist_tracks l ON l.track_id = t.id JOIN artists_with_name a ON a.id = l.artist_id
        WHERE t.title = '{title}' AND r.title = '{album}' AND a.name = '{artist}'
        """,
    )


def _only(uri: str, sql: str) -> int:
    ((number,),) = query(uri, sql)
    return int(number)


def untrue_lookups(uri: str) -> list[str]:
    """Return the keys with inconsistent ids: a track on another album, or an artist who is not credited.

    In an SQLite file, the look-up itself checks this.
    """
    if sqlite_file(uri):
        return []
    rows = query(
        uri,
        """
        SELECT k.lookup_key FROM track_lookup k
        WHERE NOT EXISTS (SELECT FROM tracks t WHERE t.id = k.track_id AND t.release_id = k.album_id)
           OR NOT EXISTS (SELECT FROM releases r WHERE r.id = k.album_id)
           OR NOT EXISTS (SELECT FROM artist_tracks l WHERE l.track_id = k.track_id AND l.artist_id = k.artist_id)
        """,
    )
    return [key for (key,) in rows]


def all_keys(uri: str) -> list[tuple[Any, ...]]:
    """Return lookup_key, artist_id, album_id and track_id of every key, by key; in a file, of every valid key."""
    if sqlite_file(uri):
        return _looked_up(uri, [key for (key,) in query(uri, "SELECT lookup_key FROM track_lookup")])
    return query(uri, "SELECT lookup_key, artist_id, album_id, track_id FROM track_lookup ORDER BY lookup_key")


def key_ids(uri: str, *key: str) -> tuple[int, int, int]:
    """Return the artist, album and track to which the key of (artist, title, album) leads."""
    text = "\x1f".join(key).lower()
    if sqlite_file(uri):
        ((_, artist, album, track),) = _looked_up(uri, [text])
        return artist, album, track
    ((artist, album, track),) = query(
        uri, f"SELECT artist_id, album_id, track_id FROM track_lookup WHERE lookup_key = '{text}'"
    )
    return artist, album, track


def _looked_up(uri: str, keys: list[str]) -> list[tuple[Any, ...]]:
    """Return lookup_key, artist_id, album_id and track_id of those ``keys`` of an SQLite file that a load uses."""
    file = sqlite_file(uri)
    assert file
    connection = connect_to_file(file)
    found = connection.query("lookup_keys", pl.Series(keys, dtype=pl.String))
    connection.close()
    return found.select("lookup_key", "artist_id", "album_id", "track_id").sort("lookup_key").rows()
