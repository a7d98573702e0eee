"""Does what today's Koito does to its file: merges, deletes, scrobbles and a purge, each in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.helpers.koito_sqlite import opened_file

if TYPE_CHECKING:
    from pathlib import Path

SWEEP = (
    "DELETE FROM tracks WHERE id NOT IN (SELECT track_id FROM listens)",
    (
        "DELETE FROM artist_releases WHERE NOT EXISTS (SELECT 1 FROM artist_tracks a JOIN tracks t ON t.id = a.track_id"
        " WHERE a.artist_id = artist_releases.artist_id AND t.release_id = artist_releases.release_id)"
    ),
    "DELETE FROM artists WHERE id NOT IN (SELECT artist_id FROM artist_tracks)",
)


def act(file: Path, *statements: str) -> None:
    """Run ``statements`` in one transaction, begun as Koito begins it."""
    with opened_file(file) as run:
        run("BEGIN")
        for sql in statements:
            run(sql)
        run("COMMIT")


def ask(file: Path, sql: str, *values: str | int | None) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with opened_file(file) as run:
        found: list[tuple[Any, ...]] = run(sql, *values)
    return found


def merge_tracks(file: Path, old: int, new: int) -> None:
    """Move the listens of track ``old`` to ``new``; a listen in a second that ``new`` has stays, as does its track."""
    act(
        file,
        f"UPDATE OR IGNORE listens SET track_id = {new} WHERE track_id = {old}",
        "INSERT OR IGNORE INTO artist_releases (artist_id, release_id, is_primary) SELECT l.artist_id, n.release_id, 0"
        f" FROM tracks o JOIN tracks n ON n.id = {new} JOIN artist_tracks l ON l.track_id = o.id"
        f" WHERE o.id = {old} AND o.release_id <> n.release_id",
        *SWEEP,
    )


def merge_albums(file: Path, old: int, new: int) -> None:
    """Move the tracks and artists of release ``old`` to ``new``."""
    act(
        file,
        f"UPDATE tracks SET release_id = {new} WHERE release_id = {old}",
        "INSERT OR IGNORE INTO artist_releases (artist_id, release_id, is_primary)"
        f" SELECT artist_id, {new}, 0 FROM artist_releases WHERE release_id = {old}",
        *SWEEP,
    )


def merge_artists(file: Path, old: int, new: int) -> None:
    """Give the tracks and releases of artist ``old`` to ``new``; if both are credited, that of ``old`` is removed."""
    both = f"artist_id = {old} AND {{0}} IN (SELECT {{0}} FROM {{1}} WHERE artist_id = {new})"
    act(
        file,
        f"DELETE FROM artist_tracks WHERE {both.format('track_id', 'artist_tracks')}",
        f"DELETE FROM artist_releases WHERE {both.format('release_id', 'artist_releases')}",
        f"UPDATE artist_tracks SET artist_id = {new} WHERE artist_id = {old}",
        f"UPDATE artist_releases SET artist_id = {new} WHERE artist_id = {old}",
        f"DELETE FROM artists WHERE id = {old}",
        *SWEEP,
    )


def delete_track(file: Path, track: int) -> None:
    """Delete a track with its listens."""
    act(file, f"DELETE FROM tracks WHERE id = {track}", *SWEEP)


def purge(file: Path) -> None:
    """Delete all data, as Koito's settings page offers; users and foreign tables stay."""
    act(file, *(f"DELETE FROM {table}" for table in ("listens", "tracks", "releases", "artists")))


def scrobble(file: Path, artist: str, album: str, title: str, second: int) -> None:
    """Store a scrobble of a new artist, album and track."""
    with opened_file(file) as run:
        run("BEGIN IMMEDIATE")
        ids = [
            run(f"SELECT coalesce(max(id), 0) + 1 FROM {table}")[0][0] for table in ("artists", "releases", "tracks")
        ]
        run("INSERT INTO artists (id) VALUES (?1)", ids[0])
        run("INSERT INTO artist_aliases VALUES (?1, ?2, 'Canonical', 1)", ids[0], artist)
        run("INSERT INTO releases (id) VALUES (?1)", ids[1])
        run("INSERT INTO release_aliases VALUES (?1, ?2, 'Canonical', 1)", ids[1], album)
        run("INSERT INTO artist_releases VALUES (?1, ?2, 1)", ids[0], ids[1])
        run("INSERT INTO tracks (id, release_id) VALUES (?1, ?2)", ids[2], ids[1])
        run("INSERT INTO track_aliases VALUES (?1, ?2, 'Canonical', 1)", ids[2], title)
        run("INSERT INTO artist_tracks VALUES (?1, ?2, 1)", ids[0], ids[2])
        run("INSERT INTO listens VALUES (?1, ?2, 1, 'koito')", ids[2], second)
        run("COMMIT")


def scrobble_deferred(file: Path, artist: str, title: str, second: int) -> None:
    """Store a scrobble as Koito does: it reads the track first, and then writes without taking the lock beforehand."""
    with opened_file(file) as run:
        found = run(
            "SELECT t.id FROM tracks_with_title t JOIN artist_tracks l ON l.track_id = t.id"
            " JOIN artists_with_name a ON a.id = l.artist_id WHERE t.title = ?1 AND a.name = ?2 ORDER BY t.id LIMIT 1",
            title,
            artist,
        )
        if found:
            run("INSERT OR IGNORE INTO listens VALUES (?1, ?2, 1, 'koito')", found[0][0], second)
            return
        run("BEGIN")
        run("INSERT INTO artists (id) SELECT coalesce(max(id), 0) + 1 FROM artists")
        run("INSERT INTO releases (id) SELECT coalesce(max(id), 0) + 1 FROM releases")
        album = "(SELECT max(id) FROM releases)"
        run(f"INSERT INTO tracks (id, release_id) SELECT coalesce(max(id), 0) + 1, {album} FROM tracks")
        ids = [run(f"SELECT max(id) FROM {table}")[0][0] for table in ("artists", "releases", "tracks")]
        run("INSERT INTO artist_aliases VALUES (?1, ?2, 'Canonical', 1)", ids[0], artist)
        run("INSERT INTO release_aliases VALUES (?1, ?2, 'Canonical', 1)", ids[1], title)
        run("INSERT INTO artist_releases VALUES (?1, ?2, 1)", ids[0], ids[1])
        run("INSERT INTO track_aliases VALUES (?1, ?2, 'Canonical', 1)", ids[2], title)
        run("INSERT INTO artist_tracks VALUES (?1, ?2, 1)", ids[0], ids[2])
        run("INSERT INTO listens VALUES (?1, ?2, 1, 'koito')", ids[2], second)
        run("COMMIT")
