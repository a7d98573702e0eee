"""Which files a run loads, leaves alone or refuses, for whom, and the exit code that it ends with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode, InputError, SettingsError
from etl.runs.directory import find_run, list_runs
from etl.targets import ledger as targets_ledger
from tests.helpers.disturbances import allow_alias, forbid_alias
from tests.helpers.replays import ledger
from tests.helpers.support import (
    SPOTIFY_PLAYS,
    content,
    execute,
    load,
    play,
    query,
    scrobble,
    write_maloja,
    write_spotify,
)

if TYPE_CHECKING:
    from pathlib import Path

    from etl.targets.base import Connection
    from etl.targets.ledger import FileEntry


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def maloja(tmp_path: Path) -> Path:
    return write_maloja(tmp_path / "maloja_export.json", [scrobble(1, ["Cy"], "Song"), scrobble(2, ["Cy"], "Song")])


def statuses(manifest: dict[str, Any]) -> list[str]:
    return [file["status"] for file in manifest["files"]]


# --- known files ---------------------------------------------------------------------------------------------


def test_a_known_file_is_left_alone(home: Path, database: str, spotify: Path) -> None:
    load(home, database, spotify)
    again = load(home, database, spotify)

    assert (again["status"], again["exit_code"]) == ("complete", ExitCode.OK)
    assert statuses(again) == ["known"]
    assert set(again["counts"].values()) == set(again["files"][0]["counts"].values()) == {0}


def test_the_ledger_is_asked_only_for_files_that_it_has(
    home: Path, database: str, spotify: Path, maloja: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    original = targets_ledger.is_known

    def is_known(connection: Connection, user_id: int, file: FileEntry) -> bool:
        asked.append(file.path)
        return original(connection, user_id, file)

    monkeypatch.setattr(targets_ledger, "is_known", is_known)
    load(home, database, spotify)
    assert asked == []
    assert sorted(statuses(load(home, database, spotify, maloja))) == ["known", "loaded"]
    assert asked == [str(spotify)]


def test_a_known_file_is_known_by_its_bytes_not_by_its_name(
    tmp_path: Path, home: Path, database: str, spotify: Path
) -> None:
    load(home, database, spotify)
    copy = tmp_path / "copy.json"
    copy.write_bytes(spotify.read_bytes())
    more = write_spotify(spotify, [*SPOTIFY_PLAYS, play(500, "Ann", "One")])

    found = load(home, database, copy, more)

    assert statuses(found) == ["loaded", "known"]  # by path: the grown file, then the copy
    assert (found["counts"]["inserted"], found["counts"]["already_present"]) == (1, 3)


def test_force_loads_a_known_file_again_and_changes_nothing(home: Path, database: str, spotify: Path) -> None:
    load(home, database, spotify)
    before = content(database)
    forced = load(home, database, spotify, force=True)

    assert statuses(forced) == ["loaded"]
    assert forced["counts"]["already_present"] == forced["counts"]["records"] == 3
    assert content(database) == before
    assert statuses(load(home, database, spotify)) == ["known"]


@pytest.mark.parametrize(
    "settings",
    [
        {"since": datetime(2019, 1, 1, tzinfo=UTC)},
        {"until": datetime(2021, 1, 1, tzinfo=UTC)},
        {"spotify_plays": "trackdone"},
        {"artist_separators": r"\s+//\s+"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_file_is_not_known_under_options_that_change_its_rows(
    home: Path, database: str, spotify: Path, settings: dict[str, Any]
) -> None:
    load(home, database, spotify)

    assert statuses(load(home, database, spotify, **settings)) == ["loaded"]
    assert statuses(load(home, database, spotify, **settings)) == ["known"]
    assert statuses(load(home, database, spotify)) == ["known"]


@pytest.mark.parametrize("settings", [{"spotify_plays": "trackdone"}, {"spotify_time": "start"}], ids=str)
def test_options_of_spotify_do_not_make_a_file_of_another_source_unknown(
    home: Path, database: str, maloja: Path, settings: dict[str, Any]
) -> None:
    load(home, database, maloja)

    assert statuses(load(home, database, maloja, **settings)) == ["known"]


def test_rows_rejected_for_good_do_not_keep_a_file_from_being_known(tmp_path: Path, home: Path, database: str) -> None:
    export = write_spotify(tmp_path / "endsong_0.json", [*SPOTIFY_PLAYS, play(500, "Ann", "One") | {"ts": "soon"}])

    assert load(home, database, export)["exit_code"] == ExitCode.REJECTS
    assert statuses(load(home, database, export)) == ["known"]


def test_a_file_with_unresolved_listens_is_not_known(home: Path, database: str, maloja: Path) -> None:
    forbid_alias(database, "Song")
    first = load(home, database, maloja)
    allow_alias(database)
    second = load(home, database, maloja)

    assert (first["exit_code"], first["counts"]["unresolved"]) == (ExitCode.REJECTS, 2)
    assert statuses(second) == ["loaded"]
    assert (second["exit_code"], second["counts"]["inserted"]) == (ExitCode.OK, 2)
    assert statuses(load(home, database, maloja)) == ["known"]


def test_a_file_of_an_unfinished_run_is_not_known(home: Path, database: str, maloja: Path) -> None:
    load(home, database, maloja)
    execute(database, "UPDATE etl.files SET finished_at = NULL, unresolved = NULL, records = NULL")

    again = load(home, database, maloja)

    assert statuses(again) == ["loaded"]
    assert again["counts"]["already_present"] == 2


def test_two_copies_of_a_file_in_one_run_are_loaded_once(
    tmp_path: Path, home: Path, database: str, maloja: Path
) -> None:
    copy = tmp_path / "z.json"
    copy.write_bytes(maloja.read_bytes())

    found = load(home, database, maloja, copy)

    assert [file["counts"]["inserted"] for file in found["files"]] == [2, 0]
    assert [file["counts"]["duplicate_in_input"] for file in found["files"]] == [0, 2]
    assert statuses(load(home, database, maloja, copy)) == ["known", "known"]


# --- other sources, refused files, exit codes ----------------------------------------------------------------


def test_an_explicit_source_ignores_files_of_other_sources(
    home: Path, database: str, maloja: Path, spotify: Path
) -> None:
    found = load(home, database, maloja, spotify, source="maloja")

    assert {file["format"]: file["status"] for file in found["files"]} == {
        None: "left_aside",
        "maloja-export": "loaded",
    }
    assert (found["exit_code"], found["counts"]["records"]) == (ExitCode.OK, 2)


def test_a_run_in_which_nothing_is_recognised_is_an_error(tmp_path: Path, home: Path, database: str) -> None:
    (tmp_path / "notes.txt").write_text("nothing")

    with pytest.raises(InputError, match=r"notes\.txt") as refused:
        load(home, database, tmp_path / "notes.txt")

    assert refused.value.exit_code == ExitCode.INPUT
    assert not (home / "runs").exists()


def test_a_run_with_files_of_another_source_only_is_an_error(home: Path, database: str, maloja: Path) -> None:
    with pytest.raises(InputError, match="source spotify"):
        load(home, database, maloja, source="spotify")


def test_files_of_no_known_format_cost_nothing(tmp_path: Path, home: Path, database: str, maloja: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")

    found = load(home, database, tmp_path)

    assert sorted(statuses(found)) == ["left_aside", "loaded"]
    assert (found["status"], found["exit_code"]) == ("complete", ExitCode.OK)


def test_a_refused_file_affects_no_other(tmp_path: Path, home: Path, database: str, maloja: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")

    found = load(home, database, tmp_path / "broken.zip", maloja)

    assert statuses(found) == ["refused", "loaded"]
    assert found["files"][0]["reason"]
    assert (found["status"], found["exit_code"], found["counts"]["inserted"]) == ("partial", ExitCode.INPUT, 2)


def test_a_refused_file_goes_before_rejected_rows_in_the_exit_code(tmp_path: Path, home: Path, database: str) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    write_spotify(tmp_path / "endsong_0.json", [*SPOTIFY_PLAYS, play(500, "Ann", "One") | {"ts": "soon"}])

    found = load(home, database, tmp_path)

    assert (found["exit_code"], found["counts"]["rejected"]) == (ExitCode.INPUT, 1)


@pytest.mark.parametrize(("allowed", "code"), [(0, ExitCode.REJECTS), (1, ExitCode.REJECTS), (2, ExitCode.OK)])
def test_rejected_rows_decide_the_exit_code_only_beyond_what_is_allowed(
    tmp_path: Path, home: Path, database: str, allowed: int, code: ExitCode
) -> None:
    broken = [play(500, "Ann", "One") | {"ts": time} for time in ("soon", "later")]
    export = write_spotify(tmp_path / "endsong_0.json", [*SPOTIFY_PLAYS, *broken])

    found = load(home, database, export, max_rejects=allowed)

    assert found["exit_code"] == code
    assert found["status"] == ("complete" if code is ExitCode.OK else "partial")
    assert (found["counts"]["rejected"], found["counts"]["inserted"]) == (2, 3)
    assert found["rejected_by_reason"] == {"bad_time": 2}


# --- users ---------------------------------------------------------------------------------------------------


@pytest.fixture
def two_users(database: str) -> str:
    execute(database, "INSERT INTO users (username, password) VALUES ('bo', '')")
    return database


def owners(uri: str) -> list[tuple[Any, ...]]:
    return query(uri, "SELECT u.username, count(*)::int FROM listens l JOIN users u ON u.id = l.user_id GROUP BY 1")


@pytest.mark.parametrize("wanted", ["bo", "Bo", "by id"])
def test_listens_belong_to_the_user_that_was_named(home: Path, two_users: str, maloja: Path, wanted: str) -> None:
    number = query(two_users, "SELECT id FROM users WHERE username = 'bo'")[0][0]
    load(home, two_users, maloja, user=str(number) if wanted == "by id" else wanted)

    assert owners(two_users) == [("bo", 2)]


@pytest.mark.parametrize("wanted", ["cy", "999", ""])
def test_a_missing_user_is_an_error_that_lists_the_users(home: Path, two_users: str, maloja: Path, wanted: str) -> None:
    with pytest.raises(SettingsError, match="admin, bo") as refused:
        load(home, two_users, maloja, user=wanted)

    assert refused.value.exit_code == ExitCode.USAGE
    assert not ledger(two_users)


def test_one_of_several_users_has_to_be_named(home: Path, two_users: str, maloja: Path) -> None:
    with pytest.raises(SettingsError, match="2 users: admin, bo"):
        load(home, two_users, maloja)


def test_a_database_without_a_user_is_an_error(home: Path, postgres_database: str, maloja: Path) -> None:
    execute(postgres_database, "DELETE FROM users")

    with pytest.raises(SettingsError, match="0 users"):
        load(home, postgres_database, maloja)


def test_a_file_that_is_known_to_one_user_is_not_known_to_another(home: Path, two_users: str, maloja: Path) -> None:
    load(home, two_users, maloja, user="admin")

    assert statuses(load(home, two_users, maloja, user="bo")) == ["loaded"]
    assert statuses(load(home, two_users, maloja, user="bo")) == ["known"]


def test_a_listen_of_another_user_is_already_present_with_a_detail(home: Path, two_users: str, maloja: Path) -> None:
    load(home, two_users, maloja, user="admin")
    dry = load(home, two_users, maloja, user="bo", dry_run=True)
    found = load(home, two_users, maloja, user="bo")
    own = load(home, two_users, maloja, user="admin", force=True)

    assert found["counts"]["already_present"] == 2
    assert (dry["other_user"], found["other_user"], own["other_user"]) == (2, 2, 0)
    assert owners(two_users) == [("admin", 2)]


def test_a_run_that_has_nothing_to_do_leaves_no_directory(home: Path, any_database: str, maloja: Path) -> None:
    first = load(home, any_database, maloja)
    again = load(home, any_database, maloja)

    assert (again["run_id"], again["run_dir"], again["status"], again["exit_code"]) == (None, None, "complete", 0)
    assert (set(again["counts"].values()), [file["status"] for file in again["files"]]) == ({0}, ["known"])
    assert [run.run_id for run in list_runs(home / "runs")] == [first["run_id"]]
    assert find_run(home / "runs", "latest").run_id == first["run_id"]
    forced = load(home, any_database, maloja, force=True)
    assert find_run(home / "runs", "latest").run_id == forced["run_id"]
