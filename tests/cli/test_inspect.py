"""``etl inspect RUN`` and ``etl runs`` look into what a run left behind."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from etl.core.queries import named_queries
from etl.core.schema import RUN_FILES
from tests.cli.program import etl, on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples

QUERIES = [query.name for query in named_queries("run")]


def test_views_and_queries_are_listed(loaded: LoadedSamples) -> None:
    name = loaded.manifest["run_id"]
    listed = etl("inspect", name, "--json", home=loaded.home).json
    counts = loaded.manifest["counts"]
    assert listed["run_id"] == name
    assert list(listed["queries"]) == QUERIES
    assert list(listed["views"]) == [*RUN_FILES, "likely_doubles", "plays", "files", "timings"]
    assert (listed["views"]["plays"], listed["views"]["files"]) == (counts["inserted"], len(loaded.manifest["files"]))
    assert [listed["views"][view] for view in ("skipped", "rejects", "keys")] == [
        counts[term] for term in ("skipped", "rejected", "keys")
    ]
    out = etl("inspect", name, home=loaded.home).out
    assert [word for word in (*listed["views"], *QUERIES) if word not in out] == []
    assert out.endswith(f' inspect {name} --ddl)"\n')


def test_the_statements_that_make_the_views_are_printed(loaded: LoadedSamples) -> None:
    arguments = ("inspect", loaded.manifest["run_id"], "--ddl")
    out = etl(*arguments, home=loaded.home).out
    assert etl(*arguments, "--json", home=loaded.home).json == {"ddl": out}
    with duckdb.connect() as shell:
        shell.execute(out)
        assert shell.table("plays").count("*").fetchall() == [(loaded.manifest["counts"]["inserted"],)]


@pytest.mark.parametrize("query", QUERIES)
def test_every_named_query_runs_on_a_run_of_the_samples(query: str, loaded: LoadedSamples) -> None:
    done = etl("inspect", loaded.manifest["run_id"], "--sql", query, home=loaded.home)
    assert (done.code, done.err) == (0, "")
    assert set(done.out.splitlines()[1]) <= {"-", " "}


def test_the_accounting_is_that_of_the_run(loaded: LoadedSamples) -> None:
    rows = etl("inspect", loaded.manifest["run_id"], "--sql", "accounting", "--json", home=loaded.home).json
    counts = loaded.manifest["counts"]
    assert {row["term"]: row["records"] for row in rows} == {
        term: counts[term] for term in ("skipped", "rejected", "inserted", "duplicate_in_input")
    }


def test_cells_are_readable(loaded: LoadedSamples) -> None:
    query = (
        "SELECT min(listened_at) AS time, 2024 AS year, 1234567 AS id, NULL AS nothing, true AS yes,"
        " ['A', 'B'] AS names, 'a' || chr(31) || 'b' AS key, 0.5 AS half, DATE '2024-02-29' AS day FROM listens"
    )
    arguments = ("inspect", loaded.manifest["run_id"], "--sql", query)
    assert etl(*arguments, home=loaded.home).out.splitlines() == [
        "time                    year       id  nothing  yes   names  key  half  day",
        "----------------------  ----  -------  -------  ----  -----  ---  ----  ----------",
        "2005-02-13 10:20:00+00  2024  1234567           true  A, B   a␟b   0.5  2024-02-29",
    ]
    (shown,) = etl(*arguments, "--json", home=loaded.home).json
    assert shown == {
        "time": "2005-02-13 10:20:00+00",
        "year": 2024,
        "id": 1234567,
        "nothing": None,
        "yes": True,
        "names": ["A", "B"],
        "key": "a\x1fb",
        "half": 0.5,
        "day": "2024-02-29",
    }


def test_values_that_json_does_not_know_become_text_wherever_they_are(loaded: LoadedSamples) -> None:
    parts = (
        "'nan'::DOUBLE AS nan",
        "[1.5, NULL] AS parts",
        "{'day': DATE '2024-02-29'} AS nested",
        "'a'::BLOB AS bytes",
    )
    query = f"SELECT {', '.join(parts)}"
    (row,) = etl("inspect", "latest", "--sql", query, "--json", home=loaded.home).json
    assert row == {"nan": "nan", "parts": [1.5, None], "nested": {"day": "2024-02-29"}, "bytes": "b'a'"}


def test_columns_of_one_name_are_all_there(loaded: LoadedSamples) -> None:
    arguments = ("inspect", "latest", "--sql", "SELECT 1 AS a, 2 AS a")
    assert etl(*arguments, "--json", home=loaded.home).json == [{"a": 1, "a_2": 2}]
    assert etl(*arguments, home=loaded.home).out == "a  a\n-  -\n1  2\n"


@pytest.mark.parametrize("query", ["SELECT nope FROM listens", "top_artist", "SELECT 1/", "COPY listens TO '/'"])
def test_sql_that_fails_ends_with_2_and_says_why(query: str, loaded: LoadedSamples) -> None:
    done = etl("inspect", "latest", "--sql", query, home=loaded.home)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("etl: error: ")
    assert "etl inspect" in done.err
    assert "Traceback" not in done.err


def test_an_answer_is_given_as_csv_or_parquet(loaded: LoadedSamples, tmp_path: Path) -> None:
    name = loaded.manifest["run_id"]
    query = (
        "SELECT 'a, \"b\"' AS text, [1, 2] AS list, NULL AS nothing, true AS yes, 1.5 AS half, 'x' || chr(10) AS line"
    )
    done = etl("inspect", name, "--sql", query, "--csv", home=loaded.home)
    assert done.out == 'text,list,nothing,yes,half,line\n"a, ""b""","[1, 2]",,true,1.5,"x\n"\n'
    path = tmp_path / "out.parquet"
    done = etl("inspect", name, "--sql", "top_artists", "--parquet", path, home=loaded.home)
    assert (done.code, done.out) == (0, "")
    assert f"{path}: 20 rows" in done.err
    shown = etl("inspect", name, "--sql", "top_artists", "--json", home=loaded.home).json
    assert pl.read_parquet(path).to_dicts() == shown


@pytest.mark.parametrize(
    "options",
    [("--csv",), ("--parquet", "x"), ("--csv", "--json", "--sql", "totals"), ("--ddl", "--sql", "totals")],
    ids=" ".join,
)
def test_ways_to_give_an_answer_that_make_no_sense_are_refused(options: tuple[str, ...], loaded: LoadedSamples) -> None:
    done = etl("inspect", "latest", *options, home=loaded.home)
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("form", [(), ("--csv",)], ids=["table", "csv"])
def test_a_name_does_nothing_to_a_terminal(form: tuple[str, ...], loaded: LoadedSamples) -> None:
    query = "SELECT chr(27) || '[31m' || chr(8238) || '[bold]x[/bold]' AS artist"
    shown = on_terminal(80, "inspect", "latest", "--sql", query, *form, home=loaded.home)
    assert shown[-1] == "␛[31m\ufffd[bold]x[/bold]"


def test_runs_are_listed_with_those_that_did_not_end(loaded: LoadedSamples, tmp_path: Path) -> None:
    home = shutil.copytree(loaded.home, tmp_path / "home")
    unfinished = home / "runs" / "20200101T000000Z-auto-000000"
    unfinished.mkdir()
    lines = etl("runs", "list", home=home).out.splitlines()
    assert lines[0].split() == ["run", "started", "target", "sources", "files", "inserted", "status", "exit", "seconds"]
    started = datetime(2020, 1, 1, tzinfo=UTC).astimezone()
    assert lines[2].split() == [unfinished.name, *f"{started:%Y-%m-%d %H:%M}".split(), "auto", "0", "unfinished"]
    inserted = str(loaded.manifest["counts"]["inserted"])
    assert [loaded.manifest["run_id"], inserted, "complete", "0"] == [
        word for word in lines[3].split() if word in (loaded.manifest["run_id"], inserted, "complete", "0")
    ]
    listed = etl("runs", "list", "--json", home=home).json
    assert [run["status"] for run in listed] == ["unfinished", "complete"]


def test_without_runs_the_list_is_empty(tmp_path: Path) -> None:
    assert etl("runs", "list", "--json", home=tmp_path).json == []
    assert etl("runs", "list", home=tmp_path).code == 0


@pytest.mark.parametrize("part", [slice(0, 16), slice(-6, None)], ids=["beginning", "end"])
def test_a_run_is_found_by_a_part_of_its_name(part: slice, loaded: LoadedSamples) -> None:
    shown = etl("runs", "show", loaded.manifest["run_id"][part], "--json", home=loaded.home)
    assert shown.json == loaded.manifest
