"""The seam to the databases: no module above ``etl.targets`` knows what only one of them has."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from etl.core.statements import statement, statements
from etl.targets.results import RESULTS
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from etl.core.statements import Dialect

ABOVE = [
    path
    for path in sorted((ROOT / "etl").rglob("*.py"))
    if path.relative_to(ROOT / "etl").parts[0] not in ("targets", "core")
]
FORBIDDEN = {
    "an error code": r"(?i)sqlstate|[\"'](23505|23503|42P01|40001|40P01|53100)[\"']",
    "a kind of lock": r"(?i)advisory|pg_locks|BEGIN IMMEDIATE|data_version",
    "an array parameter": r"(?i)unnest\(\$|json_each|\.implode\(\)\.alias\([\"']p",
    "how an MBID is stored": r"(?i)fromhex|uuid\.UUID|\.decode\([\"']hex[\"']\)",
    "our schema": r"(FROM|INTO|UPDATE) etl\.|\betl_(runs|files|batches|migrations)\b",
    "the driver": r"adbc_|psycopg",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_module_above_the_seam_knows(what: str) -> None:
    known = [(str(path.relative_to(ROOT)), found[0]) for path in ABOVE if (found := _found(path, FORBIDDEN[what]))]
    assert known == []


def _found(path: Path, pattern: str) -> re.Match[str] | None:
    return re.search(pattern, path.read_text(encoding="utf-8"))


def test_every_statement_asked_for_above_the_seam_declares_its_columns() -> None:
    asked = {
        call.args[0].value
        for path in ABOVE
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "query"
        if isinstance(call.args[0], ast.Constant)
    }
    assert len(asked) > 10
    assert asked <= set(RESULTS)


ONLY_POSTGRES = {
    "open_session": "a session of SQLite is set up by pragmas, and is nobody else's",
    "repair_session": "a session of SQLite is set up by pragmas, and is nobody else's",
    "busy_backends": "a server may hang",
    "blockers": "the system tells who has a file locked",
    "batch_lock": "SQLite has one writer at a time",
    "begin_dry_run": "a pragma",
    "suspend_foreign_keys": "SQLite checks foreign keys fast enough by itself",
    "sequences_behind": "SQLite has no sequences",
    "missing_references": "SQLite checks foreign keys fast enough by itself",
    "migrations_lock": "the write lock",
    "migrations_schema": "SQLite has no schemas",
    "round_lock": "the version of the data takes its place",
    "run_lock": "a lock file",
    "run_lock_exclusive": "a lock file",
    "active_runs": "a lock file",
    "run_lock_try_exclusive": "a lock file",
    "sessions": "a file has no server",
    "undo_suspend_foreign_keys": "every foreign key of Koito's file has an index",
    "submit_cached_crediting": "SQLite changes no data within a query",
    "submit_cached_enriching": "SQLite changes no data within a query",
    "verify/dangling_references": "SQLite looks for them by itself: verify/broken_references",
    "verify/torn_lookups": "SQLite reads the album and artist of a key from its track",
}
ONLY_SQLITE = {
    "backup": "PostgreSQL is backed up by pg_dump",
    "status": "of a server, the embedded server's own status is shown",
    "submit_enrich_artists": "part of PostgreSQL's submit_cached_crediting",
    "submit_enrich_release": "part of PostgreSQL's submit_cached_enriching",
    "submit_enrich_track": "part of PostgreSQL's submit_cached_enriching",
    "submit_listen": "part of PostgreSQL's submit_cached_enriching",
    "submit_listen_by_key": "PostgreSQL's submit_cached; SQLite's gives the result of all",
    "submit_user": "part of PostgreSQL's submit_cached_crediting",
    "undo_lookups": "in PostgreSQL a key goes with its track",
    "undo_vouch": "in PostgreSQL triggers keep a key true",
    "verify/broken_references": "PostgreSQL never stores one",
    "verify/integrity": "a server's files are its own",
    "verify/unvouched_lookups": "in PostgreSQL triggers keep a key true",
    "verify/wrong_types": "PostgreSQL never stores one",
    "create_lookup_stage": "PostgreSQL appends keys to their table, which needs no witness",
    "empty_lookup_stage": "PostgreSQL appends keys to their table, which needs no witness",
    "empty_stage": "PostgreSQL empties a temporary table by itself",
    "store_lookups": "a key needs a listen that vouches for it; in PostgreSQL triggers keep it true",
}


def _names(dialect: Dialect) -> set[str]:
    folder = ROOT / "sql" / dialect
    files = {path.relative_to(folder).with_suffix("") for path in folder.rglob("*.sql")}
    return {path.as_posix() for path in files if path.parts[0] != "migrations"}


def test_both_dialects_have_the_same_statements() -> None:
    assert _names("postgres") - _names("sqlite") == set(ONLY_POSTGRES)
    assert _names("sqlite") - _names("postgres") == set(ONLY_SQLITE)


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_every_declared_statement_exists(dialect: Dialect) -> None:
    other = ONLY_POSTGRES if dialect == "sqlite" else ONLY_SQLITE
    assert [name for name in RESULTS if name not in other and not statement(dialect, name)] == []
    assert {f"verify/{name}" for name in statements(dialect, "verify")} <= set(RESULTS)
