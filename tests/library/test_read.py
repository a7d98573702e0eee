"""A library read from a database of each kind, whoever wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from etl.core.dsn import SQLITE
from etl.core.errors import DatabaseError, SettingsError
from etl.core.settings import EMBEDDED
from etl.core.workspace import Workspace
from etl.library import Library, opened, read_library
from etl.report.library_page import library_page
from etl.report.read import read_library_facts
from etl.targets.postgres.embedded.server import EmbeddedServer
from tests.cli.program import etl, python
from tests.helpers.koito_sqlite import make_koito_file
from tests.helpers.support import execute, load, play, query, scrobble, sqlite_file, write_maloja, write_spotify
from tests.helpers.undos import undo
from tests.helpers.worlds import stock

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


def read(home: Path, uri: str, user: str | None = None, zone: str = "UTC") -> Library:
    return read_library(Workspace(home, uri), user, zone)


def ask(library: Library, sql: str) -> list[tuple[Any, ...]]:
    with opened(library) as session:
        return session.ask(sql).rows


def two_services(folder: Path) -> tuple[Path, Path]:
    """Write plays of Spotify, and scrobbles of another month and service."""
    return (
        write_spotify(folder / "spotify.json", [play(300, "Ann", "One"), play(DAY, "Bo", "Two", ms=240_000)]),
        write_maloja(
            folder / "maloja.json",
            [scrobble(40 * DAY, ["Ann", "Cy"], "Three", "Trio", 100), scrobble(41 * DAY, ["Ann"], "Alone")],
        ),
    )


def test_services_that_were_loaded_on_different_days_are_seen_together(database: str, tmp_path: Path) -> None:
    for path in two_services(tmp_path):
        load(tmp_path, database, path)
    library = read(tmp_path, database)
    assert ask(
        library, "SELECT local_time::VARCHAR, artist, track, album, duration, client FROM listens ORDER BY 1"
    ) == [
        ("2020-01-01 00:05:00", "Ann", "One", "Debut", 200, "spotify"),
        ("2020-01-02 00:00:00", "Bo", "Two", "Debut", 240, "spotify"),
        ("2020-02-10 00:00:00", "Ann, Cy", "Three", "Trio", 100, "maloja"),
        ("2020-02-11 00:00:00", "Ann", "Alone", "Alone", None, "maloja"),
    ]
    assert ask(library, "top_artists") == [("Ann", 3, 3), ("Bo", 1, 1), ("Cy", 1, 1)]
    assert library.user == "admin"


def test_a_second_run_that_loads_nothing_changes_nothing(database: str, tmp_path: Path) -> None:
    paths = two_services(tmp_path)
    load(tmp_path, database, *paths)
    before = ask(read(tmp_path, database), "FROM listens ORDER BY ALL")
    load(tmp_path, database, *paths)
    library = read(tmp_path, database)
    assert ask(library, "FROM listens ORDER BY ALL") == before
    assert sorted(ask(library, "SELECT inserted FROM loads")) == [(4,)]


def test_what_koito_wrote_is_there_with_the_names_that_it_shows(database: str, tmp_path: Path) -> None:
    stock(database)
    library = read(tmp_path, database)
    assert ask(library, "SELECT track_id, track, artist, album, client FROM listens ORDER BY 1") == [
        (1, "One", "Bo, Zoe\u0308", "Hits", "koito"),
        (2, "Two", "Bo", "Hits", "koito"),
    ]
    assert ask(library, "SELECT artist_id, artist, listens FROM artists ORDER BY 1") == [
        (1, "Bo", 1),
        (2, "Zoe\u0308", 1),
        (3, "Bo", 1),
    ]
    assert ask(library, "SELECT album_id, album, artist FROM albums ORDER BY 1") == [
        (1, "Hits", "Bo, Zoe\u0308"),
        (2, "Hits", "Bo"),
    ]


def test_an_entity_with_no_or_several_primary_names_counts_once(database: str, tmp_path: Path) -> None:
    stock(database)
    yes = 1 if sqlite_file(database) else "true"
    no = 0 if sqlite_file(database) else "false"
    execute(
        database,
        f"INSERT INTO track_aliases (track_id, alias, source, is_primary) VALUES (1, 'Another', 'Manual', {yes});"
        f"UPDATE artist_aliases SET is_primary = {no} WHERE artist_id = 3;"
        f"DELETE FROM release_aliases WHERE release_id = 2;",
    )
    library = read(tmp_path, database)
    assert ask(library, "SELECT track_id, track, artist, album FROM listens ORDER BY 1") == [
        (1, "Another", "Bo, Zoe\u0308", "Hits"),
        (2, "Two", "Bo", None),
    ]
    assert ask(library, "totals")[0][0] == 2


def test_a_library_is_that_of_one_user(database: str, tmp_path: Path) -> None:
    stock(database)
    execute(database, "INSERT INTO users (username, password, role) VALUES ('bo', 'x', 'user')")
    with pytest.raises(SettingsError, match="2 users: admin, bo") as caught:
        read(tmp_path, database)
    assert "--user" in caught.value.hint
    assert [ask(read(tmp_path, database, name), "totals")[0][0] for name in ("admin", "bo", "1", "Bo")] == [2, 0, 2, 0]
    assert ask(read(tmp_path, database, "bo"), "FROM artists") == []
    assert read(tmp_path, database, "2").user == "bo"
    with pytest.raises(SettingsError, match='no user "zoe"'):
        read(tmp_path, database, "zoe")
    execute(database, "UPDATE users SET username = '1' WHERE username = 'bo'")
    with pytest.raises(SettingsError, match='"1" is the name of one user and the id of another') as caught:
        read(tmp_path, database, "1")
    assert caught.value.hint == "Give an id. admin: 1, 1: 2"
    assert read(tmp_path, database, "2").user == "1"


def test_loads_have_their_accounts_as_far_as_these_are_there(database: str, tmp_path: Path) -> None:
    spotify, maloja = two_services(tmp_path)
    first = load(tmp_path, database, spotify)
    second = load(tmp_path / "elsewhere", database, maloja, spotify)
    third = load(tmp_path, database, spotify, force=True)
    gone = undo(tmp_path, database, first)
    found = {row[0]: row[1:] for row in ask(read(tmp_path, database), "SELECT * EXCLUDE (began) FROM loads")}
    assert found == {
        first["run_id"]: ("auto", "undone", 2, 2, 0, 0, 0, 0, 0, None),
        second["run_id"]: ("auto", "complete", 2, *[None] * 7),
        third["run_id"]: ("auto", "complete", 0, 2, 2, 0, 0, 0, 0, None),
        gone["run_id"]: ("undo", "complete", 0, 0, 0, 0, 0, 0, 0, 2),
    }


def test_a_run_that_did_not_end_is_unfinished(database: str, tmp_path: Path) -> None:
    load(tmp_path, database, two_services(tmp_path)[0])
    execute(database, "UPDATE etl.runs SET status = NULL, finished_at = NULL")
    assert ask(read(tmp_path, database), "SELECT DISTINCT status FROM loads") == [("complete",)]
    (run,) = (tmp_path / "runs").iterdir()
    (run / "run.json").unlink()
    assert ask(read(tmp_path, database), "SELECT status, records FROM loads") == [("unfinished", None)]


@pytest.mark.parametrize("second", [-(10**12), 1_683_000_000_000, 1_683_000_000_000_000_000])
def test_a_listen_of_no_calendar_year_is_left_out_and_told(database: str, tmp_path: Path, second: int) -> None:
    load(tmp_path, database, two_services(tmp_path)[0])
    stored = f"{second}" if sqlite_file(database) else f"to_timestamp({max(min(second, 10**12), -(10**11))})"
    execute(
        database,
        f"UPDATE listens SET listened_at = {stored} WHERE listened_at = (SELECT min(listened_at) FROM listens)",
    )
    library = read(tmp_path, database, zone="Asia/Tokyo")
    shown = etl("inspect", "--sql", "SELECT track FROM listens", "--dsn", database, "--home", str(tmp_path))
    assert "listens dated before the year 1 or after 9999 are left out: 1. Correct" in shown.err
    assert ask(library, "SELECT track FROM listens") == [("Two",)]
    assert "1 listen" in library_page(read_library_facts(library))


def test_koitos_database_without_our_tables_is_read(
    koito_database: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = make_koito_file(tmp_path_factory.mktemp("plain") / "koito.db")
    for uri in (koito_database, f"{SQLITE}{file}"):
        stock(uri)
        library = read(tmp_path, uri)
        assert ask(library, "totals")[0][0] == 2
        assert ask(library, "FROM loads") == []


def test_a_fraction_of_a_second_is_kept(postgres_database: str, tmp_path: Path) -> None:
    stock(postgres_database)
    execute(postgres_database, "UPDATE listens SET listened_at = listened_at + interval '250 ms'")
    found = ask(read(tmp_path, postgres_database), "SELECT DISTINCT local_time::VARCHAR FROM listens")
    assert found == [("2020-01-01 00:00:03.25",)]


def test_nothing_is_written(database: str, tmp_path: Path) -> None:
    load(tmp_path, database, *two_services(tmp_path))
    before = query(database, "SELECT count(*), max(started_at) FROM etl.runs")
    read(tmp_path, database)
    assert query(database, "SELECT count(*), max(started_at) FROM etl.runs") == before
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_an_embedded_server_that_was_never_made_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no database in") as caught:
        read(tmp_path, EMBEDDED)
    assert "etl run" in caught.value.hint
    assert "--dsn" in caught.value.hint
    assert not EmbeddedServer(tmp_path).is_made()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("reported", "zone"), [("Asia/Kolkata", "Asia/Kolkata"), ("Etc/UTC", "UTC"), ("Nowhere/Land", "UTC")]
)
def test_the_zone_of_the_machine_is_found(reported: str, zone: str) -> None:
    done = python("from etl.library import system_zone; print(system_zone())", env={"TZ": reported})
    assert (done.code, done.out) == (0, f"{zone}\n"), done.err
