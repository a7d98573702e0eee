"""Which databases are refused, and the reason that is named; a refusal leaves nothing behind."""

from __future__ import annotations

import pytest

from etl.core.errors import DatabaseError
from etl.targets.postgres.migrate import migrate, migrations
from tests.helpers.support import execute, objects


def _refusal(uri: str, *, standalone: bool = False) -> DatabaseError:
    """Return the error that migrating ends with, after seeing that it left nothing behind."""
    before = objects(uri)
    with pytest.raises(DatabaseError) as caught:
        migrate(uri, standalone=standalone)
    assert objects(uri) == before
    return caught.value


def test_an_empty_database_is_refused_until_it_has_koitos_tables(empty_database: str) -> None:
    error = _refusal(empty_database)

    assert "is empty" in error.message
    assert "Start Koito once first" in error.hint
    assert "etl db migrate --standalone" in error.hint
    assert migrate(empty_database, standalone=True) == migrations()


def test_another_programs_database_is_refused_by_its_tables_names(empty_database: str) -> None:
    execute(empty_database, "CREATE TABLE invoices (id integer); CREATE SCHEMA shop; CREATE TABLE shop.customers ()")

    for standalone in (False, True):
        assert "is not Koito's: it holds customers, invoices" in _refusal(empty_database, standalone=standalone).message


@pytest.mark.parametrize("path", ["", "-csearch_path%3Down"])
def test_koitos_tables_in_another_schema_are_refused_by_its_name(koito_database: str, path: str) -> None:
    execute(koito_database, "ALTER SCHEMA public RENAME TO own; CREATE SCHEMA public")
    uri = f"{koito_database}{'&' if '?' in koito_database else '?'}options={path}" if path else koito_database

    for standalone in (False, True):
        error = _refusal(uri, standalone=standalone)
        assert 'are in schema "own"; etl loads only into schema "public"' in error.message
        assert "Give each listener a database" in error.hint


def test_another_programs_goose_record_is_not_taken_for_koitos(empty_database: str) -> None:
    execute(
        empty_database,
        "CREATE TABLE invoices (id integer); CREATE TABLE goose_db_version (version_id bigint, is_applied boolean);"
        "INSERT INTO goose_db_version VALUES (12, true)",
    )

    error = _refusal(empty_database)

    assert "is not Koito's: it holds goose_db_version, invoices" in error.message


def test_some_of_koitos_tables_are_not_koito(koito_database: str) -> None:
    execute(koito_database, "DROP TABLE sessions")

    assert "is not Koito's" in _refusal(koito_database, standalone=True).message


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ("DELETE FROM goose_db_version WHERE version_id = 5", 4),
        ("UPDATE goose_db_version SET is_applied = false WHERE version_id = 5", 4),
        ("INSERT INTO goose_db_version (version_id, is_applied) VALUES (6, true)", 6),
    ],
)
def test_another_version_of_koito_is_refused_with_its_number(koito_database: str, change: str, version: int) -> None:
    execute(koito_database, change)

    for standalone in (False, True):
        error = _refusal(koito_database, standalone=standalone)
        assert f"are at version {version}, not 5" in error.message
        assert "v0.1.10" in error.hint


def test_koitos_tables_without_a_goose_record_are_refused(koito_database: str) -> None:
    execute(koito_database, "DROP TABLE goose_db_version")

    error = _refusal(koito_database)

    assert "has Koito's tables, but not its goose_db_version" in error.message
    assert [one.name for one in migrate(koito_database, standalone=True)] == [
        "ledger",
        "track_lookup",
        "edits_wait",
        "undo",
        "settled_for",
        "numbers",
    ]


def test_a_schema_of_somebody_else_called_etl_is_not_taken_over(koito_database: str) -> None:
    execute(koito_database, "CREATE SCHEMA etl; CREATE TABLE etl.somebodys (id integer)")

    assert 'has a schema "etl" of another program' in _refusal(koito_database).message
