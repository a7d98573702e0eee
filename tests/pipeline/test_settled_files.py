"""A file is read again if its rejected rows may be accepted on another day, with another file or by another version."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.core.reasons import ReadAgain, RejectReason
from etl.core.workspace import Workspace
from etl.pipeline import context, known_files
from etl.verify.run import verify_run
from tests.helpers.ages import age, age_all
from tests.helpers.applemusic import ACTIVITY, played, table
from tests.helpers.disturbances import inserted
from tests.helpers.replays import replay, run_of, statuses
from tests.helpers.support import load, play, scrobble, write_maloja, write_spotify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Clock2018:
    """A clock that was never set: the tests' listens are of 2020."""

    @staticmethod
    def now(zone: tzinfo) -> datetime:
        return datetime(2018, 1, 1, tzinfo=zone)


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Yield a switch between a wrong clock and the right one, for runs in this process."""

    def switch(is_right: bool) -> None:
        monkeypatch.setattr(context, "datetime", datetime if is_right else Clock2018)

    return switch


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def three(folder: Path) -> Path:
    return age(write_maloja(folder / "maloja_export.json", [scrobble(second, ["Ann"], "One") for second in (1, 2, 3)]))


def test_an_inbox_loads_what_a_wrong_clock_rejected(
    home: Path, database: str, inbox: Path, set_clock: Callable[[bool], None]
) -> None:
    done = inbox.parent / "done"
    export = three(inbox)

    set_clock(False)
    first = load(home, database, inbox, move_to=str(done))
    assert (first["exit_code"], first["rejected_by_reason"]) == (ExitCode.REJECTS, {"time_in_future": 3})
    assert (first["files"][0]["unsettled"], export.exists()) == (3, True)
    [caveat] = first["caveats"]
    assert caveat.startswith(f"{export} has plays in the future: 3. Check the clock of this computer")

    set_clock(True)
    second = load(home, database, inbox, move_to=str(done))
    assert (second["exit_code"], second["counts"]["inserted"]) == (ExitCode.OK, 3)
    assert (export.exists(), (done / export.name).exists()) == (False, True)
    assert "unsettled" not in second["files"][0]
    assert statuses(load(home, database, done)) == ["known"]
    for manifest in (first, second):
        assert verify_run(run_of(manifest), Workspace(home, database)).exit_code == ExitCode.OK


def test_a_file_with_future_plays_is_read_again_and_inserts_none_twice(
    tmp_path: Path, home: Path, database: str
) -> None:
    to_come = scrobble(int(datetime(2099, 1, 1, tzinfo=UTC).timestamp()) - 1_577_836_800, ["Ann"], "Two")
    export = write_maloja(tmp_path / "maloja_export.json", [scrobble(1, ["Ann"], "One"), to_come])
    load(home, database, export)

    again = load(home, database, export)

    assert (statuses(again), again["exit_code"]) == (["loaded"], ExitCode.REJECTS)
    assert (again["counts"]["already_present"], again["counts"]["rejected"], inserted(database)) == (1, 1, 1)


def test_replay_completes_a_file_once_the_clock_is_right(
    tmp_path: Path, home: Path, database: str, set_clock: Callable[[bool], None]
) -> None:
    export = three(tmp_path)
    set_clock(False)
    first = load(home, database, export)
    assert replay(home, database, first)["counts"]["rejected"] == 3
    set_clock(True)

    assert replay(home, database, first)["counts"]["inserted"] == 3
    assert statuses(load(home, database, export)) == ["known"]


def test_an_export_whose_artists_another_file_may_name_stays_in_the_inbox(
    home: Path, database: str, inbox: Path
) -> None:
    (inbox / ACTIVITY).write_bytes(table([played("One"), played("Two", 10, Artist_Name="B")]))
    age(inbox / ACTIVITY)

    found = load(home, database, inbox, move_to=str(inbox.parent / "done"))

    assert found["rejected_by_reason"] == {"artist_unknown": 1}
    assert (inbox / ACTIVITY).exists()
    assert statuses(load(home, database, inbox)) == ["loaded"]


def test_a_file_that_was_not_read_whole_is_read_again_by_another_version(
    home: Path, database: str, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = inbox.parent / "done"
    write_spotify(inbox / "endsong_0.json", [play(1, "Ann", "One"), play(500, "Ann", "Two") | {"ts": "soon"}])
    write_spotify(inbox / "endsong_1.json", [play(1000, "Ann", "One"), play(1500, "", "Two")])
    age_all(inbox)
    found = load(home, database, inbox, move_to=str(done))
    assert found["rejected_by_reason"] == {"bad_time": 1, "missing_artist": 1}
    assert [path.name for path in inbox.iterdir()] == []
    assert statuses(load(home, database, done)) == ["known", "known"]

    monkeypatch.setattr(known_files, "__version__", "0.2.0")

    assert statuses(load(home, database, done)) == ["loaded", "known"]
    assert statuses(load(home, database, done)) == ["known", "known"]


def test_every_reason_that_the_bytes_alone_decide_is_final() -> None:
    final = {str(reason) for reason in RejectReason if reason.read_again is ReadAgain.NEVER}

    assert final == {"error_page", "missing_artist", "missing_track", "missing_time"}
