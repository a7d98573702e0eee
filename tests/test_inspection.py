"""Questions to a run: named queries and SQL over one view per Parquet file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from etl import report
from etl.artifacts import RunDirectory, create_run
from etl.errors import InputError, SettingsError
from etl.inspection import ask, named_queries, view_sizes
from etl.schema import KEYS, LISTENS, REJECTS, RUN_FILES, SKIPPED, TIME, conform, empty
from tests.frames import NOW, START, at, listens

if TYPE_CHECKING:
    from pathlib import Path

QUERIES = [query.name for query in named_queries()]
IDS = pl.Schema({name: KEYS[name] for name in KEYS if name not in ("listens", "spellings")})

# What the named queries answer about the run that ``filled`` makes.
ANSWERS = {
    "accounting": [
        *[("already_present", 1), ("duplicate_in_input", 1), ("inserted", 2)],
        *[("rejected", 1), ("skipped", 3), ("unresolved", 1)],
    ],
    "by_year": [
        *[(2019, "already_present", 1), (2020, "duplicate_in_input", 1), (2020, "inserted", 2)],
        (2020, "unresolved", 1),
    ],
    "not_loaded": [
        ("a.json", "skipped", "podcast", 2),
        ("a.json", "skipped", "too_short", 1),
        ("b.json", "rejected", "bad_time", 1),
        ("b.json", "unresolved", "refused", 1),
    ],
    "remove_account_twins": [],
    "spellings": [("ann\x1fone\x1f", ["Ann / ONE / ", "Ann / One / "], 3)],
    "top_artists": [("Ann", 3, 2), ("Bo", 2, 2)],
    "top_tracks": [
        *[("Ann", "One", None, 2), ("Ann", "ONE", None, 1), ("Bo", "Two", "Hits", 1)],
        ("Bo feat. Cy", "Three", None, 1),
    ],
}


@pytest.fixture
def bare(tmp_path: Path) -> RunDirectory:
    run = create_run(tmp_path, "maloja", NOW)
    for name, schema in RUN_FILES.items():
        run.write_frame(name, empty(schema))
    return run


@pytest.fixture
def filled(bare: RunDirectory) -> RunDirectory:
    skipped = [("a.json", 1, "podcast"), ("a.json", 2, "podcast"), ("a.json", 3, "too_short")]
    rejects = [("b.json", 1, 17, 4, "bad_time", "time: x", '{"time": "x"}')]
    frame = pl.concat(
        [
            listens({"row": 4}, {"row": 5, "track": "ONE"}, {"row": 6, "listened_at": at(-1)}, file="a.json"),
            listens(
                {"row": 2, "artist": "Bo", "track": "Two", "album": "Hits"},
                {"row": 3, "artist": "Bo feat. Cy", "track": "Three"},
                file="b.json",
            ),
        ]
    )
    ids = [
        ("ann\x1fone\x1f", "hit", None, 1, 1, 1),
        ("bo\x1ftwo\x1fhits", "resolved", None, 2, 2, 2),
        ("bo feat. cy\x1fthree\x1f", "failed", "refused", None, None, None),
    ]
    keys = report.make_keys(report.spellings(frame), pl.DataFrame(ids, IDS, orient="row"))
    pairs = pl.Schema([("track_id", pl.Int32), ("listened_at", TIME)])
    inserted = pl.DataFrame([(1, START), (2, START)], pairs, orient="row")
    bare.write_frame("skipped", pl.DataFrame(skipped, SKIPPED, orient="row"))
    bare.write_frame("rejects", pl.DataFrame(rejects, REJECTS, orient="row"))
    bare.write_frame("listens", conform(frame, LISTENS))
    bare.write_frame("keys", keys)
    bare.write_frame("outcome", report.make_outcome(frame, keys, inserted, empty(pairs)))
    return bare


def test_every_named_query_has_an_answer_here() -> None:
    assert set(ANSWERS) == set(QUERIES)
    assert sorted(QUERIES) == QUERIES


@pytest.mark.parametrize("name", QUERIES)
def test_a_named_query_answers(filled: RunDirectory, name: str) -> None:
    answer = ask(filled, name)
    assert answer.rows == ANSWERS[name]
    assert all(len(row) == len(answer.columns) for row in answer.rows)
    assert ask(filled, f" {name}\n") == answer


@pytest.mark.parametrize("name", QUERIES)
def test_a_named_query_runs_on_a_run_without_rows(bare: RunDirectory, name: str) -> None:
    answer = ask(bare, name)
    assert answer.columns
    assert answer.rows == ([("rejected", 0), ("skipped", 0)] if name == "accounting" else [])


def test_a_named_query_says_what_it_answers_in_a_line() -> None:
    for query in named_queries():
        assert query.about
        assert query.text.startswith(f"-- {query.about}\n")


def test_there_is_a_view_per_file_named_after_it(filled: RunDirectory) -> None:
    assert [
        name for (name,) in ask(filled, "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").rows
    ] == (sorted(RUN_FILES))
    assert view_sizes(filled) == {"listens": 5, "skipped": 3, "rejects": 1, "keys": 3, "outcome": 5}
    for name, schema in RUN_FILES.items():
        assert ask(filled, f"FROM {name}").columns == schema.names()


def test_a_run_that_ended_early_has_the_views_that_there_are(filled: RunDirectory) -> None:
    (filled.path / "outcome.parquet").unlink()
    assert list(view_sizes(filled)) == ["listens", "skipped", "rejects", "keys"]
    with pytest.raises(SettingsError, match="outcome"):
        ask(filled, "FROM outcome")


def test_a_run_without_files_did_not_come_to_its_end(tmp_path: Path) -> None:
    run = create_run(tmp_path, "maloja", NOW)
    for question in (lambda: ask(run, "SELECT 1"), lambda: view_sizes(run)):
        with pytest.raises(InputError, match="did not come to its end"):
            question()


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "SELECT nothing FROM listens", "FROM nowhere", "SELECT 1/'x'::INT", "top_artist"]
)
def test_sql_that_is_refused_is_the_users_error_with_duckdbs_words(filled: RunDirectory, sql: str) -> None:
    with pytest.raises(SettingsError, match=r"the query failed: .*Error") as caught:
        ask(filled, sql)
    assert "etl inspect" in caught.value.hint


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT min(listened_at), row FROM listens GROUP BY row HAVING row = 6", [("2019-12-31 23:59:59+00", 6)]),
        ("SELECT [listened_at] FROM listens WHERE row = 4", [("['2020-01-01 00:00:00+00']",)]),
        ("SELECT TIMESTAMPTZ '2020-01-01 01:00:00+02'", [("2019-12-31 23:00:00+00",)]),
        ("SELECT artists FROM listens WHERE row = 3", [(["Bo", "Cy"],)]),
        ("SELECT row FROM listens ORDER BY row DESC LIMIT 2", [(6,), (5,)]),
        ("SELECT artist = '\"Weird Al\" Yankovic' FROM listens LIMIT 1", [(False,)]),
        ("SELECT listened_at AS \"a\"\"b\" FROM listens WHERE row = 4", [("2020-01-01 00:00:00+00",)]),
        ("SELECT 1 AS x, 2 AS x", [(1, 2)]),
        ("SELECT a.row, b.row FROM listens a, listens b WHERE a.row = 4 AND b.row = 5", [(4, 5)]),
        ("CREATE VIEW v AS SELECT 1", []),
        ("", []),
    ],
)  # fmt: skip
def test_sql_is_answered_with_times_that_people_can_read(filled: RunDirectory, sql: str, rows: list[object]) -> None:
    assert ask(filled, sql).rows == rows


def test_a_question_changes_nothing_for_the_next_one(filled: RunDirectory) -> None:
    ask(filled, "DROP VIEW listens")
    assert ask(filled, "SELECT count(*) FROM listens").rows == [(5,)]


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    run = create_run(tmp_path / "it's a 'home' [*?]", "maloja", NOW)
    run.write_frame("skipped", pl.DataFrame([("a.json", 1, "podcast")], SKIPPED, orient="row"))
    assert ask(run, "SELECT reason FROM skipped").rows == [("podcast",)]
