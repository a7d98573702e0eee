"""Queries of a run: named queries and SQL over one view per Parquet file."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from etl.core.errors import InputError, SettingsError
from etl.core.queries import named_queries
from etl.core.schema import (
    COUNTS,
    DUPLICATES,
    FILES_OF_SOME_RUNS,
    KEPT_DOUBLES,
    KEYS,
    LIKELY_DOUBLES,
    LISTENS,
    REJECTS,
    RUN_FILES,
    SKIPPED,
    TIME,
    conform,
    empty,
)
from etl.runs import accounting
from etl.runs.directory import RunDirectory, create_run
from etl.runs.inspect import ask, opened, save, views
from tests.helpers.frames import NOW, START, at, listens

if TYPE_CHECKING:
    from pathlib import Path

QUERIES = [query.name for query in named_queries("run")]
IDS = pl.Schema({name: KEYS[name] for name in KEYS if name not in ("listens", "spellings")})

# What the named queries answer about the run that ``filled`` makes.
ANSWERS = {
    "accounting": [
        *[("already_present", 1), ("duplicate_in_input", 1), ("inserted", 2)],
        *[("rejected", 1), ("skipped", 3), ("unresolved", 1)],
    ],
    "busiest_days": [(date(2020, 1, 1), 3, 2), (date(2019, 12, 31), 1, 1)],
    "by_month": [(date(2019, 12, 1), 1, 1, 1), (date(2020, 1, 1), 3, 2, 3)],
    "by_weekday_and_hour": [(2, 23, 1), (3, 0, 3)],
    "by_year": [
        *[(2019, "already_present", 1), (2020, "duplicate_in_input", 1), (2020, "inserted", 2)],
        (2020, "unresolved", 1),
    ],
    "likely_doubles": [
        (
            *("Ann", "Ann", "One", "ONE", "2019-12-31 23:59:59+00", "2020-01-01 00:00:02+00", "Maloja", "Last.fm", 3),
            *("Last.fm, 3 s apart (both times are starts)", "already_present", "a.json", 6, "c.json:1"),
        ),
        (
            *("Ann", None, "Two", None, "2020-01-01 00:00:05+00", "2020-01-01 00:00:02+00", "Maloja", None, 3),
            *("another program, 3 s apart (both times are starts)", "skipped", "a.json", 3, "database!7:1577836802"),
        ),
    ],
    "new_artists": [(date(2019, 12, 1), 1), (date(2020, 1, 1), 1)],
    "not_loaded": [
        ("a.json", "skipped", "podcast", 2),
        ("a.json", "skipped", "too_short", 1),
        ("b.json", "rejected", "bad_time", 1),
        ("b.json", "unresolved", "refused", 1),
    ],
    "rejects_by_file": [("b.json", "bad_time", 1, 1, "time: x")],
    "skips": [("podcast", 2, 1), ("too_short", 1, 1)],
    "slowest_steps": [("load", 1.5, 75.0), ("look_up", 0.5, 25.0)],
    "spellings": [("ann\x1fone\x1f", ["Ann / ONE / ", "Ann / One / "], 3)],
    "top_albums": [("Hits", "Bo", 1, 1)],
    "top_artists": [("Ann", 2, 1), ("Bo", 2, 2)],
    "top_tracks": [("Ann", "One", None, 2), ("Bo", "Two", "Hits", 1), ("Bo feat. Cy", "Three", None, 1)],
    "totals": [(4, 2, 1, 3, 2, "2019-12-31 23:59:59+00", "2020-01-01 00:00:00+00")],
}


@pytest.fixture
def bare(tmp_path: Path) -> RunDirectory:
    run = create_run(tmp_path, "maloja", NOW)
    for name, schema in RUN_FILES.items():
        run.write_frame(name, empty(schema))
    run.write_manifest({"timings": {}, "files": []})
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
    keys = accounting.make_keys(accounting.spellings(accounting.spelled(frame)), pl.DataFrame(ids, IDS, orient="row"))
    pairs = pl.Schema([("track_id", pl.Int32), ("listened_at", TIME)])
    inserted = pl.DataFrame([(1, START), (2, START)], pairs, orient="row")
    bare.write_frame("skipped", pl.DataFrame(skipped, SKIPPED, orient="row"))
    bare.write_frame("rejects", pl.DataFrame(rejects, REJECTS, orient="row"))
    bare.write_frame("listens", conform(frame, LISTENS))
    bare.write_frame("keys", keys)
    double = pl.DataFrame([("a.json", 6, "c.json:1", None)], KEPT_DOUBLES, orient="row")
    outcome = accounting.make_outcome(frame, keys, inserted, empty(pairs))
    bare.write_frame("outcome", accounting.with_doubles(outcome, empty(DUPLICATES), double))
    doubles = [
        (
            *("a.json", 6, at(-1), "Ann", "One", "Maloja", "c.json:1", at(2), "Ann", "ONE", "Last.fm"),
            *(3, "Last.fm, 3 s apart (both times are starts)"),
        ),
        (
            *("a.json", 3, at(5), "Ann", "Two", "Maloja", "database!7:1577836802", at(2), None, None, None),
            *(3, "another program, 3 s apart (both times are starts)"),
        ),
    ]
    bare.write_frame("likely_doubles", pl.DataFrame(doubles, LIKELY_DOUBLES, orient="row"))
    files = [
        {"path": name, "sha256": "0", "format": None, "status": "loaded", "reason": "", "counts": {"records": records}}
        for name, records in (("a.json", 6), ("caf\udce9 \\udce9.json", 3))
    ]
    bare.write_manifest({"timings": {"look_up": 0.5, "load": 1.5}, "files": files})
    return bare


def sizes(run: RunDirectory) -> dict[str, int]:
    with opened(run) as session:
        return session.sizes()


def ddl(run: RunDirectory) -> str:
    with opened(run) as session:
        return session.ddl()


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
    without = {"accounting": [("rejected", 0), ("skipped", 0)], "totals": [(0, 0, 0, 0, 0, None, None)]}
    assert answer.rows == without.get(name, [])


def test_white_space_around_the_name_of_a_query_changes_nothing(filled: RunDirectory) -> None:
    assert ask(filled, " top_tracks\n") == ask(filled, "top_tracks")


def test_a_named_query_says_what_it_answers_in_a_line() -> None:
    for query in named_queries("run"):
        assert query.about
        assert query.text.startswith(f"-- {query.about}\n")


SIZES = {
    "listens": 5,
    "skipped": 3,
    "rejects": 1,
    "keys": 3,
    "outcome": 5,
    "likely_doubles": 2,
    "plays": 4,
    "files": 2,
    "timings": 2,
}


def test_there_is_a_view_per_file_named_after_it_and_three_more(filled: RunDirectory) -> None:
    assert [
        name for (name,) in ask(filled, "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").rows
    ] == (sorted(SIZES))
    assert sizes(filled) == SIZES
    for name, schema in {**RUN_FILES, **FILES_OF_SOME_RUNS}.items():
        assert ask(filled, f"FROM {name}").columns == schema.names()
    assert list(views()) == list(SIZES)
    assert all(view.about for view in views().values())


def test_what_run_json_says_of_files_and_steps_is_there(filled: RunDirectory) -> None:
    answer = ask(filled, "FROM files")
    assert answer.columns == ["path", "sha256", "format", "status", "reason", *COUNTS]
    assert [row[0] for row in answer.rows] == ["a.json", "caf\ufffd \\ufffd.json"]  # a name that is not UTF-8
    assert ask(filled, "SELECT path, status, records, skipped FROM files LIMIT 1").rows == [
        ("a.json", "loaded", 6, None)
    ]
    assert ask(filled, "FROM timings").rows == [("look_up", 0.5), ("load", 1.5)]


def test_a_listen_that_another_row_repeats_counts_once(filled: RunDirectory) -> None:
    assert ask(filled, "SELECT file, row FROM plays ORDER BY ALL").rows == [
        ("a.json", 4), ("a.json", 6), ("b.json", 2), ("b.json", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("folder", ["plain", 'it\'s "a" $HOME `id` \\n [*?] {x}, y', "history!"])
def test_the_statements_make_the_same_views_in_duckdbs_own_shell(folder: str, filled: RunDirectory) -> None:
    moved = RunDirectory(filled.path.rename(filled.path.with_name(folder)))
    with duckdb.connect() as fresh:
        fresh.execute(ddl(moved))
        found = {name: fresh.table(name).count("*").fetchall()[0][0] for name in SIZES}
        assert found == SIZES == sizes(moved)
        for name in SIZES:
            assert fresh.table(name).columns == ask(moved, f"FROM {name}").columns
        assert fresh.sql("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_the_statements_make_the_views_of_the_files_that_there_are(filled: RunDirectory) -> None:
    (filled.path / "outcome.parquet").unlink()
    (filled.path / "run.json").unlink()
    assert re.findall(r"CREATE VIEW (\w+)", ddl(filled)) == [
        *("listens", "skipped", "rejects", "keys", "likely_doubles")
    ]


def test_an_answer_is_saved_as_parquet_with_its_types(filled: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "it's [an] answer.parquet"
    query = 'SELECT listened_at, artists, row, row, artist AS "a""b" FROM plays ORDER BY listened_at, row'
    assert save(filled, query, path) == 4
    saved = pl.read_parquet(path, glob=False)
    assert saved.schema == pl.Schema(
        [
            ("listened_at", TIME),
            ("artists", pl.List(pl.String)),
            ("row", pl.Int32),
            ("row_4", pl.Int32),
            ('a"b', pl.String),
        ]
    )
    assert saved.row(0) == (at(-1), ["Ann"], 6, 6, "Ann")
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("query", ["SELECT nothing FROM listens", ""])
def test_a_query_without_rows_is_not_saved(query: str, filled: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        save(filled, query, tmp_path / "x.parquet")
    with pytest.raises(SettingsError, match="No such file or directory"):
        save(filled, "FROM listens", tmp_path / "nowhere" / "x.parquet")
    assert [one.name for one in tmp_path.iterdir() if "x.parquet" in one.name] == []


def test_a_run_without_likely_doubles_has_an_empty_view_of_them(bare: RunDirectory) -> None:
    assert "likely_doubles" not in sizes(bare)
    assert "likely_doubles" not in ddl(bare)
    assert ask(bare, "likely_doubles").rows == ask(bare, "FROM likely_doubles").rows == []
    assert bare.read_frame("likely_doubles").is_empty()


def test_a_run_that_ended_early_has_the_views_that_there_are(filled: RunDirectory) -> None:
    (filled.path / "outcome.parquet").unlink()
    assert list(sizes(filled)) == [*("listens", "skipped", "rejects", "keys", "likely_doubles", "files", "timings")]
    with pytest.raises(SettingsError, match="outcome"):
        ask(filled, "FROM outcome")


def test_a_run_without_files_did_not_finish(tmp_path: Path) -> None:
    run = create_run(tmp_path, "maloja", NOW)
    for question in (lambda: ask(run, "SELECT 1"), lambda: sizes(run)):
        with pytest.raises(InputError, match="did not finish"):
            question()


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nothing FROM listens", "FROM nowhere", "SELECT 1/'x'::INT"])
def test_sql_that_is_refused_is_the_users_error_with_duckdbs_words(filled: RunDirectory, sql: str) -> None:
    with pytest.raises(SettingsError, match=r"the query failed: .*Error") as caught:
        ask(filled, sql)
    assert "etl inspect" in caught.value.hint


def test_a_view_of_the_library_is_named_in_the_error(filled: RunDirectory) -> None:
    with pytest.raises(SettingsError, match="artists does not exist") as caught:
        ask(filled, "FROM artists")
    assert caught.value.hint == "It is about the whole library: `etl inspect --sql 'FROM artists'`"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("top_artist", r"Did you mean top_artists.*\?"),
        (" Top_Trakcs\n", "Did you mean top_tracks"),
        ("nonsense", r"^`etl inspect 2024\S+` lists the queries$"),
        ("listens", "listens is a view: --sql 'FROM listens'"),
        ("streaks", "It is about the whole library: `etl inspect --sql streaks`"),
    ],
)
def test_a_misspelt_query_names_the_nearest_and_how_to_see_all(name: str, hint: str, filled: RunDirectory) -> None:
    with pytest.raises(SettingsError, match=f'there is no query "{name.strip()}"') as caught:
        ask(filled, name)
    assert re.search(hint, caught.value.hint)


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


def test_a_query_does_not_affect_the_next_one(filled: RunDirectory) -> None:
    ask(filled, "DROP VIEW listens")
    assert ask(filled, "SELECT count(*) FROM listens").rows == [(5,)]


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    run = create_run(tmp_path / "it's a 'home' [*?]", "maloja", NOW)
    run.write_frame("skipped", pl.DataFrame([("a.json", 1, "podcast")], SKIPPED, orient="row"))
    assert ask(run, "SELECT reason FROM skipped").rows == [("podcast",)]
