from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import DatabaseError, SettingsError
from etl.core.statements import statement
from etl.targets.base import Migration
from etl.targets.sqlite.connection import connect
from etl.targets.sqlite.describe import check_path, file_system, identify
from etl.targets.sqlite.migrate import migrate, migrations, uninstall
from etl.targets.sqlite.target import SqliteTarget
from tests.helpers.koito_sqlite import opened_file

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"


def run_on(file: Path, *statements: str) -> list[tuple[object, ...]]:
    with opened_file(file) as run:
        found: list[tuple[object, ...]] = [run(sql) for sql in statements][-1]
    return found


def refusal(file: Path) -> DatabaseError:
    connection = connect(file)
    try:
        with pytest.raises(DatabaseError) as raised:
            identify(connection, file)
        return raised.value
    finally:
        connection.close()


def test_koitos_file_is_known_before_and_after_our_migrations(new_file: Path) -> None:
    connection = connect(new_file)
    before = identify(connection, new_file)
    applied = migrate(new_file)
    after = identify(connection, new_file)
    connection.close()

    assert (before.has_migrations, before.has_lookup) == (False, False)
    assert applied == migrations()
    assert (after.has_migrations, after.has_lookup) == (True, True)
    assert migrate(new_file) == []


def test_uninstall_leaves_the_file_as_it_was(new_file: Path) -> None:
    before = run_on(new_file, SCHEMA)
    migrate(new_file)
    assert run_on(new_file, SCHEMA) != before
    uninstall(new_file)
    assert run_on(new_file, SCHEMA) == before
    uninstall(new_file)


def test_our_objects_are_plain_tables(new_file: Path) -> None:
    before = set(run_on(new_file, "SELECT type, name FROM sqlite_schema"))
    migrate(new_file)
    made = set(run_on(new_file, "SELECT type, name FROM sqlite_schema")) - before
    tables = {name for kind, name in made if kind == "table"}
    assert tables == {"etl_track_lookup", "etl_runs", "etl_files", "etl_batches", "etl_migrations"}
    assert {kind for kind, name in made if not str(name).startswith("sqlite_autoindex")} == {"table"}
    for table in tables:
        assert run_on(new_file, f"PRAGMA foreign_key_list({table})") == []


def test_goose_is_never_written(new_file: Path) -> None:
    before = run_on(new_file, "SELECT * FROM goose_db_version")
    migrate(new_file)
    assert run_on(new_file, "SELECT * FROM goose_db_version") == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM goose_db_version WHERE version_id = 2", ["at version 1, not 2", "Start Koito v0.1.8"]),
        (
            "INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 1)",
            ["at version 3, not 2", "newest version"],
        ),
        ("ALTER TABLE tracks ADD COLUMN rating INTEGER", ["not those of its version 2: tracks.rating"]),
        ("ALTER TABLE listens RENAME COLUMN client TO app", ["listens.app, listens.client"]),
        ("DROP TABLE sessions", ["sessions.created_at"]),
        ("DELETE FROM users", ["has no user", "Start Koito"]),
        ("DROP TABLE goose_db_version", ["is not Koito's"]),
    ],
)
def test_another_schema_is_refused_by_name(new_file: Path, change: str, said: list[str]) -> None:
    run_on(new_file, change)
    error = refusal(new_file)
    assert str(new_file) in str(error)
    assert [text for text in said if text not in str(error)] == []


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    assert "is empty. Start Koito" in str(refusal(empty))
    other = tmp_path / "other.db"
    run_on(other, "CREATE TABLE songs (a)", "CREATE TABLE bands (a)")
    assert "is not Koito's: it holds bands, songs" in str(refusal(other))
    text = tmp_path / "text.db"
    text.write_text("This is not a database at all. " * 100)
    with pytest.raises(DatabaseError, match=r"text\.db: file is not a database\. Give the path"):
        connect(text)


def test_a_path_that_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    with pytest.raises(DatabaseError, match=r"none\.db does not exist"):
        check_path(tmp_path / "none.db")
    with pytest.raises(DatabaseError, match="is a folder"):
        check_path(tmp_path)
    monkeypatch.setattr("etl.targets.sqlite.describe.file_system", lambda _: "nfs4")
    with pytest.raises(DatabaseError, match=r"network file system \(nfs4\)"):
        check_path(file)
    monkeypatch.setattr("os.access", lambda path, _: path != file.parent)
    with pytest.raises(DatabaseError, match="cannot be written"):
        check_path(file)


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"2 1 0:50 / {tmp_path.resolve()}/a\\040share rw - nfs4 host:/x rw,vers=4.2\n"
        "3 1 0:51 / /elsewhere rw - cifs //host/x rw\n"
    )
    assert file_system(tmp_path / "a share" / "koito.db", mounts) == "nfs4"
    assert file_system(tmp_path / "koito.db", mounts) == "ext4"
    assert file_system(tmp_path / "koito.db", tmp_path / "none") is None


def test_a_file_without_our_tables_is_refused_with_the_command(new_file: Path, tmp_path: Path) -> None:
    target = SqliteTarget(f"sqlite:///{new_file}", tmp_path)
    with pytest.raises(DatabaseError, match=r"lacks 9 of our migrations\. Run `etl db migrate`"):
        target.open()
    connection, database = target.open(read_only=True)
    connection.close()
    assert not database.has_migrations


def test_migrate_says_what_it_adds(new_file: Path, tmp_path: Path) -> None:
    target = SqliteTarget(f"sqlite:///{new_file}", tmp_path)
    with pytest.raises(SettingsError, match="--standalone is for PostgreSQL"):
        target.migrate(lambda _: None, standalone=True)
    said: list[Migration] = []
    assert target.migrate(said.append, standalone=False) == said == migrations()
    assert [migration.summary for migration in said if not migration.summary.startswith("Table etl_")] == []
    connection, database = target.open()
    connection.close()
    assert database.has_lookup


def test_a_changed_or_unknown_migration_is_refused(file: Path) -> None:
    first, *rest = migrations()
    changed = Migration(first.version, first.name, first.text + " ")
    with pytest.raises(DatabaseError, match=r"migration 0001 \(runs\) is not the one that was applied"):
        migrate(file, known=[changed, *rest])
    with pytest.raises(DatabaseError, match="has migration 9, which this program does not know"):
        migrate(file, known=[first, *rest[:-1]])


def test_a_failed_migration_leaves_nothing(file: Path) -> None:
    before = run_on(file, SCHEMA)
    broken = Migration(99, "broken", "CREATE TABLE etl_runs (a)")
    with pytest.raises(DatabaseError, match="already exists"):
        migrate(file, known=[*migrations(), broken])
    assert run_on(file, SCHEMA) == before


def test_uninstall_is_one_statement_that_names_our_tables() -> None:
    text = statement("sqlite", "uninstall")
    made = [name for one in migrations() for name in re.findall(r"CREATE TABLE (\w+)", one.text)]
    assert len(made) == 4
    assert [name for name in made if f"'{name}'" not in text] == []
