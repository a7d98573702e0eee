"""Koito's database keeps all that is Koito's, to the letter: through migration, load and uninstall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from etl.targets.postgres.migrate import migrate, uninstall
from tests.helpers.catalogue import catalogue
from tests.helpers.support import execute, load, query, scrobble, write_maloja
from tests.helpers.worlds import stock

if TYPE_CHECKING:
    from pathlib import Path

OURS = ("etl.", "etl_", "track_lookup")
TABLES = (
    "artists", "artist_aliases", "releases", "release_aliases", "artist_releases", "tracks", "track_aliases",
    "artist_tracks", "listens", "users", "api_keys", "sessions", "goose_db_version",
)  # fmt: skip


@pytest.fixture
def lived_in(koito_database: str) -> str:
    """Return a database of Koito's with listens, sessions, and an index and rights that somebody added."""
    stock(koito_database)
    execute(
        koito_database,
        """
        INSERT INTO api_keys (key, user_id, label) SELECT 'secret', id, 'Default' FROM users;
        INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(), id, '2030-01-01' FROM users;
        CREATE INDEX somebodys ON listens (client);
        GRANT SELECT ON listens TO PUBLIC;
        COMMENT ON TABLE artists IS 'somebody wrote this';
        """,
    )
    return koito_database


def _rows(uri: str) -> dict[str, dict[str, str]]:
    """Return every row of Koito's tables by where it lies; an update, even to the same values, moves it."""
    return {
        table: dict(query(uri, f"SELECT t.ctid::text || ' ' || t.xmin, t::text FROM {table} t")) for table in TABLES
    }


def _exports(folder: Path) -> tuple[Path, Path]:
    plays: list[dict[str, Any]] = [
        scrobble(second, [f"New {second % 7}"], f"T {second}", "Hits") for second in range(50)
    ]
    return (
        write_maloja(folder / "maloja_export_1.json", plays),
        write_maloja(folder / "maloja_export_2.json", [scrobble(99, ["Bo"], "One", "Hits"), *plays]),
    )


def test_a_load_touches_nothing_that_is_not_ours(lived_in: str, tmp_path: Path) -> None:
    objects, rows = catalogue(lived_in), _rows(lived_in)

    migrate(lived_in, standalone=False)
    manifest = load(tmp_path / "home", lived_in, *_exports(tmp_path))

    after, stored = catalogue(lived_in), _rows(lived_in)
    assert manifest["counts"]["inserted"] == 51
    assert {name: after[name] for name in objects} == objects
    assert [name for name in after if name not in objects and not any(part in name for part in OURS)] == ["schema etl"]
    assert {table: held.items() <= stored[table].items() for table, held in rows.items()} == dict.fromkeys(TABLES, True)
    for table in ("users", "api_keys", "sessions", "goose_db_version"):
        assert stored[table] == rows[table]


def test_uninstalling_leaves_koitos_own_objects_as_they_were(lived_in: str, tmp_path: Path) -> None:
    objects = catalogue(lived_in)
    migrate(lived_in, standalone=False)
    load(tmp_path / "home", lived_in, *_exports(tmp_path))
    rows = _rows(lived_in)

    uninstall(lived_in)

    assert catalogue(lived_in) == objects
    assert _rows(lived_in) == rows
    internal = (
        "SELECT count(*) FROM pg_trigger t JOIN pg_constraint c ON c.oid = t.tgconstraint WHERE c.conname ~ 'lookup'"
    )
    assert query(lived_in, internal) == [(0,)]


def test_the_dump_sees_a_change_of_each_kind(lived_in: str) -> None:
    changes = {
        "function": "ALTER FUNCTION delete_orphan_releases() SECURITY DEFINER",
        "trigger": "ALTER TABLE artist_releases DISABLE TRIGGER trg_delete_orphan_releases",
        "column": "ALTER TABLE listens ALTER client SET DEFAULT 'x'",
        "constraint": "ALTER TABLE tracks ADD CHECK (duration >= 0)",
        "relation": "GRANT INSERT ON tracks TO PUBLIC",
        "index": "DROP INDEX somebodys",
        "type": "ALTER TYPE role ADD VALUE 'guest'",
        "sequence": "ALTER SEQUENCE tracks_id_seq INCREMENT BY 2",
    }
    for kind, change in changes.items():
        before = catalogue(lived_in)
        execute(lived_in, change)
        changed = {name.partition(" ")[0] for name, _ in catalogue(lived_in).items() ^ before.items()}
        assert changed == {kind}
