"""docs/files.md describes what a run really leaves behind, and its queries run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from etl.core.schema import FILES_OF_SOME_RUNS, RUN_FILES, FileStatus, KeyStatus, Outcome, RunStatus
from tests.conftest import new_database, uri_of
from tests.docs.pages import DOCS, ROOT, blocks
from tests.docs.words import COLUMNS, WORDS
from tests.helpers.support import load

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (DOCS / "files.md").read_text(encoding="utf-8")
QUERIES = blocks(TEXT, "sql")


@pytest.fixture(scope="module")
def run(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run of the samples, and of files with everything that can be broken."""
    home = tmp_path_factory.mktemp("home")
    with new_database(server, template) as name:
        manifest = load(home, uri_of(server, name), ROOT / "data" / "samples", ROOT / "tests" / "formats" / "cases")
    return home / "runs" / str(manifest["run_id"])


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split()[1].strip("',()"))
def test_a_query_answers_from_the_folder_of_a_run(query: str, run: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET file_search_path = $1", [f"{run},{run.parent}"])
        assert connection.sql(query).fetchall()


def test_every_column_is_described() -> None:
    assert {name: list(columns) for name, columns in COLUMNS.items()} == {
        name: schema.names() for name, schema in {**RUN_FILES, **FILES_OF_SOME_RUNS}.items()
    }


@pytest.mark.parametrize("name", [*RUN_FILES, *FILES_OF_SOME_RUNS])
def test_only_columns_that_may_be_null_are(name: str, run: Path) -> None:
    nulls = pl.read_parquet(run / f"{name}.parquet").null_count().row(0, named=True)
    may_be = {column for column, described in COLUMNS[name].items() if described.nullable}
    assert {column for column, count in nulls.items() if count} <= may_be


def test_every_word_has_a_meaning_and_every_meaning_a_word() -> None:
    assert {kind: set(meanings) for kind, meanings in WORDS.items()} == {
        kind: set(kind) for kind in (Outcome, KeyStatus, FileStatus, RunStatus)
    }


def test_every_key_of_run_json_is_explained(run: Path) -> None:
    manifest = json.loads((run / "run.json").read_text(encoding="utf-8"))
    table = TEXT.partition("| key | holds |")[2].partition("\n\n")[0]
    first_column = "".join(line.split("|")[1] for line in table.splitlines()[2:])
    assert sorted(re.findall(r"`(\w+)`", first_column)) == sorted(manifest)
