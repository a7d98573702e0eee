"""Our objects in a database: added once, each migration whole or not at all, and removed without a trace."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from etl.core.errors import DatabaseError
from etl.targets.base import Migration, StatementError
from etl.targets.postgres.migrate import migrate, migrations, uninstall
from tests.helpers.support import content, execute, load, objects, query, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

MIGRATIONS = migrations()
OF_KOITO = [migration for migration in MIGRATIONS if migration.version > 1]
TRIGGERS = {
    ("etl_follow_merged_track", "listens"),
    ("etl_follow_merged_album", "tracks"),
    ("etl_follow_merged_artist", "artist_tracks"),
    ("etl_follow_dropped_credit", "artist_tracks"),
    ("etl_keep_keys_of_deleted_artist", "artists"),
    ("etl_drop_doubled_credit", "artist_tracks"),
    ("etl_move_late_listens", "listens"),
    ("etl_move_late_tracks", "tracks"),
    *(
        ("etl_wait_for_batches", table)
        for table in ("listens", "tracks", "releases", "artists", "artist_tracks", "artist_releases")
    ),
}
PUBLIC = {
    ("table", "public.track_lookup"),
    ("index", "public.track_lookup_pkey"),
    ("index", "public.idx_track_lookup_artist_id"),
    ("index", "public.idx_track_lookup_album_id"),
    ("index", "public.idx_track_lookup_track_id"),
    *(("trigger", f"{name} on {table}") for name, table in TRIGGERS),
}


def _recorded(uri: str) -> list[tuple[Any, ...]]:
    return query(uri, "SELECT version, name, checksum FROM etl.migrations ORDER BY version")


def _versions(applied: list[Migration]) -> list[int]:
    return [migration.version for migration in applied]


def _goose(uri: str) -> list[tuple[Any, ...]]:
    return query(uri, "SELECT id, version_id, is_applied, tstamp, xmin::text FROM goose_db_version ORDER BY id")


# --- the runner ----------------------------------------------------------------------------------------------


def test_each_migration_is_recorded_with_its_checksum(empty_database: str) -> None:
    applied = migrate(empty_database, standalone=True)

    assert applied == MIGRATIONS
    assert _recorded(empty_database) == [(one.version, one.name, one.checksum) for one in MIGRATIONS]


def test_migrating_again_changes_nothing(database: str) -> None:
    before, recorded = objects(database), query(database, "SELECT *, xmin::text FROM etl.migrations ORDER BY version")

    assert migrate(database, standalone=True) == []
    assert migrate(database, standalone=False) == []
    assert objects(database) == before
    assert query(database, "SELECT *, xmin::text FROM etl.migrations ORDER BY version") == recorded


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(database: str) -> None:
    changed = [*MIGRATIONS[:-1], replace(MIGRATIONS[-1], text=f"{MIGRATIONS[-1].text}-- changed\n")]

    with pytest.raises(DatabaseError, match=r"0007 \(numbers\) is not the one that was applied") as caught:
        migrate(database, standalone=True, known=changed)

    assert "etl db uninstall" in caught.value.hint


def test_a_database_of_a_newer_version_is_refused(database: str) -> None:
    execute(database, "INSERT INTO etl.migrations VALUES (99, 'of_tomorrow', 'abc')")

    with pytest.raises(DatabaseError, match="has migration 99, which this program does not know") as caught:
        migrate(database, standalone=True)

    assert "newest version" in caught.value.hint


@pytest.mark.parametrize("failing", ["SELECT 1 / 0", "INSERT INTO etl.migrations VALUES (8, 'taken', '')"])
def test_a_migration_that_fails_in_the_middle_leaves_nothing_of_itself(empty_database: str, failing: str) -> None:
    half = Migration(8, "half", f"CREATE TABLE public.half (id integer); {failing}; CREATE TABLE public.rest ();")

    with pytest.raises(StatementError, match=r"division by zero|duplicate key"):
        migrate(empty_database, standalone=True, known=[*MIGRATIONS, half])

    assert not {name for _, name in objects(empty_database)} & {"public.half", "public.rest"}
    assert _recorded(empty_database) == [(one.version, one.name, one.checksum) for one in MIGRATIONS]
    repaired = replace(half, text="CREATE TABLE public.half (id integer)")
    assert migrate(empty_database, standalone=True, known=[*MIGRATIONS, repaired]) == [repaired]
    assert ("table", "public.half") in objects(empty_database)


def test_a_first_migration_that_fails_leaves_the_database_empty(empty_database: str) -> None:
    before = objects(empty_database)
    broken = replace(MIGRATIONS[0], text=f"{MIGRATIONS[0].text}SELECT 1 / 0;")

    with pytest.raises(StatementError):
        migrate(empty_database, standalone=True, known=[broken, *MIGRATIONS[1:]])

    assert objects(empty_database) == before


def test_threads_that_migrate_at_once_apply_each_migration_once(empty_database: str) -> None:
    start = Barrier(4)

    def begin(_: int) -> list[Migration]:
        start.wait()
        return migrate(empty_database, standalone=True)

    with ThreadPoolExecutor(4) as pool:
        applied = [migration for found in pool.map(begin, range(4)) for migration in found]

    assert sorted(_versions(applied)) == _versions(MIGRATIONS)
    assert _versions(MIGRATIONS) == [version for version, _, _ in _recorded(empty_database)]


def test_processes_that_migrate_at_once_both_succeed(koito_database: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from etl.cli import main; main()", "db", "migrate", "--dsn", koito_database]
    started = [
        subprocess.Popen([*command, "--home", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in started]

    assert [process.returncode for process in started] == [0, 0], said
    applied = [int(found[1]) for out, _ in said if (found := re.search(r"(\d+) migrations applied", out))]
    assert sum(applied) == len(OF_KOITO)
    assert [version for version, _, _ in _recorded(koito_database)] == _versions(OF_KOITO)


def test_migrations_are_numbered_without_gaps_and_say_what_they_add() -> None:
    assert _versions(MIGRATIONS) == list(range(1, len(MIGRATIONS) + 1))
    assert all(len(migration.summary) > 20 for migration in MIGRATIONS)


# --- a database of our own -----------------------------------------------------------------------------------


def test_a_standalone_database_gets_koitos_tables_and_one_user(empty_database: str) -> None:
    migrate(empty_database, standalone=True)

    users = query(empty_database, "SELECT id, username, role::text, password NOT LIKE '$2%' FROM users")
    assert users == [(1, "admin", "admin", True)]
    assert query(empty_database, "SELECT to_regclass('goose_db_version') IS NULL") == [(True,)]


def test_a_server_without_trigram_indexes_is_good_enough(empty_database: str, server: str) -> None:
    ((available,),) = query(server, "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'")

    migrate(empty_database, standalone=True)

    installed = query(empty_database, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'")
    indexes = query(empty_database, "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'")
    assert (installed, indexes) == ([(available,)], [(3 * available,)])


# --- Koito's own database ------------------------------------------------------------------------------------


def test_koitos_database_gets_our_objects_and_no_other(koito_database: str) -> None:
    before, goose = objects(koito_database), _goose(koito_database)

    assert _versions(migrate(koito_database, standalone=False)) == _versions(OF_KOITO)

    new = objects(koito_database) - before
    named = {
        (kind, name) for kind, name in new if kind in ("table", "index", "trigger", "function", "sequence", "type")
    }
    in_public = {(kind, name) for kind, name in named if not name.startswith("etl.")}
    ours = {(kind, name) for kind, name in named - in_public if kind != "index"}
    assert in_public == PUBLIC
    tables = {("table", f"etl.{name}") for name in ("migrations", "runs", "files", "batches")}
    functions = {("function", f"etl.{name.removeprefix('etl_')}") for name, _ in TRIGGERS}
    assert ours == tables | functions | {("sequence", "etl.numbers")}
    assert {name for kind, name in new if kind == "schema"} == {"etl"}
    assert all(name.startswith(("track_lookup.", "etl.")) for kind, name in new if kind == "column")
    assert _goose(koito_database) == goose


def test_what_koito_had_is_still_there_after_migrating(koito_database: str) -> None:
    before = {item for item in objects(koito_database) if item[0] != "foreign key triggers"}

    migrate(koito_database, standalone=False)

    assert objects(koito_database) >= before


def test_functions_of_triggers_have_a_fixed_search_path_and_least_rights(
    database: str,
) -> None:
    found = query(
        database,
        """
        SELECT prosecdef, prosrc LIKE '%track_lookup%', proconfig[1]
        FROM pg_proc WHERE pronamespace = 'etl'::regnamespace
        """,
    )

    assert len(found) == len({name for name, _ in TRIGGERS})
    assert {path for _, _, path in found} == {"search_path=pg_catalog, pg_temp"}
    assert all(is_definer == is_on_ours for is_definer, is_on_ours, _ in found)


def test_uninstalling_removes_every_object_of_ours(koito_database: str, tmp_path: Path) -> None:
    export = write_maloja(tmp_path / "maloja_export.json", [scrobble(1, ["Ann"], "First"), scrobble(2, ["Bo"], "Next")])
    before, goose = objects(koito_database), _goose(koito_database)
    migrate(koito_database, standalone=False)
    load(tmp_path / "home", koito_database, export)

    uninstall(koito_database)

    assert objects(koito_database) == before
    assert _goose(koito_database) == goose
    assert query(koito_database, "SELECT count(*) FROM listens") == [(2,)]


def test_migrating_after_an_uninstall_starts_afresh(koito_database: str, tmp_path: Path) -> None:
    export = write_maloja(tmp_path / "maloja_export.json", [scrobble(1, ["Ann"], "First"), scrobble(2, ["Bo"], "Next")])
    migrate(koito_database, standalone=False)
    load(tmp_path / "home", koito_database, export)
    before, rows = objects(koito_database), content(koito_database)

    uninstall(koito_database)
    migrate(koito_database, standalone=False)
    again = load(tmp_path / "home", koito_database, export)

    assert objects(koito_database) == before
    assert again["counts"]["already_present"] == 2
    assert content(koito_database) == rows


def test_a_standalone_database_keeps_koitos_tables_after_an_uninstall(empty_database: str) -> None:
    koito_schema = MIGRATIONS[:1]
    migrate(empty_database, standalone=True, known=koito_schema)
    koitos = {item for item in objects(empty_database) if "etl" not in item[1]}
    migrate(empty_database, standalone=True)
    whole = objects(empty_database)

    uninstall(empty_database)
    assert objects(empty_database) == koitos
    with pytest.raises(DatabaseError, match="has Koito's tables, but not its goose_db_version"):
        migrate(empty_database, standalone=False)

    assert _versions(migrate(empty_database, standalone=True)) == _versions(OF_KOITO)
    assert objects(empty_database) == whole


def test_uninstalling_twice_or_where_nothing_is_ours_does_nothing(koito_database: str) -> None:
    execute(koito_database, "CREATE SCHEMA etl; CREATE TABLE etl.somebodys (id integer)")
    before = objects(koito_database)

    uninstall(koito_database)
    uninstall(koito_database)

    assert objects(koito_database) == before


def test_uninstalling_works_whatever_version_koito_is_at(koito_database: str) -> None:
    before = objects(koito_database)
    migrate(koito_database, standalone=False)
    execute(koito_database, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, true)")

    uninstall(koito_database)

    assert objects(koito_database) == before
