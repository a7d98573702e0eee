"""Plays of Spotify are loaded by their end or by their start: one choice applies to all files of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode, SettingsError
from tests.helpers.replays import ledger
from tests.helpers.support import SPOTIFY_PLAYS, content, execute, load, play, write_spotify
from tests.helpers.undos import undo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.mark.parametrize("settings", [{}, {"force": True}, {"dry_run": True}], ids=str)
@pytest.mark.parametrize(("first", "second"), [("end", "start"), ("start", "end")])
def test_the_same_plays_under_the_other_spotify_time_are_refused(
    home: Path, database: str, spotify: Path, first: str, second: str, settings: dict[str, Any]
) -> None:
    load(home, database, spotify, spotify_time=first)
    before = content(database), ledger(database)

    with pytest.raises(SettingsError, match=f"--spotify-time {first}") as refused:
        load(home, database, spotify, spotify_time=second, **settings)

    assert refused.value.exit_code == ExitCode.USAGE
    assert (content(database), ledger(database)) == before


@pytest.mark.parametrize("settings", [{}, {"force": True}, {"dry_run": True}], ids=str)
@pytest.mark.parametrize(("first", "second"), [("end", "start"), ("start", "end")])
def test_plays_in_another_file_under_the_other_spotify_time_are_refused(
    tmp_path: Path, home: Path, database: str, spotify: Path, first: str, second: str, settings: dict[str, Any]
) -> None:
    run = load(home, database, spotify, spotify_time=first)
    newer = write_spotify(tmp_path / "endsong_0.json", [*SPOTIFY_PLAYS, play(500, "Ann", "New")])
    before = content(database), ledger(database)

    with pytest.raises(SettingsError, match=f"--spotify-time {first} before") as refused:
        load(home, database, newer, spotify_time=second, **settings)

    assert refused.value.exit_code == ExitCode.USAGE
    assert f"etl undo {run['run_id']}" in refused.value.hint
    assert (content(database), ledger(database)) == before
    assert load(home, database, newer, spotify_time=first)["counts"]["inserted"] == 1


def test_the_same_plays_in_another_format_and_spotify_time_are_refused(
    tmp_path: Path, home: Path, database: str, spotify: Path
) -> None:
    load(home, database, spotify)
    table = tmp_path / "endsong_0.csv"
    fields = [name for name, value in SPOTIFY_PLAYS[0].items() if isinstance(value, str | int)]
    lines = [",".join(fields), *(",".join(str(one[name]) for name in fields) for one in SPOTIFY_PLAYS)]
    table.write_text("\n".join(lines))

    with pytest.raises(SettingsError, match="--spotify-time end before"):
        load(home, database, table, spotify_time="start")
    again = load(home, database, table)
    assert ([file["format"] for file in again["files"]], again["counts"]["already_present"]) == (["spotify-csv"], 3)


def test_undo_of_all_runs_makes_room_for_the_other_spotify_time(
    tmp_path: Path, home: Path, database: str, spotify: Path
) -> None:
    runs = [load(home, database, spotify)]
    newer = write_spotify(tmp_path / "endsong_0.json", [*SPOTIFY_PLAYS, play(500, "Ann", "New")])
    runs.append(load(home, database, newer))
    undo(home, database, runs[0])
    with pytest.raises(SettingsError, match=runs[1]["run_id"]):
        load(home, database, spotify, spotify_time="start")
    undo(home, database, runs[1])

    assert load(home, database, spotify, newer, spotify_time="start")["counts"]["inserted"] == 4


def test_deleted_plays_make_room_for_the_other_spotify_time(home: Path, koito_file: str, spotify: Path) -> None:
    load(home, koito_file, spotify)
    execute(koito_file, "DELETE FROM listens")

    assert load(home, koito_file, spotify, spotify_time="start")["counts"]["inserted"] == 3


def test_the_spotify_time_of_one_user_binds_no_other(home: Path, database: str, spotify: Path) -> None:
    execute(database, "INSERT INTO users (username, password) VALUES ('bo', '')")
    load(home, database, spotify, user="admin")

    assert load(home, database, spotify, user="bo", spotify_time="start")["counts"]["records"] == 3


def test_a_run_that_is_refused_for_one_file_writes_nothing_of_the_others(
    tmp_path: Path, home: Path, database: str, spotify: Path
) -> None:
    load(home, database, spotify)
    before = content(database), ledger(database)
    other = write_spotify(tmp_path / "Another.json", [play(900, "Di", "New")])

    with pytest.raises(SettingsError):
        load(home, database, other, spotify, spotify_time="start")

    assert (content(database), ledger(database)) == before


def test_plays_of_an_unfinished_run_keep_their_spotify_time(home: Path, database: str, spotify: Path) -> None:
    load(home, database, spotify)
    execute(database, "UPDATE etl.files SET finished_at = NULL")

    with pytest.raises(SettingsError):
        load(home, database, spotify, spotify_time="start")
