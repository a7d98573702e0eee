"""The named queries and views over a library that is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from etl.core.errors import SettingsError
from etl.core.queries import Answer, named_queries
from etl.library import Library, library_views, opened
from etl.library.read import TABLES, complete
from etl.targets.results import RESULTS
from tests.helpers.libraries import Heard, make_library

NEW_YEAR = datetime(2020, 1, 1, tzinfo=UTC)
QUERIES = [query.name for query in named_queries("library")]


def at(**later: int) -> datetime:
    """Return a time after 2020-01-01 in UTC."""
    return NEW_YEAR + timedelta(**later)


HEARD = [
    Heard(at(minutes=-30), client="spotify"),
    Heard(at(minutes=10), client="spotify"),
    Heard(at(days=1), ("Bo", "Ann"), "Two", "Two", None, None),
    Heard(at(days=1, seconds=5), ("Bo", "Ann"), "TWO", "Live", 420, "lastfm"),
    Heard(at(days=400, hours=20), ("Cy",), None, None, 3600, "lastfm"),
]
LOAD = ("20260101T000000Z-auto-aaaaaa", at(days=2000), "auto", "complete", 5, 9, 1, 1, 1, 1, 0, None)

# What the named queries answer about HEARD, in UTC.
ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "busiest_days": [
        ("2020-01-02", 2),
        ("2019-12-31", 1),
        ("2020-01-01", 1),
        ("2021-02-04", 1),
    ],
    "by_month": [("2019-12-01", 1, 0.1), ("2020-01-01", 3, 0.2), ("2021-02-01", 1, 1.0)],
    "by_weekday_and_hour": [(2, 23, 1), (3, 0, 1), (4, 0, 2), (4, 20, 1)],
    "by_year": [(2019, 1, 0.1, 1, 1), (2020, 3, 0.2, 2, 1), (2021, 1, 1.0, 1, 1)],
    "clients": [
        ("lastfm", 2, "2020-01-02 00:00:05", "2021-02-04 20:00:00"),
        ("spotify", 2, "2019-12-31 23:30:00", "2020-01-01 00:10:00"),
        (None, 1, "2020-01-02 00:00:00", "2020-01-02 00:00:00"),
    ],
    "data_quality": [
        ("listens without a length", 1, 5, 20.0),
        ("listens whose album has the title of the track", 1, 5, 20.0),
        ("listens of tracks without an MBID", 5, 5, 100.0),
        ("albums without an MBID", 4, 4, 100.0),
        ("artists without an MBID", 3, 3, 100.0),
        ("likely doubles: one title within 10 s from two clients", 1, 5, 20.0),
    ],
    "first_and_last": [
        ("first", "2019-12-31 23:30:00", "Ann", "One", "Hits"),
        ("last", "2021-02-04 20:00:00", "Cy", None, None),
    ],
    "loads": [(LOAD[0], "2025-06-23 00:00:00", *LOAD[2:])],
    "new_artists": [("2019-12-01", 1), ("2020-01-01", 1), ("2021-02-01", 1)],
    "streaks": [(3, "2019-12-31", "2020-01-02"), (1, "2021-02-04", "2021-02-04")],
    "top_albums": [("Hits", "Ann", 2, 1), ("Live", "Bo", 1, 1), ("Two", "Bo", 1, 1), (None, "Cy", 1, 1)],
    "top_albums_by_year": [
        (2021, 1, None, "Cy", 1),
        (2020, 1, "Hits", "Ann", 1),
        (2020, 2, "Live", "Bo", 1),
        (2020, 3, "Two", "Bo", 1),
        (2019, 1, "Hits", "Ann", 1),
    ],
    "top_artists": [("Ann", 4, 3), ("Bo", 2, 2), ("Cy", 1, 1)],
    "top_artists_by_year": [
        (2021, 1, "Cy", 1),
        (2020, 1, "Ann", 3),
        (2020, 2, "Bo", 2),
        (2019, 1, "Ann", 1),
    ],
    "top_tracks": [
        ("One", "Ann", "Hits", 2),
        ("TWO", "Bo, Ann", "Live", 1),
        ("Two", "Bo, Ann", "Two", 1),
        (None, "Cy", None, 1),
    ],
    "top_tracks_by_year": [
        (2021, 1, None, "Cy", None, 1),
        (2020, 1, "One", "Ann", "Hits", 1),
        (2020, 2, "TWO", "Bo, Ann", "Live", 1),
        (2020, 3, "Two", "Bo, Ann", "Two", 1),
        (2019, 1, "One", "Ann", "Hits", 1),
    ],
    "totals": [(5, 1.2, 4, 3, 4, 4, 4, "2019-12-31 23:30:00", "2021-02-04 20:00:00")],
}
OF_NOTHING = {
    "totals": [(0, 0.0, 0, 0, 0, 0, 0, None, None)],
    "data_quality": [(finding, 0, 0, None) for finding, *_ in ANSWERS["data_quality"]],
}


def ask(library: Library, query: str) -> Answer:
    with opened(library) as session:
        return session.ask(query)


def rows(library: Library, query: str) -> list[tuple[object, ...]]:
    """Return the answer to a query, with times and dates as text."""
    return [
        tuple(cell if isinstance(cell, str | int | float | None) else str(cell) for cell in row)
        for row in ask(library, query).rows
    ]


@pytest.fixture(scope="module")
def library() -> Library:
    return make_library(HEARD, loads=[LOAD])


def test_every_named_query_has_an_answer_here() -> None:
    assert list(ANSWERS) == QUERIES


@pytest.mark.parametrize("name", QUERIES)
def test_a_named_query_answers(name: str, library: Library) -> None:
    assert rows(library, name) == ANSWERS[name]


@pytest.mark.parametrize("name", QUERIES)
def test_a_named_query_runs_on_an_empty_library(name: str) -> None:
    answer = ask(make_library(), name)
    assert answer.columns
    assert rows(make_library(), name) == OF_NOTHING.get(name, [])


def test_a_query_is_the_same_in_any_order_of_the_rows(library: Library) -> None:
    turned = Library("admin", "UTC", {name: frame.reverse() for name, frame in library.frames.items()})
    for name in QUERIES:
        assert rows(turned, name) == ANSWERS[name], name


def test_a_zone_moves_hours_days_months_and_years() -> None:
    berlin = make_library(HEARD, "Europe/Berlin")
    assert rows(berlin, "by_year") == [(2020, 4, 0.2, 2, 2), (2021, 1, 1.0, 1, 1)]
    assert rows(berlin, "by_weekday_and_hour") == [(3, 0, 1), (3, 1, 1), (4, 1, 2), (4, 21, 1)]
    assert rows(berlin, "streaks")[0] == (2, "2020-01-01", "2020-01-02")
    assert rows(berlin, "SELECT min(listened_at), min(local_time) FROM listens") == [
        ("2020-01-01 00:30:00+01", "2020-01-01 00:30:00")
    ]


def test_a_zone_follows_daylight_saving_time() -> None:
    summer = make_library([Heard(datetime(2020, 7, 1, 12, tzinfo=UTC))], "Europe/Berlin")
    assert rows(summer, "by_weekday_and_hour") == [(3, 14, 1)]


def test_a_double_has_another_client_and_is_at_most_ten_seconds_later() -> None:
    apart = [
        Heard(at(), client="a"),
        Heard(at(seconds=10), client="b"),  # a double of the first
        Heard(at(minutes=1), client="a"),
        Heard(at(minutes=1, seconds=11), client="b"),
        Heard(at(minutes=2), client="a"),
        Heard(at(minutes=2, seconds=5), client="a"),
        Heard(at(minutes=3), client="a"),
        Heard(at(minutes=3, seconds=5), track="Another", client="b"),
    ]
    assert rows(make_library(apart), "data_quality")[-1][1:] == (1, 8, 12.5)


def test_only_ten_of_a_year_are_named_and_ties_go_by_name() -> None:
    many = [Heard(at(hours=number), track=f"T{number % 12:02}") for number in range(24)]
    tracks = rows(make_library(many), "top_tracks_by_year")
    assert [(row[1], row[2]) for row in tracks] == [(place + 1, f"T{place:02}") for place in range(10)]


def test_the_views_are_those_of_the_database(library: Library) -> None:
    with opened(library) as session:
        assert session.sizes() == {
            "plays": 5,
            "listens": 5,
            "tracks": 4,
            "albums": 4,
            "credits": 6,
            "artists": 3,
            "loads": 1,
        }
    assert ask(library, "FROM listens").columns == [
        *("listened_at", "local_time", "artist", "track", "album", "duration", "client", "track_id", "album_id"),
    ]
    assert all(view.about for view in library_views().values())


def test_entities_without_listens_of_the_user_are_not_in_the_views(library: Library) -> None:
    of_others = {**library.frames, "listens": library.frames["listens"].head(2)}
    quiet = complete({name: of_others[name].select(RESULTS[f"library/{name}"].names()) for name in TABLES}, "UTC")
    with opened(Library("admin", "UTC", {**quiet, "loads": library.frames["loads"]})) as session:
        found = session.sizes()
    assert [found[name] for name in ("listens", "tracks", "albums", "artists")] == [2, 1, 1, 1]


def test_the_statements_create_the_views_again(library: Library) -> None:
    with opened(library) as session, duckdb.connect() as fresh:
        for name, frame in library.frames.items():
            fresh.register(f"stored_{name}", frame.to_arrow())
        fresh.execute(session.ddl())
        assert {name: fresh.table(name).columns for name in session.views} == {
            name: session.connection.table(name).columns for name in session.views
        }


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("top_artist", "Did you mean top_artists or"),
        ("TOP_TRACKS", "Did you mean top_tracks"),
        ("artists", "artists is a view: --sql 'FROM artists'"),
        ("not_loaded", "It is about a run: `etl inspect latest --sql not_loaded`"),
        ("xyz", "`etl inspect` lists the queries"),
    ],
)
def test_a_misspelt_query_names_the_nearest_and_how_to_see_all(name: str, hint: str, library: Library) -> None:
    with pytest.raises(SettingsError, match=f'there is no query "{name}"') as caught:
        ask(library, name)
    assert caught.value.hint.startswith(hint)


def test_a_view_of_a_run_is_named_in_the_error(library: Library) -> None:
    with pytest.raises(SettingsError, match="outcome does not exist") as caught:
        ask(library, "SELECT count(*) FROM outcome")
    assert caught.value.hint == "It is a view of a run: `etl inspect latest --sql 'FROM outcome'`"


def test_sql_that_is_refused_is_the_users_error(library: Library) -> None:
    with pytest.raises(SettingsError, match=r"the query failed: .*nothing") as caught:
        ask(library, "SELECT nothing FROM listens")
    assert "`etl inspect` lists" in caught.value.hint
