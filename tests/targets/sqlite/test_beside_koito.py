"""A load while Koito runs: whatever it commits in between is seen, and no transaction lasts long."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from adbc_driver_manager import OperationalError

from etl.core.settings import RunSettings
from etl.core.workspace import Workspace
from etl.load import loader
from etl.load.loader import Sizes
from etl.pipeline.run import run
from etl.resolve.planner import Plan, Planner
from etl.targets.base import Failure, StatementError
from etl.targets.sqlite.write_pace import CHANGE, FIRST, GOAL, LEAST, WritePace
from tests.helpers import koito_sqlite_actions as koito
from tests.helpers.koito_sqlite import opened_file
from tests.helpers.support import content, load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from etl.targets.sqlite.target import SqliteTarget

pytestmark = pytest.mark.slow

SCROBBLES = [
    scrobble(number, [f"Artist {number % 7}"], f"Track {number}", f"Album {number % 11}") for number in range(90)
]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_maloja(tmp_path / "maloja_export.json", SCROBBLES)


@pytest.fixture
def while_planning(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], list[int]]:
    """Return a function that runs an action after each read of the data; it returns the sizes of the rounds."""
    rounds: list[int] = []
    resolve_all = Planner.resolve_all

    def arrange(action: Callable[[], None]) -> list[int]:
        def plan(self: Planner, requests: pl.DataFrame) -> Plan:
            rounds.append(requests.height)
            action()
            return resolve_all(self, requests)

        monkeypatch.setattr(Planner, "resolve_all", plan)
        return rounds

    return arrange


def scrobbler(file: Path, times: int) -> Callable[[], None]:
    """Return a function that scrobbles new entities, at most ``times`` times, but not while the file is locked."""
    left = iter(range(times))

    def act() -> None:
        if not is_locked(file) and (number := next(left, None)) is not None:
            koito.scrobble(file, f"Live {number}", "Live", f"Song {number}", 5_000 + number)

    return act


def is_locked(file: Path) -> bool:
    with opened_file(file) as run_sql:
        run_sql("PRAGMA busy_timeout = 0")
        try:
            run_sql("BEGIN IMMEDIATE")
        except OperationalError:
            return True
        run_sql("ROLLBACK")
    return False


def expected(tmp_path: Path, template: Path, export: Path, scrobbles: int) -> list[tuple[str, str]]:
    """Return the content of a file that got the scrobbles first, and then the load undisturbed."""
    file = tmp_path / "expected.db"
    file.write_bytes(template.read_bytes())
    act = scrobbler(file, scrobbles)
    for _ in range(scrobbles):
        act()
    load(tmp_path / "undisturbed", f"sqlite:///{file}", export)
    return content(f"sqlite:///{file}")


@pytest.mark.parametrize("times", [1, 4, 1000])
def test_scrobbles_while_a_round_is_planned(
    tmp_path: Path,
    file: Path,
    koito_template: Path,
    export: Path,
    monkeypatch: pytest.MonkeyPatch,
    while_planning: Callable[[Callable[[], None]], list[int]],
    times: int,
) -> None:
    monkeypatch.setattr(loader, "EXCLUSIVE_ROUND", 10)
    rounds = while_planning(scrobbler(file, times))
    manifest = load(tmp_path / "home", f"sqlite:///{file}", export)

    assert manifest["status"] == "complete"
    assert manifest["counts"]["inserted"] == len(SCROBBLES)
    assert manifest["counts"]["failed"] == 0
    assert rounds[:3] == ([90, 45, 45] if times == 1 else [90, 45, 23])
    found = koito.ask(file, "SELECT count(*) FROM listens WHERE client = 'koito'")[0][0]
    assert found == min(times, found) > 0
    if times < 1000:
        assert found == times
    assert content(f"sqlite:///{file}") == expected(tmp_path, koito_template, export, found)


def test_a_scrobble_while_a_step_is_planned_ahead(
    tmp_path: Path,
    file: Path,
    koito_template: Path,
    export: Path,
    monkeypatch: pytest.MonkeyPatch,
    while_planning: Callable[[Callable[[], None]], list[int]],
) -> None:
    numbers, act = itertools.count(1), scrobbler(file, 1)
    first_is_written = threading.Event()
    write_step = loader.Loader._write_step

    def write(self: loader.Loader, planned: Any) -> Any:  # noqa: ANN401 (as it comes)
        written = write_step(self, planned)
        first_is_written.set()
        return written

    def act_in_the_second() -> None:
        if next(numbers) == 2:
            assert first_is_written.wait(10)
            act()

    monkeypatch.setattr(loader.Loader, "_write_step", write)
    rounds = while_planning(act_in_the_second)
    home, target = Workspace(tmp_path / "home", f"sqlite:///{file}"), f"sqlite:///{file}"
    manifest = run(home, RunSettings(), [export], sizes=Sizes(step=30))

    assert (manifest["status"], manifest["counts"]["inserted"]) == ("complete", len(SCROBBLES))
    assert rounds == [30, 30, 30, 30, 30]  # the second is planned again, and so is the third, which relied on it
    assert content(target) == expected(tmp_path, koito_template, export, 1)


def test_a_scrobble_of_an_artist_that_the_load_is_about_to_make(
    tmp_path: Path, file: Path, export: Path, while_planning: Callable[[Callable[[], None]], list[int]]
) -> None:
    numbers = itertools.count()

    def act() -> None:
        if next(numbers) == 0:
            koito.scrobble(file, "Artist 3", "Album 3", "Track 3", 9_000)

    while_planning(act)
    load(tmp_path / "home", f"sqlite:///{file}", export)

    assert koito.ask(file, "SELECT count(*), count(DISTINCT name) FROM artists_with_name") == [(7, 7)]
    assert koito.ask(file, "SELECT count(*), count(DISTINCT title) FROM tracks_with_title") == [(90, 90)]


def test_a_merge_between_look_up_and_insert(
    tmp_path: Path, file: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{file}"
    load(tmp_path / "home", uri, export)
    more = write_maloja(tmp_path / "more.json", [*SCROBBLES, scrobble(500, ["Artist 3"], "Track 3", "Album 3")])
    load_hits = loader.Loader.load_hits

    def after_a_merge(self: loader.Loader, hits: Any) -> list[str]:  # noqa: ANN401 (as it comes)
        (old,), (new,) = (
            koito.ask(file, "SELECT id FROM tracks_with_title WHERE title = ?1", title)[0]
            for title in ("Track 3", "Track 4")
        )
        koito.merge_tracks(file, old, new)
        return load_hits(self, hits)

    monkeypatch.setattr(loader.Loader, "load_hits", after_a_merge)
    again = load(tmp_path / "home", uri, more, force=True)

    assert again["counts"]["inserted"] == 1
    assert koito.ask(file, "SELECT count(*) FROM tracks_with_title WHERE title = 'Track 3'") == [(0,)]
    title = koito.ask(
        file, "SELECT title FROM tracks_with_title t JOIN listens l ON l.track_id = t.id WHERE listened_at = 1577837300"
    )
    assert title == [("Track 4",)]


def test_a_batch_is_refused_once_another_connection_has_written(target: SqliteTarget) -> None:
    connection, _ = target.open()
    target.begin_round(connection)
    target.begin_batch(connection)
    connection.commit()
    target.begin_batch(connection)  # own commits do not count
    connection.commit()
    koito.act(target.path, "INSERT INTO users (username, password) VALUES ('second', x'00')")
    with pytest.raises(StatementError) as raised:
        target.begin_batch(connection)
    assert raised.value.failure is Failure.STALE_SNAPSHOT
    connection.rollback()
    target.begin_round(connection, exclusive=True)
    assert is_locked(target.path)
    target.begin_batch(connection)
    connection.rollback()
    connection.close()


def test_scrobbles_all_along_in_another_thread(tmp_path: Path, file: Path, export: Path) -> None:
    ended, stored = threading.Event(), []

    def scrobble_on() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            koito.scrobble(file, f"Live {number}", "Live", f"Song {number}", 5_000 + number)
            stored.append(number)
            time.sleep(0.1)

    thread = threading.Thread(target=scrobble_on)
    thread.start()
    try:
        manifest = run(Workspace(tmp_path / "home", f"sqlite:///{file}"), RunSettings(), [export], sizes=Sizes(30, 45))
    finally:
        ended.set()
        thread.join()
    assert manifest["status"] == "complete"
    assert koito.ask(file, "SELECT count(*) FROM listens") == [(len(SCROBBLES) + len(stored),)]
    assert koito.ask(file, "PRAGMA integrity_check") == [("ok",)]
    assert koito.ask(file, "PRAGMA foreign_key_check") == []


def test_batches_follow_the_time_that_the_last_ones_took() -> None:
    pace = WritePace()
    assert pace.rows == FIRST
    pace.note(FIRST, GOAL / 100)
    assert pace.rows == CHANGE * FIRST  # not more at once
    pace.note(CHANGE * FIRST, GOAL * 2)
    assert pace.rows == CHANGE * FIRST // 2
    pace.note(CHANGE * FIRST // 2, 1000.0)
    assert pace.rows == FIRST // 2
    for _ in range(9):
        pace.note(LEAST, 1000.0)
    assert pace.rows == LEAST
    pace.note(1, 10.0)  # tells nothing of the speed
    assert (pace.rows, pace.longest) == (LEAST, 1000.0)
    pace.note(LEAST // 2, GOAL / 100)
    assert pace.rows == CHANGE * LEAST


def test_a_pause_lies_between_two_transactions(target: SqliteTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("etl.targets.sqlite.write_pace.time.sleep", slept.append)
    connection, _ = target.open()
    for _ in range(3):
        connection.begin_write()
        connection.commit()
    connection.close()
    assert len(slept) <= 2
    assert all(0 < seconds <= 0.05 for seconds in slept)
