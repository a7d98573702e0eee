"""``etl inspect`` and ``etl report`` without RUN show the whole library, whichever program stored it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from etl.core.errors import ExitCode
from etl.core.queries import named_queries
from tests.cli.program import Done, etl
from tests.helpers.support import execute, play, scrobble, write_maloja, write_spotify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples

QUERIES = [query.name for query in named_queries("library")]
NEW_YEARS_EVE = -1800
"""Half an hour before 2020 in UTC; in Berlin it is 2020 by then."""
VIEWS = ["tracks", "albums", "credits", "artists", "plays", "listens", "loads"]


@pytest.fixture
def loaded_twice(any_database: str, tmp_path: Path) -> str:
    """Return a database into which Spotify's plays of May and Last.fm's of June went, and then nothing new."""
    paths = [
        write_spotify(tmp_path / "may.json", [play(NEW_YEARS_EVE, "Ann", "One")]),
        write_maloja(tmp_path / "june.json", [scrobble(86_400, ["Bo"], "Two", "Duo", 100)]),
    ]
    for path in (*paths, paths[0]):
        assert etl("run", path, "--dsn", any_database, home=tmp_path).code == ExitCode.OK
    return any_database


def ask(uri: str, home: Path, *words: str | Path) -> Done:
    done = etl("inspect", *words, "--dsn", uri, home=home)
    assert (done.code, done.err) == (ExitCode.OK, "")
    return done


def heading(path: Path) -> str:
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 (a page of ours)
    return str(next(root.iter("h1")).text)


def test_without_a_run_all_loads_are_seen_together(loaded_twice: str, tmp_path: Path) -> None:
    rows = ask(
        loaded_twice, tmp_path, "--sql", "SELECT artist, client FROM listens ORDER BY listened_at", "--json"
    ).json
    assert rows == [{"artist": "Ann", "client": "spotify"}, {"artist": "Bo", "client": "maloja"}]
    assert (
        ask(loaded_twice, tmp_path, "--sql", "top_artists", "--csv").out == "artist,listens,tracks\nAnn,1,1\nBo,1,1\n"
    )
    assert len(ask(loaded_twice, tmp_path, "--sql", "loads", "--json").json) == 2


def test_the_newest_run_is_still_named_latest(loaded_twice: str, tmp_path: Path) -> None:
    first, newest = (run["run_id"] for run in etl("runs", "list", "--json", home=tmp_path).json)
    assert etl("report", "latest", "--json", home=tmp_path).json["run_id"] == newest
    assert len(etl("inspect", first, "--sql", "FROM listens", "--json", home=tmp_path).json) == 1
    assert etl("report", first, "--json", home=tmp_path).json["run_id"] == first


def test_views_and_queries_of_the_library_are_listed(loaded_twice: str, tmp_path: Path) -> None:
    listed = ask(loaded_twice, tmp_path, "--timezone", "Europe/Berlin", "--json").json
    assert listed == {
        "user": "admin",
        "timezone": "Europe/Berlin",
        "views": {"tracks": 2, "albums": 2, "credits": 2, "artists": 2, "plays": 2, "listens": 2, "loads": 2},
        "queries": {query.name: query.about for query in named_queries("library")},
    }
    out = ask(loaded_twice, tmp_path, "--timezone", "Europe/Berlin").out
    assert out.startswith("library of admin, local times in Europe/Berlin\n")
    assert [word for word in (*VIEWS, *QUERIES, "inspect latest") if word not in out] == []


def test_the_statements_of_the_views_are_printed(loaded_twice: str, tmp_path: Path) -> None:
    out = ask(loaded_twice, tmp_path, "--ddl").out
    assert [f"CREATE VIEW {view} AS" in out for view in VIEWS] == [True] * len(VIEWS)
    assert ask(loaded_twice, tmp_path, "--ddl", "--json").json == {"ddl": out}


def test_a_zone_decides_on_the_day(loaded_twice: str, tmp_path: Path) -> None:
    def years(*words: str) -> list[int]:
        return [row["year"] for row in ask(loaded_twice, tmp_path, "--sql", "by_year", "--json", *words).json]

    assert years("--timezone", "UTC") == [2019, 2020]
    assert years("--timezone", "Europe/Berlin") == [2020]
    configured = etl(
        *("inspect", "--sql", "by_year", "--json", "--dsn", loaded_twice),
        home=tmp_path,
        env={"ETL_TIMEZONE": "Europe/Berlin"},
    )
    assert [row["year"] for row in configured.json] == [2020]


def test_a_report_is_about_the_whole_library(loaded_twice: str, tmp_path: Path) -> None:
    done = etl("report", "--dsn", loaded_twice, "--timezone", "UTC", home=tmp_path)
    path = tmp_path / "report.html"
    assert (done.code, done.out, done.err) == (ExitCode.OK, f"report: {path}\n", "")
    assert heading(path) == "2 listens since December 2019"
    other = tmp_path / "it's mine.html"
    words = ("report", "--dsn", loaded_twice, "--timezone", "Europe/Berlin", "--output", other, "--json")
    assert etl(*words, home=tmp_path).json == {"user": "admin", "timezone": "Europe/Berlin", "report": str(other)}
    assert heading(other) == "2 listens in January 2020"


def test_a_report_goes_into_a_home_that_is_made_for_it(loaded_twice: str, tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert etl("report", "--dsn", loaded_twice, home=home).code == ExitCode.OK
    assert stat.S_IMODE((home / "report.html").stat().st_mode) == 0o600  # others may pass through root's home


def test_a_report_of_an_empty_library_says_what_to_do(any_database: str, tmp_path: Path) -> None:
    assert etl("report", "--dsn", any_database, home=tmp_path).code == ExitCode.OK
    assert heading(tmp_path / "report.html") == "No listens yet"
    assert ask(any_database, tmp_path, "--sql", "top_artists", "--json").json == []


def test_a_page_is_opened_in_the_browser_that_is_named(loaded_twice: str, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    browser.chmod(0o755)
    path = tmp_path / "a page.html"
    words = ("report", "--dsn", loaded_twice, "--output", path, "--open")
    done = etl(*words, home=tmp_path, env={"BROWSER": f"{browser} %s"}, fresh=True)
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert (tmp_path / "opened").read_text().strip() == path.as_uri()


def test_where_no_browser_opens_the_page_is_still_written(loaded_twice: str, tmp_path: Path) -> None:
    words = ("report", "--dsn", loaded_twice, "--open")
    done = etl(*words, home=tmp_path, env={"BROWSER": "false %s"}, fresh=True)
    assert done.code == ExitCode.OK
    assert "no browser could be opened" in done.err
    assert (tmp_path / "report.html").is_file()


def test_a_library_is_that_of_the_user_who_is_named(loaded_twice: str, tmp_path: Path) -> None:
    execute(loaded_twice, "INSERT INTO users (username, password, role) VALUES ('bo', 'x', 'user')")
    for command in ("inspect", "report"):
        done = etl(command, "--dsn", loaded_twice, home=tmp_path)
        assert (done.code, done.out) == (ExitCode.USAGE, "")
        assert "2 users: admin, bo" in done.err
        assert "--user" in done.err
        assert etl(command, "--user", "nobody", "--dsn", loaded_twice, home=tmp_path).code == ExitCode.USAGE
    assert ask(loaded_twice, tmp_path, "--user", "admin", "--json").json["views"]["listens"] == 2
    assert ask(loaded_twice, tmp_path, "--user", "bo", "--json").json["views"]["listens"] == 0


@pytest.mark.parametrize("command", ["inspect", "report"])
def test_an_unknown_zone_is_refused_with_similar_ones(command: str, tmp_path: Path) -> None:
    done = etl(command, "--timezone", "Europe/Berln", home=tmp_path)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert '--timezone: "Europe/Berln" is not a time zone' in done.err
    assert "Europe/Berlin" in done.err


@pytest.mark.parametrize("command", ["inspect", "report"])
def test_a_missing_database_ends_with_3(command: str, tmp_path: Path) -> None:
    nowhere = etl(command, "--dsn", "postgresql://localhost:1/nowhere", home=tmp_path / "home")
    assert (nowhere.code, "Check that the server is up" in nowhere.err) == (ExitCode.DATABASE, True)
    absent = etl(command, "--dsn", tmp_path / "koito.db", home=tmp_path / "home")
    assert (absent.code, "does not exist" in absent.err) == (ExitCode.DATABASE, True)
    assert list(tmp_path.iterdir()) == []
    never = etl(command, home=tmp_path)
    assert (never.code, "there is no database in" in never.err) == (ExitCode.DATABASE, True)
    assert "etl run" in never.err
    misspelt = etl(command, home=tmp_path / "home")
    assert (misspelt.code, "home does not exist" in misspelt.err) == (ExitCode.USAGE, True)
    assert list(tmp_path.iterdir()) == []


def test_options_of_the_library_are_mentioned_where_a_run_is_named(loaded: LoadedSamples) -> None:
    words = ("inspect", "latest", "--timezone", "Europe/Berlin", "--sql", "totals")
    done = etl(*words, home=loaded.home, env={"ETL_USER": "somebody"})
    assert done.code == ExitCode.OK
    assert done.err == "etl: warning: --timezone is ignored: it is about the whole library, and RUN names one run\n"


def test_the_library_of_the_samples_is_that_of_their_run(loaded: LoadedSamples, tmp_path: Path) -> None:
    inserted, created = loaded.manifest["counts"]["inserted"], loaded.manifest["created"]
    (totals,) = ask(loaded.uri, loaded.home, "--sql", "totals", "--json").json
    assert totals["listens"] == inserted
    assert {name: totals[name] for name in created} == created
    path = tmp_path / "tracks.parquet"
    done = etl("inspect", "--sql", "FROM tracks", "--parquet", path, "--dsn", loaded.uri, home=loaded.home)
    assert f"{path}: {created['tracks']} rows" in done.err
    assert pl.read_parquet(path).get_column("listens").sum() == inserted


@pytest.mark.parametrize("query", QUERIES)
def test_every_named_query_runs_on_the_samples(query: str, loaded: LoadedSamples) -> None:
    out = ask(loaded.uri, loaded.home, "--sql", query).out
    assert out.strip()


@pytest.mark.parametrize("query", ["SELECT nope FROM listens", "top_artist", "SELECT 1/", "COPY listens TO '/'"])
def test_sql_that_fails_ends_with_2_and_says_why(query: str, loaded: LoadedSamples) -> None:
    done = etl("inspect", "--sql", query, "--dsn", loaded.uri, home=loaded.home)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "etl inspect" in done.err
    assert "Traceback" not in done.err
