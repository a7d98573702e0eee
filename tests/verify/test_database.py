"""``etl verify`` finds exactly what is wrong with a database; leftovers of Koito's own edits are warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.targets.postgres.connection import connect
from etl.verify import Result, named_checks
from etl.verify.database import check_database
from tests.helpers.support import execute, load, scrobble, write_maloja
from tests.helpers.worlds import stock
from tests.verify.conftest import Run, findings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from etl.targets.postgres.connection import PostgresConnection

MBID = "aaaaaaaa-0000-4000-8000-000000000000"
NEW_ARTIST = """
    WITH new AS (INSERT INTO artists (musicbrainz_id) VALUES ({mbid}) RETURNING id)
    INSERT INTO artist_aliases SELECT id, '{name}', 'Canonical', true FROM new;
"""
# A second track "Solo" of Cy, on an album of its own.
SECOND_SOLO = """
    WITH album AS (INSERT INTO releases DEFAULT VALUES RETURNING id),
    track AS (INSERT INTO tracks (release_id) SELECT id FROM album RETURNING id),
    titled AS (INSERT INTO release_aliases SELECT id, '{album}', 'Canonical', true FROM album),
    named AS (INSERT INTO track_aliases SELECT id, 'Solo', true, 'Canonical' FROM track),
    cy AS (SELECT id FROM artists_with_name WHERE name = 'Cy'),
    credited AS (INSERT INTO artist_releases SELECT cy.id, album.id, true FROM album, cy),
    played AS (INSERT INTO listens SELECT id, '2021-01-01Z', 'live', 1 FROM track)
    INSERT INTO artist_tracks SELECT cy.id, track.id, true FROM track, cy;
"""
DEBUT = "(SELECT release_id FROM release_aliases WHERE alias = 'Debut' ORDER BY 1 LIMIT 1)"
SOLO = "(SELECT track_id FROM track_aliases WHERE alias = 'Solo' ORDER BY 1 LIMIT 1)"

# What is done to the database, and how many rows which checks find then.
DAMAGES: dict[str, tuple[str, dict[str, int]]] = {
    "an artist without a name": ("DELETE FROM artist_aliases WHERE alias = 'Cy'", {"nameless": 1}),
    "an album without a primary name": (
        "UPDATE release_aliases SET is_primary = false WHERE alias = 'Shared'",
        {"nameless": 1},
    ),
    "tracks without a name": ("DELETE FROM track_aliases WHERE alias = 'First'", {"nameless": 3}),
    "two primary names": (
        "INSERT INTO artist_aliases SELECT artist_id, 'Cyd', 'Manual', true FROM artist_aliases WHERE alias = 'Cy'",
        {"several_names": 1},
    ),
    "a track without an artist": (f"DELETE FROM artist_tracks WHERE track_id = {SOLO}", {
        "tracks_without_artist": 1, "artists_without_tracks": 1,
    }),
    "an album without an artist": (
        f"ALTER TABLE artist_releases DISABLE TRIGGER ALL; DELETE FROM artist_releases WHERE release_id = {DEBUT}",
        {"albums_without_artist": 1},
    ),
    "a key of another album": (
        f"UPDATE track_lookup SET album_id = {DEBUT} WHERE lookup_key ~ '^cy.solo'",
        {"torn_lookups": 1},
    ),
    "a key of an artist who is not on the track": (
        "UPDATE track_lookup k SET artist_id = a.id FROM artists_with_name a WHERE name = 'Bo' AND lookup_key ~ '^cy'",
        {"torn_lookups": 1},
    ),
    "listens of a track and a user that are gone": (
        """
        SET LOCAL session_replication_role = replica;
        INSERT INTO listens SELECT 99999, '2021-01-01Z'::timestamptz + second * interval '1 s', 'x', 77777
        FROM generate_series(1, 2000) AS s (second)
        """,
        {"dangling_references": 2},
    ),
    "batches that do not add up": (
        "UPDATE etl.batches SET inserted = inserted + 1 WHERE batch = 1",
        {"unbalanced_runs": 1},
    ),
}  # fmt: skip
WARNINGS: dict[str, tuple[str, dict[str, int]]] = {
    "a key that refers to another track": (
        """
        UPDATE track_lookup k SET (artist_id, album_id, track_id) = (
            SELECT artist_id, album_id, track_id FROM track_lookup WHERE lookup_key ~ '^ann.second'
        ) WHERE lookup_key ~ '^cy.solo'
        """,
        {"misled_lookups": 1},
    ),
    "two artists of one name": (
        NEW_ARTIST.format(mbid="NULL", name="Cy"),
        {"duplicate_artists": 1, "artists_without_tracks": 1},
    ),
    "two albums of one name": (
        SECOND_SOLO.format(album="Shared"),
        {"duplicate_albums": 1},
    ),
    "two tracks of one name on an album": (
        f"""
        {SECOND_SOLO.format(album="Other")}
        UPDATE tracks SET release_id = (SELECT release_id FROM tracks WHERE id = {SOLO});
        DELETE FROM releases r WHERE NOT EXISTS (SELECT FROM tracks t WHERE t.release_id = r.id);
        """,
        {"duplicate_tracks": 2},  # all tracks are on one album now: First is there three times, for two artists
    ),
    "a track without listens": (f"DELETE FROM listens WHERE track_id = {SOLO}", {"tracks_without_listens": 1}),
    "an album without tracks": (
        f"UPDATE tracks SET release_id = {DEBUT} WHERE id = {SOLO}",
        {"albums_without_tracks": 1},
    ),
    "an artist on an album without a track there": (
        f"INSERT INTO artist_releases SELECT id, {DEBUT}, false FROM artists_with_name WHERE name = 'Cy'",
        {"credits_without_track": 1},
    ),
}
SOUND: dict[str, str] = {
    "another album of the same name by another artist": SECOND_SOLO.format(album="Debut"),
    "a second album": SECOND_SOLO.format(album="More"),
    "a track that was renamed": "UPDATE track_aliases SET alias = 'New' WHERE alias = 'Solo'",
    "a key that an MBID decided": f"UPDATE tracks SET musicbrainz_id = '{MBID}' WHERE id = {SOLO}",
}


@pytest.fixture(scope="module")
def connection(shared: str) -> Iterator[PostgresConnection]:
    """Yield a connection to the database with HISTORY, which all tests share; each rolls back what it does."""
    found = connect(shared, autocommit=True)
    yield found
    found.close()


def _found_after(connection: PostgresConnection, sql: str) -> dict[str, int]:
    connection.script(f"BEGIN; {sql};")
    try:
        return {check.name: check.rows.height for check in check_database("postgres", connection) if check.rows.height}
    finally:
        connection.script("ROLLBACK")


@pytest.mark.parametrize("name", [*DAMAGES, *WARNINGS])
def test_each_problem_is_found_and_nothing_else(connection: PostgresConnection, name: str) -> None:
    sql, expected = (DAMAGES | WARNINGS)[name]

    assert _found_after(connection, sql) == expected


# Koito's tables that no load writes to, and the keys of all tables.
OTHERS = """
    INSERT INTO api_keys (key, user_id, label) VALUES ('k', 1, 'l');
    INSERT INTO sessions (id, user_id, expires_at) VALUES (gen_random_uuid(), 1, now());
"""
FOREIGN_KEYS = """
    SELECT c.conrelid::regclass::text AS child, a.attname::text AS name, p.relname::text AS parent
    FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    JOIN pg_class p ON p.oid = c.confrelid
    WHERE c.contype = 'f'
"""


def test_every_foreign_key_that_points_at_nothing_is_found(connection: PostgresConnection) -> None:
    keys = connection.query_text(FOREIGN_KEYS).rows()
    for child, name, parent in keys:
        connection.script(f"BEGIN; {OTHERS} SET LOCAL session_replication_role = replica;")
        connection.script(f"UPDATE {child} SET {name} = '99999' WHERE ctid = (SELECT min(ctid) FROM {child})")
        found = connection.query("verify/dangling_references").rows()
        connection.script("ROLLBACK")

        assert found == [(child.removeprefix("etl."), parent, "99999", 1)]
    assert len(keys) == 17


@pytest.mark.parametrize("name", SOUND)
def test_sound_data_gives_no_findings(connection: PostgresConnection, name: str) -> None:
    assert _found_after(connection, SOUND[name]) == {}


def test_every_check_finds_something() -> None:
    severities = {check.name: check.severity for check in named_checks("postgres")}
    expected = {**{name: found for _, found in WARNINGS.values() for name in found}}

    assert {name for name in severities if severities[name] is Result.WARNING} == set(expected)
    assert {name for name in severities if severities[name] is Result.FAILED} == {
        next(iter(found)) for _, found in DAMAGES.values()
    }


def test_damage_ends_with_7_and_a_warning_with_0(run: Run) -> None:
    assert (findings(run.verify_database()), run.verify_database().exit_code) == ({}, ExitCode.OK)

    execute(run.uri, f"DELETE FROM listens WHERE track_id = {SOLO}")
    warned = run.verify_database()
    execute(run.uri, "DELETE FROM track_aliases WHERE alias = 'Solo'")
    damaged = run.verify_database()

    assert (findings(warned), warned.exit_code) == ({"tracks_without_listens": Result.WARNING}, ExitCode.OK)
    assert findings(damaged)["nameless"] is Result.FAILED
    assert damaged.exit_code == ExitCode.UNBALANCED


def test_after_a_load_only_what_koito_itself_has_twice_is_found(database: str, home: Path, tmp_path: Path) -> None:
    stock(database)
    again = [scrobble(second, ["Bo"], "One", "Hits") for second in range(20, 24)]
    manifest = load(home, database, write_maloja(tmp_path / "a.json", again))
    found = Run(home, database, tmp_path, manifest).verify_database()

    assert found.exit_code == ExitCode.OK
    assert "duplicate_artists" in findings(found)
