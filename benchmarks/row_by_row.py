"""Loads row by row: each listen is looked up, created if it is new, and inserted with its own statements.

    python -m benchmarks.row_by_row URI MALOJA_EXPORT   # prints JSON: seconds, listens, statements

It uses Koito's order of statements (artist, release, credit of the release, track, listen, each entity in its own
transaction) in its leanest form: one query where Koito has several, no ranks, no images, prepared statements over a
fast driver, and none of Koito's queries for display. A real import takes longer, and grows with the number of listens.

Only for a database that may be lost.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import psycopg

ARTIST = "SELECT artist_id FROM artist_aliases WHERE alias = %s ORDER BY artist_id LIMIT 1"
NEW_ARTIST = "INSERT INTO artists DEFAULT VALUES RETURNING id"
ARTIST_ALIAS = "INSERT INTO artist_aliases (artist_id, alias, source, is_primary) VALUES (%s, %s, 'Canonical', true)"
RELEASE = """
SELECT r.release_id FROM release_aliases r JOIN artist_releases a ON a.release_id = r.release_id
WHERE r.alias = %s AND r.is_primary AND a.artist_id = %s ORDER BY r.release_id LIMIT 1
"""
NEW_RELEASE = "INSERT INTO releases (various_artists) VALUES (false) RETURNING id"
RELEASE_ALIAS = "INSERT INTO release_aliases (release_id, alias, source, is_primary) VALUES (%s, %s, 'Canonical', true)"
CREDIT = "INSERT INTO artist_releases (artist_id, release_id, is_primary) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
TRACK = """
SELECT t.id FROM tracks t JOIN track_aliases n ON n.track_id = t.id AND n.is_primary
JOIN artist_tracks a ON a.track_id = t.id
WHERE n.alias = %s AND t.release_id = %s AND a.artist_id = ANY(%s)
GROUP BY t.id HAVING count(DISTINCT a.artist_id) = cardinality(%s::int[]) ORDER BY t.id LIMIT 1
"""
NEW_TRACK = "INSERT INTO tracks (release_id, duration) VALUES (%s, %s) RETURNING id"
TRACK_ARTIST = "INSERT INTO artist_tracks (artist_id, track_id, is_primary) VALUES (%s, %s, %s)"
TRACK_ALIAS = "INSERT INTO track_aliases (track_id, alias, source, is_primary) VALUES (%s, %s, 'Canonical', true)"
LISTEN = """
INSERT INTO listens (track_id, listened_at, client, user_id)
VALUES (%s, to_timestamp(%s), 'maloja', (SELECT min(id) FROM users)) ON CONFLICT DO NOTHING
"""


class Importer:
    """Stores one scrobble after the other."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.statements = 0

    def store(self, scrobble: dict[str, Any]) -> None:
        """Find or create the entities of a Maloja scrobble, and insert the listen."""
        track = scrobble["track"]
        names = sorted(track["artists"], key=lambda text: " • " not in text)
        artists = [self._artist(name) for name in dict.fromkeys(part for text in names for part in text.split(" • "))]
        release = self._release((track["album"] or {}).get("albumtitle") or track["title"], artists)
        with self._connection.transaction():
            for artist in artists:
                self._do(CREDIT, artist, release, False)
        number = self._track(track["title"], release, artists, track["length"] or 0)
        self._do(LISTEN, number, scrobble["time"])

    def _artist(self, name: str) -> int:
        if found := self._do(ARTIST, name):
            return found
        with self._connection.transaction():
            number = self._do(NEW_ARTIST)
            self._do(ARTIST_ALIAS, number, name)
        return number

    def _release(self, title: str, artists: list[int]) -> int:
        if found := self._do(RELEASE, title, artists[0]):
            return found
        with self._connection.transaction():
            number = self._do(NEW_RELEASE)
            for artist in artists:
                self._do(CREDIT, artist, number, artist == artists[0])
            self._do(RELEASE_ALIAS, number, title)
        return number

    def _track(self, title: str, release: int, artists: list[int], seconds: int) -> int:
        if found := self._do(TRACK, title, release, artists, artists):
            return found
        with self._connection.transaction():
            number = self._do(NEW_TRACK, release, seconds)
            for artist in artists:
                self._do(TRACK_ARTIST, artist, number, artist == artists[0])
            self._do(TRACK_ALIAS, number, title)
        return number

    def _do(self, statement: str, *values: object) -> int:
        """Run a statement and return the id that it returns, 0 if none."""
        self.statements += 1
        cursor = self._connection.execute(statement.encode(), values, prepare=True)
        found = cursor.fetchone() if cursor.description else None
        return int(found[0]) if found else 0


def main() -> None:
    """Import the export given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.row_by_row", description="Import listens one by one.")
    parser.add_argument("uri", help="libpq URI of a database that may be lost")
    parser.add_argument("export", type=Path)
    args = parser.parse_args()
    scrobbles = json.loads(args.export.read_text(encoding="utf-8"))["scrobbles"]
    with psycopg.connect(args.uri, autocommit=True) as connection:
        importer = Importer(connection)
        started = time.perf_counter()
        for scrobble in scrobbles:
            importer.store(scrobble)
        seconds = time.perf_counter() - started
        stored = connection.execute("SELECT count(*) FROM listens").fetchone()
    found = {"seconds": seconds, "listens": stored[0] if stored else 0, "statements": importer.statements}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
