"""The tables of a standalone database are Koito's own: columns, constraints, indexes, views, functions, trigger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.support import execute, query

_FALSE = "false"
_IDENTITY = "identity always"

# (name, type, may be null, default) in order.
COLUMNS: dict[str, list[tuple[str, str, bool, str | None]]] = {
    "artists": [
        ("id", "integer", False, _IDENTITY),
        ("musicbrainz_id", "uuid", True, None),
        ("image", "uuid", True, None),
        ("image_source", "text", True, None),
    ],
    "artist_aliases": [
        ("artist_id", "integer", False, None),
        ("alias", "text", False, None),
        ("source", "text", False, None),
        ("is_primary", "boolean", False, None),
    ],
    "releases": [
        ("id", "integer", False, _IDENTITY),
        ("musicbrainz_id", "uuid", True, None),
        ("image", "uuid", True, None),
        ("various_artists", "boolean", False, _FALSE),
        ("image_source", "text", True, None),
    ],
    "release_aliases": [
        ("release_id", "integer", False, None),
        ("alias", "text", False, None),
        ("source", "text", False, None),
        ("is_primary", "boolean", False, None),
    ],
    "artist_releases": [
        ("artist_id", "integer", False, None),
        ("release_id", "integer", False, None),
        ("is_primary", "boolean", False, _FALSE),
    ],
    "tracks": [
        ("id", "integer", False, _IDENTITY),
        ("musicbrainz_id", "uuid", True, None),
        ("duration", "integer", False, "0"),
        ("release_id", "integer", False, None),
    ],
    "track_aliases": [
        ("track_id", "integer", False, None),
        ("alias", "text", False, None),
        ("is_primary", "boolean", False, None),
        ("source", "text", False, None),
    ],
    "artist_tracks": [
        ("artist_id", "integer", False, None),
        ("track_id", "integer", False, None),
        ("is_primary", "boolean", False, _FALSE),
    ],
    "listens": [
        ("track_id", "integer", False, None),
        ("listened_at", "timestamp with time zone", False, None),
        ("client", "text", True, None),
        ("user_id", "integer", False, None),
    ],
    "users": [
        ("id", "integer", False, _IDENTITY),
        ("username", "text", False, None),
        ("role", "role", False, "'user'::role"),
        ("password", "bytea", False, None),
    ],
    "api_keys": [
        ("id", "integer", False, _IDENTITY),
        ("key", "text", False, None),
        ("user_id", "integer", False, None),
        ("created_at", "timestamp without time zone", False, "now()"),
        ("label", "text", False, None),
    ],
    "sessions": [
        ("id", "uuid", False, None),
        ("user_id", "integer", False, None),
        ("created_at", "timestamp without time zone", False, "now()"),
        ("expires_at", "timestamp without time zone", False, None),
        ("persistent", "boolean", False, _FALSE),
    ],
}


def _cascading(column: str, table: str) -> str:
    return f"FOREIGN KEY ({column}) REFERENCES {table}(id) ON DELETE CASCADE"


CONSTRAINTS: dict[str, dict[str, str]] = {
    "artists": {"artists_pkey": "PRIMARY KEY (id)", "artists_musicbrainz_id_key": "UNIQUE (musicbrainz_id)"},
    "artist_aliases": {
        "artist_aliases_pkey": "PRIMARY KEY (artist_id, alias)",
        "artist_aliases_artist_id_fkey": _cascading("artist_id", "artists"),
    },
    "releases": {"releases_pkey": "PRIMARY KEY (id)", "releases_musicbrainz_id_key": "UNIQUE (musicbrainz_id)"},
    "release_aliases": {
        "release_aliases_pkey": "PRIMARY KEY (release_id, alias)",
        "release_aliases_release_id_fkey": _cascading("release_id", "releases"),
    },
    "artist_releases": {
        "artist_releases_pkey": "PRIMARY KEY (artist_id, release_id)",
        "artist_releases_artist_id_fkey": _cascading("artist_id", "artists"),
        "artist_releases_release_id_fkey": _cascading("release_id", "releases"),
    },
    "tracks": {
        "tracks_pkey": "PRIMARY KEY (id)",
        "tracks_musicbrainz_id_key": "UNIQUE (musicbrainz_id)",
        "track_release_id_fkey": _cascading("release_id", "releases"),
    },
    "track_aliases": {
        "track_aliases_pkey": "PRIMARY KEY (track_id, alias)",
        "track_aliases_track_id_fkey": _cascading("track_id", "tracks"),
    },
    "artist_tracks": {
        "artist_tracks_pkey": "PRIMARY KEY (artist_id, track_id)",
        "artist_tracks_artist_id_fkey": _cascading("artist_id", "artists"),
        "artist_tracks_track_id_fkey": _cascading("track_id", "tracks"),
    },
    "listens": {
        "listens_pkey": "PRIMARY KEY (track_id, listened_at)",
        "listens_track_id_fkey": _cascading("track_id", "tracks"),
        "listens_user_id_fkey": _cascading("user_id", "users"),
    },
    "users": {"users_pkey": "PRIMARY KEY (id)", "users_username_key": "UNIQUE (username)"},
    "api_keys": {
        "api_keys_pkey": "PRIMARY KEY (id)",
        "api_keys_key_key": "UNIQUE (key)",
        "api_keys_user_id_fkey": _cascading("user_id", "users"),
    },
    "sessions": {"sessions_pkey": "PRIMARY KEY (id)", "sessions_user_id_fkey": _cascading("user_id", "users")},
}

# Besides those of the primary keys and uniques.
INDEXES = {
    ("artist_aliases", "btree (artist_id)"),
    ("artist_releases", "btree (artist_id, release_id)"),
    ("tracks", "btree (release_id)"),
    ("listens", "btree (listened_at)"),
    ("listens", "btree (track_id, listened_at)"),
    ("release_aliases", "btree (release_id) WHERE is_primary"),
    ("track_aliases", "btree (track_id) WHERE is_primary"),
}
TRIGRAM_INDEXES = {
    (table, "gin (alias gin_trgm_ops)") for table in ("artist_aliases", "release_aliases", "track_aliases")
}

VIEWS = {
    "artists_with_name": ["id", "musicbrainz_id", "image", "image_source", "name"],
    "releases_with_title": ["id", "musicbrainz_id", "image", "various_artists", "image_source", "title"],
    "tracks_with_title": ["id", "musicbrainz_id", "duration", "release_id", "title"],
}

# An album by Zoe, with Ann and Bo on it; Bo is also known as Beau. Album 2 is Ann's.
_CATALOGUE = """
INSERT INTO artists (id) OVERRIDING SYSTEM VALUE VALUES (1), (2), (3);
INSERT INTO artist_aliases VALUES
    (1, 'Ann', 'Canonical', true), (2, 'Bo', 'Canonical', true), (2, 'Beau', 'Manual', false),
    (3, 'Zoe', 'Canonical', true);
INSERT INTO releases (id) OVERRIDING SYSTEM VALUE VALUES (1), (2);
INSERT INTO release_aliases VALUES (1, 'Three', 'Canonical', true), (2, 'Own', 'Canonical', true);
INSERT INTO artist_releases VALUES (2, 1, false), (3, 1, true), (1, 1, false), (1, 2, true);
INSERT INTO tracks (id, release_id) OVERRIDING SYSTEM VALUE VALUES (1, 1), (2, 2);
INSERT INTO track_aliases VALUES (1, 'Song', true, 'Canonical'), (2, 'Other', true, 'Canonical');
INSERT INTO artist_tracks VALUES (2, 1, false), (1, 1, false), (3, 1, true), (1, 2, true);
INSERT INTO listens VALUES (1, '2020-01-01 00:00:00+00', NULL, 1), (2, '2020-01-01 00:00:00+00', NULL, 1);
"""


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_koitos_columns(shared_database: str, table: str) -> None:
    found = query(
        shared_database,
        f"""
        SELECT a.attname::text, format_type(a.atttypid, NULL), NOT a.attnotnull,
            CASE WHEN a.attidentity = 'a' THEN 'identity always' ELSE pg_get_expr(d.adbin, d.adrelid) END
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = 'public.{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
        """,
    )

    assert found == COLUMNS[table]


def test_there_is_no_further_table(shared_database: str) -> None:
    found = query(shared_database, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")

    assert {table for (table,) in found} == {*COLUMNS, "track_lookup"}


@pytest.mark.parametrize("table", CONSTRAINTS)
def test_a_table_has_koitos_constraints(shared_database: str, table: str) -> None:
    found = query(
        shared_database,
        f"""
        SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'public.{table}'::regclass AND contype <> 'n'
        """,
    )

    assert dict(found) == CONSTRAINTS[table]


def test_the_indexes_are_koitos(shared_database: str) -> None:
    found = query(
        shared_database,
        """
        SELECT c.relname::text, split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'track_lookup'
            AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
        """,
    )
    ((has_trigrams,),) = query(
        shared_database, "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')"
    )

    expected = INDEXES | TRIGRAM_INDEXES if has_trigrams else INDEXES
    assert {(table, text.replace("WHERE (is_primary = true)", "WHERE is_primary")) for table, text in found} == expected


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_koitos_columns(shared_database: str, view: str) -> None:
    found = query(
        shared_database,
        f"""
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = 'public.{view}'::regclass AND attnum > 0 ORDER BY attnum
        """,
    )

    assert [column for (column,) in found] == VIEWS[view]


def test_the_sequences_have_the_names_that_koito_gave_them(shared_database: str) -> None:
    found = query(
        shared_database,
        """
        SELECT t, pg_get_serial_sequence(t, 'id')
        FROM unnest(ARRAY['artists', 'releases', 'tracks', 'users', 'api_keys']) AS u (t)
        """,
    )

    assert all(sequence == f"public.{table}_id_seq" for table, sequence in found)


def test_a_role_is_admin_or_user(shared_database: str) -> None:
    assert query(shared_database, "SELECT enum_range(NULL::role)::text") == [("{admin,user}",)]


def test_the_views_show_the_primary_alias_alone(database: str) -> None:
    execute(database, _CATALOGUE)

    assert query(database, "SELECT id, name FROM artists_with_name ORDER BY id") == [(1, "Ann"), (2, "Bo"), (3, "Zoe")]
    assert query(database, "SELECT id, title FROM releases_with_title ORDER BY id") == [(1, "Three"), (2, "Own")]
    assert query(database, "SELECT id, title FROM tracks_with_title ORDER BY id") == [(1, "Song"), (2, "Other")]


def test_artists_come_as_jsonb_the_primary_one_first_then_by_name(database: str) -> None:
    execute(database, _CATALOGUE)

    for function in ("get_artists_for_release", "get_artists_for_track"):
        ((kind, text),) = query(database, f"SELECT pg_typeof({function}(1))::text, {function}(1)::text")
        assert kind == "jsonb"
        assert json.loads(text) == [{"id": 3, "name": "Zoe"}, {"id": 1, "name": "Ann"}, {"id": 2, "name": "Bo"}]
        assert query(database, f"SELECT {function}(99) IS NULL") == [(True,)]


def _left(database: str) -> dict[str, list[Any]]:
    tables = ("releases", "tracks")
    return {table: [number for (number,) in query(database, f"SELECT id FROM {table} ORDER BY id")] for table in tables}


def test_a_release_goes_with_the_last_of_its_artists(database: str) -> None:
    execute(database, _CATALOGUE)

    execute(database, "DELETE FROM artist_releases WHERE release_id = 1 AND artist_id IN (1, 2)")
    assert _left(database) == {"releases": [1, 2], "tracks": [1, 2]}

    execute(database, "DELETE FROM artist_releases WHERE release_id = 1")
    assert _left(database) == {"releases": [2], "tracks": [2]}


def test_a_release_goes_when_its_only_artist_is_deleted(database: str) -> None:
    execute(database, _CATALOGUE)

    execute(database, "DELETE FROM artists WHERE id = 1")

    assert _left(database) == {"releases": [1], "tracks": [1]}
    assert query(database, "SELECT track_id FROM listens") == [(1,)]
