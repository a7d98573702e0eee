"""An undo and a run wait for each other, say so, and end at once when the user stops waiting."""

from __future__ import annotations

import signal
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from etl.core.workspace import Workspace
from etl.runs.directory import list_runs
from etl.targets.open import find_target
from tests.cli.program import SAMPLES, SCRIPT, environment, running
from tests.helpers.support import counts, load

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from etl.targets.base import Connection

pytestmark = pytest.mark.faults

EXPORT = SAMPLES / "maloja"
FOR_A_RUN = "waiting for another run on this database to end"
FOR_AN_UNDO = "waiting for an undo on this database to end"
each_end = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@contextmanager
def held(home: Path, uri: str, *, alone: bool) -> Iterator[Connection]:
    """Hold the run lock as an undo (``alone``) or as a run until the block ends."""
    target = find_target(Workspace(home, uri))
    connection, _ = target.open()
    with closing(connection):
        if alone:
            assert target.try_lock_exclusive(connection)
        else:
            target.acquire_run_lock(connection, exclusive=False)
        yield connection


def started(home: Path, *words: str | Path) -> AbstractContextManager[subprocess.Popen[str]]:
    return running(SCRIPT, *words, env=environment(home))


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    """Read stderr until a line has ``text``."""
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return
    pytest.fail(f"it ended without a word of waiting: {lines}")


@each_end
def test_an_undo_that_waits_ends_at_once_and_removes_nothing(
    home: Path, any_database: str, number: signal.Signals
) -> None:
    run = load(home, any_database, EXPORT)
    with (
        held(home, any_database, alone=False),
        started(home, "undo", run["run_id"], "--yes", "--dsn", any_database) as process,
    ):
        wait_for_line(process, FOR_A_RUN)
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number  # while the lock is still held

    assert counts(any_database)["listens"] == run["counts"]["inserted"]
    assert [one.run_id for one in list_runs(home / "runs")] == [run["run_id"]]


@each_end
def test_a_run_that_waits_for_an_undo_ends_at_once(home: Path, any_database: str, number: signal.Signals) -> None:
    with held(home, any_database, alone=True), started(home, "run", EXPORT, "--dsn", any_database) as process:
        wait_for_line(process, FOR_AN_UNDO)
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number

    assert counts(any_database)["listens"] == 0


def test_an_undo_goes_on_when_the_run_has_ended(home: Path, any_database: str) -> None:
    run = load(home, any_database, EXPORT)
    with ExitStack() as processes:
        with held(home, any_database, alone=False):
            process = processes.enter_context(started(home, "undo", run["run_id"], "--yes", "--dsn", any_database))
            wait_for_line(process, FOR_A_RUN)
            assert counts(any_database)["listens"] == run["counts"]["inserted"]
        process.communicate(timeout=60)

    assert process.returncode == 0
    assert set(counts(any_database).values()) == {0}


def test_runs_go_on_when_the_undo_has_ended(home: Path, any_database: str) -> None:
    command = ("run", EXPORT, "--dsn", any_database, "--force")
    with ExitStack() as processes:
        with held(home, any_database, alone=True):
            waiting = [processes.enter_context(started(home, *command)) for _ in range(2)]
            for one in waiting:
                wait_for_line(one, FOR_AN_UNDO)
            with started(home, *command, "--no-overlap") as third:
                third.communicate(timeout=60)
            assert (third.returncode, counts(any_database)["listens"]) == (6, 0)
        for one in waiting:
            one.communicate(timeout=60)

    assert [one.returncode for one in waiting] == [0, 0]
    assert counts(any_database)["listens"] == 26


def test_two_undos_at_once_remove_everything_once(home: Path, any_database: str) -> None:
    run = load(home, any_database, EXPORT)
    command = ("undo", run["run_id"], "--yes", "--json", "--dsn", any_database)
    with started(home, *command) as first, started(home, *command) as second:
        reported = [first.communicate(timeout=60)[0], second.communicate(timeout=60)[0]]

    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted('"undone_before": true' in one for one in reported) == [False, True]
    assert set(counts(any_database).values()) == {0}
