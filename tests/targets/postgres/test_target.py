"""From a DSN to a database that is ready: what a load meets in a database that lacks our objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from etl.cli import build_app
from etl.core.errors import DatabaseError, ExitCode
from etl.targets.base import Migration
from etl.targets.postgres.describe import DatabaseKind
from etl.targets.postgres.embedded.server import EmbeddedServer
from etl.targets.postgres.migrate import migrate, migrations, uninstall
from etl.targets.postgres.target import PostgresTarget
from tests.helpers.support import counts, execute, load, objects, query, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

PLAYS = [
    scrobble(1, ["Ann"], "First", "Debut"),
    scrobble(2, ["Ann", "Bo"], "Duet", "Debut"),
    scrobble(3, ["Ann"], "First", "Debut"),
]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_maloja(tmp_path / "maloja_export.json", PLAYS)


def _refusal(uri: str, home: Path, **options: Any) -> DatabaseError:  # noqa: ANN401
    with pytest.raises(DatabaseError) as caught:
        PostgresTarget(uri, home).open(**options)
    return caught.value


def test_koitos_database_is_refused_until_it_is_migrated(koito_database: str, tmp_path: Path) -> None:
    before = objects(koito_database)

    error = _refusal(koito_database, tmp_path)

    assert f"lacks {len(migrations()) - 1} of our migrations" in error.message
    assert "`etl db migrate`" in error.hint
    assert objects(koito_database) == before


def test_a_load_into_a_database_that_is_not_migrated_writes_nothing(
    koito_database: str, tmp_path: Path, export: Path
) -> None:
    before = objects(koito_database)
    command = ["run", "--source", "maloja", str(export), "--home", str(tmp_path / "home")]

    result = CliRunner().invoke(build_app(), command, env={"ETL_DSN": koito_database})

    assert isinstance(result.exception, DatabaseError)
    assert result.exception.exit_code is ExitCode.DATABASE
    assert "etl db migrate" in result.exception.hint
    assert not (tmp_path / "home").exists()
    assert objects(koito_database) == before
    assert query(koito_database, "SELECT count(*) FROM listens") == [(0,)]


def test_a_dry_run_needs_no_objects_of_ours_and_predicts_the_load(
    koito_database: str, tmp_path: Path, export: Path
) -> None:
    before = objects(koito_database)

    dry = load(tmp_path / "home", koito_database, export, dry_run=True)
    after = objects(koito_database)
    tables = [query(koito_database, f"SELECT count(*) FROM {name}")[0][0] for name in ("artists", "tracks", "listens")]
    migrate(koito_database, standalone=False)
    real = load(tmp_path / "home", koito_database, export)

    assert dry["status"] == "dry_run"
    assert after == before
    assert tables == [0, 0, 0]
    assert dry["counts"] == real["counts"]
    assert dry["created"] == real["created"] == {"artists": 2, "albums": 1, "tracks": 2}


def test_after_migrating_the_database_is_ready(koito_database: str, tmp_path: Path) -> None:
    added: list[Migration] = []

    assert PostgresTarget(koito_database, tmp_path).migrate(added.append, standalone=False) == added
    connection, database = PostgresTarget(koito_database, tmp_path).open()
    connection.close()

    names = ["ledger", "track_lookup", "edits_wait", "undo", "settled_for", "numbers"]
    assert [migration.name for migration in added] == names
    assert (database.kind, database.has_migrations, database.has_lookup) == (DatabaseKind.KOITO, True, True)


def test_migrations_are_shown_before_they_are_applied(koito_database: str, tmp_path: Path) -> None:
    before = objects(koito_database)

    def announce(migration: Migration) -> None:
        assert objects(koito_database) == before, migration.name

    assert len(PostgresTarget(koito_database, tmp_path).migrate(announce, standalone=False)) == 6
    assert ("table", "public.track_lookup") in objects(koito_database)


def test_a_new_migration_is_required_before_the_next_load(
    koito_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(koito_database, standalone=False)
    more = [*migrations(), Migration(99, "of_tomorrow", "CREATE TABLE etl.more ()")]
    monkeypatch.setattr("etl.targets.postgres.migrate.migrations", lambda: more)

    assert "lacks 1 of our migrations" in _refusal(koito_database, tmp_path).message


@pytest.mark.parametrize("read_only", [False, True])
def test_an_empty_database_is_refused(empty_database: str, tmp_path: Path, *, read_only: bool) -> None:
    error = _refusal(empty_database, tmp_path, read_only=read_only)

    assert "is empty" in error.message
    assert "Start Koito once first" in error.hint
    assert objects(empty_database) == {("schema", "public")}


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_of_another_program_is_refused(empty_database: str, tmp_path: Path, *, read_only: bool) -> None:
    execute(empty_database, "CREATE TABLE invoices (id integer)")

    assert "is not Koito's: it holds invoices" in _refusal(empty_database, tmp_path, read_only=read_only).message


def test_a_standalone_database_is_ready_until_our_objects_are_removed(
    empty_database: str, tmp_path: Path, export: Path
) -> None:
    migrate(empty_database, standalone=True)
    load(tmp_path / "home", empty_database, export)

    uninstall(empty_database)
    error = _refusal(empty_database, tmp_path)

    assert "has Koito's tables, but not its goose_db_version" in error.message
    assert "--standalone" in error.hint
    assert query(empty_database, "SELECT count(*) FROM listens") == [(3,)]


def test_the_embedded_server_is_made_ready_also_after_an_uninstall(
    server: str, monkeypatch: pytest.MonkeyPatch, empty_database: str, tmp_path: Path, export: Path
) -> None:
    monkeypatch.setattr(EmbeddedServer, "start", lambda _: empty_database)
    (tmp_path / "home" / "postgres" / "data").mkdir(parents=True)  # whose disk is asked for its free space

    first = load(tmp_path / "home", "embedded", export)
    uninstall(empty_database)
    second = load(tmp_path / "home", "embedded", export)

    assert (first["counts"]["inserted"], second["counts"]["already_present"]) == (3, 3)
    assert query(empty_database, "SELECT username FROM users") == [("admin",)]
    assert counts(empty_database) == {"artists": 2, "releases": 1, "tracks": 2, "listens": 3, "track_lookup": 2}


def test_nothing_is_written_while_sequences_lag_behind_their_ids(database: str, tmp_path: Path, export: Path) -> None:
    assert load(tmp_path, database, export)["exit_code"] == 0
    before = counts(database)
    execute(database, "ALTER TABLE artists ALTER id RESTART; ALTER TABLE tracks ALTER id RESTART")
    more = write_maloja(tmp_path / "maloja_export_2.json", [scrobble(9, ["Cy"], "New", "Other")])

    failed = load(tmp_path, database, more)

    assert failed["exit_code"] == ExitCode.DATABASE
    assert "the next ids of artists, tracks are in use already" in failed["error"]
    assert counts(database) == before
    execute(database, failed["error"].partition("Run in psql: ")[2])
    assert load(tmp_path, database, more)["counts"]["inserted"] == 1


def test_sequences_that_were_set_without_giving_an_id_are_in_order(database: str, tmp_path: Path, export: Path) -> None:
    execute(
        database, "INSERT INTO artists (id) OVERRIDING SYSTEM VALUE VALUES (1); ALTER TABLE artists ALTER id RESTART 2"
    )
    assert load(tmp_path, database, export)["exit_code"] == 0
