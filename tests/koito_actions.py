"""What Koito's user does by hand: merges and deletes, in the SQL steps of Koito v0.1.7, each in one transaction."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from etl.database.identify import KOITO_TABLES
from tests.support import execute, query

if TYPE_CHECKING:
    from collections.abc import Iterator

# Part of each merge and of the deletion of a track: whatever has no listens goes, in the whole database.
CLEAN_ORPHANS = """
DELETE FROM tracks WHERE id NOT IN (SELECT track_id FROM listens);
DELETE FROM releases WHERE id NOT IN (SELECT release_id FROM tracks);
DELETE FROM artists WHERE id NOT IN (SELECT artist_id FROM artist_tracks);
DELETE FROM artist_releases l WHERE NOT EXISTS (
    SELECT FROM artist_tracks a JOIN tracks t ON t.id = a.track_id
    WHERE a.artist_id = l.artist_id AND t.release_id = l.release_id
);
"""


def merge_tracks(uri: str, old: int, new: int, role: str | None = None) -> None:
    """Move the listens of track ``old`` to ``new``; fails with 23505 where both have a listen of one second."""
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
    )


def merge_albums(uri: str, old: int, new: int, role: str | None = None) -> None:
    """Move the tracks and artists of release ``old`` to ``new``; tracks of one title stay two."""
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
    )


def merge_artists(uri: str, old: int, new: int, role: str | None = None) -> None:
    """Give the tracks and releases of artist ``old`` to ``new``; where both are credited, that of ``old`` goes."""
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
    )


def delete_track(uri: str, track: int, role: str | None = None) -> None:
    """Delete a track with its listens."""
    _act(uri, role, f"DELETE FROM tracks WHERE id = {track}; {CLEAN_ORPHANS}")


def delete_album(uri: str, release: int, role: str | None = None) -> None:
    """Delete a release with its tracks; artists stay, also without tracks, until the next sweep."""
    _act(uri, role, f"DELETE FROM releases WHERE id = {release};")


def delete_artist(uri: str, artist: int, role: str | None = None) -> None:
    """Delete an artist; tracks on releases that keep another artist stay, even without any artist."""
    _act(uri, role, f"DELETE FROM artists WHERE id = {artist};")


def _act(uri: str, role: str | None, sql: str) -> None:
    become = f"SET LOCAL ROLE {role};" if role else ""
    execute(uri, f"BEGIN; {become} {sql} COMMIT;")


@contextmanager
def koito_role(uri: str) -> Iterator[str]:
    """Make a role as Koito may connect with: all rights on Koito's tables, none on ours."""
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
    """Return the keys whose ids do not fit: a track on another album, or an artist who is not credited."""
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
    """Return lookup_key, artist_id, album_id and track_id of every key, by key."""
    return query(uri, "SELECT lookup_key, artist_id, album_id, track_id FROM track_lookup ORDER BY lookup_key")


def key_ids(uri: str, *key: str) -> tuple[int, int, int]:
    """Return artist, album and track that the key of (artist, title, album) stands for."""
    text = "\x1f".join(key).lower()
    ((artist, album, track),) = query(
        uri, f"SELECT artist_id, album_id, track_id FROM track_lookup WHERE lookup_key = '{text}'"
    )
    return artist, album, track
