"""A replay retries what a run left over: rows that can now be loaded are loaded once, and nothing else changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode, SettingsError
from etl.load.loader import Sizes
from etl.pipeline.replay import origins
from etl.runs.directory import RunDirectory
from tests.helpers.disturbances import allow_alias, calm, forbid_alias, inserted, lose
from tests.helpers.replays import files_in_ledger, frame, replay, statuses
from tests.helpers.support import content, execute, load, play, query, seconds, write_spotify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def scrobbles(scrobbles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return half of the history: each key that fails is found by halving what it is in, many rounds."""
    return scrobbles[:18]


# --- unresolved listens ----------------------------------------------------------------------------------------


def test_what_could_not_be_resolved_is_loaded_once_its_cause_is_gone(
    home: Path, database: str, export: Path, undisturbed: list[tuple[str, str]]
) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    allow_alias(database)
    second = replay(home, database, first)

    assert (first["exit_code"], first["counts"]["unresolved"]) == (ExitCode.REJECTS, 6)
    assert (second["status"], second["exit_code"]) == ("complete", ExitCode.OK)
    assert second["counts"] == {**dict.fromkeys(second["counts"], 0), "records": 6, "inserted": 6, "keys": 6,
                                "resolved": 6}  # fmt: skip
    lost = frame(first, "outcome").filter(outcome="unresolved").select("file", "row")
    assert frame(second, "outcome").select("file", "row").equals(lost)
    assert second["settings"] == {**first["settings"], "replay_of": first["run_id"]}
    assert inserted(database) == 18
    assert content(database) == undisturbed


def test_a_file_whose_unresolved_listens_are_all_loaded_is_known(home: Path, database: str, export: Path) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    allow_alias(database)
    assert files_in_ledger(database) == [(str(export), 18, 6, True)]
    replay(home, database, first)

    assert files_in_ledger(database) == [(str(export), 18, 0, True)]
    assert statuses(load(home, database, export)) == ["known"]


def test_a_second_replay_inserts_nothing_twice(home: Path, database: str, export: Path) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    allow_alias(database)
    replay(home, database, first)
    before = content(database)
    again = replay(home, database, first)

    assert (again["exit_code"], again["counts"]["already_present"], again["counts"]["inserted"]) == (0, 6, 0)
    assert content(database) == before
    assert inserted(database) == 18
    assert statuses(load(home, database, export)) == ["known"]


def test_what_still_cannot_be_resolved_is_left_over_by_the_replay_too(home: Path, database: str, export: Path) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    second = replay(home, database, first)

    assert (second["status"], second["exit_code"], second["counts"]["unresolved"]) == ("partial", ExitCode.REJECTS, 6)
    assert files_in_ledger(database) == [(str(export), 18, 6, True)]
    allow_alias(database)
    third = replay(home, database, second)
    assert (third["exit_code"], third["counts"]["inserted"], third["settings"]["replay_of"]) == (
        ExitCode.OK, 6, second["run_id"],
    )  # fmt: skip
    assert statuses(load(home, database, export)) == ["known"]


def test_a_file_with_other_unloaded_rows_in_a_later_run_stays_unknown(home: Path, database: str, export: Path) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    allow_alias(database)
    execute(database, "DELETE FROM tracks; DELETE FROM track_lookup;")
    forbid_alias(database, "Track 2")
    load(home, database, export)
    found = replay(home, database, first)

    assert (found["exit_code"], found["counts"]["already_present"]) == (ExitCode.OK, 6)
    assert statuses(load(home, database, export)) == ["loaded"]


def test_copies_of_a_file_become_known_together(tmp_path: Path, home: Path, database: str, export: Path) -> None:
    copy = tmp_path / "z.json"
    copy.write_bytes(export.read_bytes())
    forbid_alias(database)
    first = load(home, database, export, copy)
    assert replay(home, database, first)["counts"]["unresolved"] == 12
    allow_alias(database)
    found = replay(home, database, first)

    assert [file["counts"]["inserted"] for file in found["files"]] == [6, 0]
    assert [file["counts"]["duplicate_in_input"] for file in found["files"]] == [0, 6]
    assert statuses(load(home, database, export, copy)) == ["known", "known"]


def test_a_run_that_lost_its_connection_is_completed(
    home: Path, database: str, export: Path, undisturbed: list[tuple[str, str]]
) -> None:
    lose(database, 3)
    first = load(home, database, export, sizes=Sizes(batch=20, round=100), workers=1)
    calm(database)
    assert (first["status"], first["exit_code"]) == ("failed", ExitCode.DATABASE)
    second = replay(home, database, first)

    assert second["counts"]["records"] == second["counts"]["inserted"] == first["counts"]["not_reached"] > 0
    assert content(database) == undisturbed
    assert inserted(database) == 18
    assert statuses(load(home, database, export)) == ["known"]


def test_a_dry_replay_says_what_a_real_one_does_and_changes_nothing(home: Path, database: str, export: Path) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    allow_alias(database)
    before = content(database), files_in_ledger(database)
    dry = replay(home, database, first, dry_run=True)

    assert (dry["status"], dry["exit_code"], dry["settings"]["dry_run"]) == ("dry_run", ExitCode.OK, True)
    assert (content(database), files_in_ledger(database)) == before
    assert replay(home, database, first)["counts"] == dry["counts"]


def test_listens_go_to_the_user_of_the_run(home: Path, database: str, export: Path) -> None:
    execute(database, "INSERT INTO users (username, password) VALUES ('bo', '')")
    forbid_alias(database)
    first = load(home, database, export, user="bo")
    allow_alias(database)
    replay(home, database, first)

    owners = "SELECT u.username, count(*)::int FROM listens l JOIN users u ON u.id = l.user_id GROUP BY 1"
    assert query(database, owners) == [("bo", 18)]
    assert statuses(load(home, database, export, user="bo")) == ["known"]


def test_the_settings_of_the_run_decide_what_its_rows_become(tmp_path: Path, home: Path, database: str) -> None:
    plays = [play(100, "Ann", "Track 1", ms=50_000), play(2000, "Ann", "Track 1", ms=50_000)]
    export = write_spotify(tmp_path / "endsong_0.json", plays)
    forbid_alias(database)
    until = START + timedelta(seconds=1000)
    first = load(home, database, export, spotify_time="start", until=until, force=True)
    allow_alias(database)
    found = replay(home, database, first, workers=1)

    assert (first["counts"]["skipped"], first["counts"]["unresolved"]) == (1, 1)
    assert seconds(database) == [1_577_836_850]
    assert found["settings"] == {**first["settings"], "workers": 1, "replay_of": first["run_id"]}
    assert statuses(load(home, database, export, spotify_time="start", until=until)) == ["known"]


# --- runs of which there is nothing to replay --------------------------------------------------------------------


def test_a_run_without_a_rest_gives_an_empty_run(home: Path, database: str, export: Path) -> None:
    found = replay(home, database, load(home, database, export))

    assert (found["status"], found["exit_code"], found["files"]) == ("complete", ExitCode.OK, [])
    assert set(found["counts"].values()) == {0}
    assert statuses(load(home, database, export)) == ["known"]


def test_a_dry_run_is_not_replayed(home: Path, database: str, export: Path) -> None:
    with pytest.raises(SettingsError, match="dry run"):
        replay(home, database, load(home, database, export, dry_run=True))


def write_runs(runs: Path, chain: Sequence[tuple[str, str | None, int]]) -> None:
    for name, of, code in chain:
        (runs / name).mkdir(parents=True)
        RunDirectory(runs / name).write_manifest({"exit_code": code, "settings": {"replay_of": of}})


def test_a_replay_completes_the_files_of_all_runs_that_it_replays(tmp_path: Path) -> None:
    write_runs(tmp_path, [("c", "b", 5), ("b", "a", 3), ("a", None, 5), ("e", "gone", 5), ("f", "f", 5)])
    assert origins(RunDirectory(tmp_path / "c")) == ("c", "b", "a")
    assert origins(RunDirectory(tmp_path / "e")) == ("e", "gone")
    assert origins(RunDirectory(tmp_path / "f")) == ("f",)


def test_an_unbalanced_run_leaves_its_files_unknown(tmp_path: Path) -> None:
    write_runs(tmp_path, [("b", "a", 5), ("a", None, ExitCode.UNBALANCED)])
    assert origins(RunDirectory(tmp_path / "b")) == ()
