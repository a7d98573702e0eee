"""A file that another program has locked: a load waits for it, but not for ever, and not after the end of a run."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.targets.base import Failure, StatementError
from etl.targets.pool import Pool
from etl.targets.sqlite import lock_wait
from etl.targets.sqlite.connection import connect
from tests.helpers.disturbances import wait_for
from tests.helpers.file_lock import locked
from tests.helpers.koito_sqlite_actions import ask
from tests.helpers.logs import logged
from tests.helpers.support import content, load, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

    from etl.targets.sqlite.target import SqliteTarget

WHO = r"(another program|process \d+ \(python[\d.]*\))"  # Linux tells who has a file locked
SCROBBLES = [scrobble(number, [f"Artist {number}"], "Song", "Album") for number in range(5)]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_maloja(tmp_path / "maloja_export.json", SCROBBLES)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten all waits."""
    monkeypatch.setattr(lock_wait, "PATIENCE", 0.3)


@pytest.mark.parametrize("for_readers", [False, True], ids=["for writers", "for readers"])
def test_a_load_waits_until_the_file_is_free_and_says_so(
    tmp_path: Path, file: Path, export: Path, monkeypatch: pytest.MonkeyPatch, *, for_readers: bool
) -> None:
    monkeypatch.setattr(lock_wait, "LOG_AFTER", 0.1)
    manifests = []
    with logged() as messages:
        thread = threading.Thread(target=lambda: manifests.append(load(tmp_path / "home", f"sqlite:///{file}", export)))
        with locked(file, for_readers=for_readers):
            thread.start()
            wait_for(lambda: any("waiting" in message for message in messages))
        thread.join()

    assert manifests[0]["counts"]["inserted"] == len(SCROBBLES)
    reported = rf"waiting for {WHO}, which has {file} locked; at most 30 s"
    assert len([message for message in messages if re.fullmatch(reported, message)]) == 1


@pytest.mark.usefixtures("impatient")
def test_a_load_into_a_file_that_stays_locked_ends(tmp_path: Path, file: Path, export: Path) -> None:
    before = content(f"sqlite:///{file}")
    with locked(file):
        manifest = load(tmp_path / "home", f"sqlite:///{file}", export)

    assert (manifest["status"], manifest["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert re.match(rf"{WHO} has kept {file} locked for", manifest["error"])
    assert (manifest["counts"]["inserted"], manifest["counts"]["not_reached"]) == (0, len(SCROBBLES))
    assert content(f"sqlite:///{file}") == before
    assert load(tmp_path / "home", f"sqlite:///{file}", export)["counts"]["inserted"] == len(SCROBBLES)


@pytest.mark.usefixtures("impatient")
def test_a_file_that_cannot_even_be_read_is_refused(file: Path) -> None:
    with locked(file, for_readers=True), pytest.raises(StatementError, match=f"{WHO} has kept") as raised:
        connect(file).query("users")
    assert raised.value.failure is Failure.BUSY
    assert raised.value.exit_code == ExitCode.DATABASE
    assert "Stop the program that keeps it locked" in raised.value.hint


def test_the_end_of_a_pool_ends_the_wait(target: SqliteTarget) -> None:
    connection, _ = target.open()
    pool = Pool(target, connection, 1)
    with locked(target.path):
        waiting = pool.control_later(lambda own: own.execute("ledger_start_run", "run", "maloja", 1))
        time.sleep(0.1)
        pool.close()  # returns while the file is locked still
        with pytest.raises(StatementError, match="the connection is closed") as raised:
            waiting.result()
    assert raised.value.failure is Failure.LOST
    assert ask(target.path, "SELECT count(*) FROM etl_runs") == [(0,)]


def test_the_end_of_a_pool_ends_the_wait_for_an_undo(target: SqliteTarget) -> None:
    alone, _ = target.open()
    assert target.try_lock_exclusive(alone)
    connection, _ = target.open()
    pool = Pool(target, connection, 1)
    waiting = pool.control_later(lambda own: target.acquire_run_lock(own, exclusive=False))
    time.sleep(0.1)
    pool.close()
    with pytest.raises(StatementError, match="the connection is closed"):
        waiting.result()
    alone.close()
    again, _ = target.open()
    target.acquire_run_lock(again, exclusive=True)
    again.close()
