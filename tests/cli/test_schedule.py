"""Scheduled runs: one at a time if asked for, an inbox, and metrics of failed runs too."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import LockedError
from etl.targets.postgres.target import PostgresTarget
from tests.cli.program import SAMPLES, SCRIPT, environment, etl
from tests.helpers.ages import age_all
from tests.helpers.disturbances import wait_for
from tests.helpers.support import opened, query, sqlite_file
from tests.pipeline.test_metrics import read

if TYPE_CHECKING:
    from collections.abc import Iterator

MALOJA = SAMPLES / "maloja"


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@contextmanager
def stopped(home: Path, uri: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Give a run that is stopped in the middle, like one that takes long."""
    env = environment(home, {"ETL_FAULT": "after_ledger_start:1:SIGSTOP"})
    command = [str(SCRIPT), "run", str(MALOJA), "--dsn", uri, *options]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: query(uri, "SELECT 1 FROM etl.runs WHERE finished_at IS NULL"))
            yield process
        finally:
            process.kill()


def test_while_a_run_is_active_another_is_refused_until_it_ends(database: str, tmp_path: Path) -> None:
    metrics = tmp_path / "etl.prom"
    with stopped(tmp_path, database) as process:
        done = etl("run", MALOJA, "--dsn", database, "--no-overlap", "--metrics", metrics, home=tmp_path / "other")
        assert (done.code, done.out) == (6, "")
        assert "another run is active on this database, since 20" in done.err
        assert read(metrics)["last_run_exit_code",] == 6
        assert not (tmp_path / "other").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        if not sqlite_file(database):  # the server may need a moment to see that the connection is closed
            with opened(database) as connection:
                wait_for(lambda: connection.query("active_runs").is_empty())
    again = etl("run", MALOJA, "--dsn", database, "--no-overlap", "--json", home=tmp_path)
    assert (again.code, again.json["status"]) == (0, "complete")
    assert again.json["settings"]["no_overlap"] is True


def test_a_run_that_may_overlap_does_not_wait_for_one_that_may_not(database: str, tmp_path: Path) -> None:
    with stopped(tmp_path, database, "--no-overlap"):
        assert etl("run", MALOJA, "--dsn", database, home=tmp_path).code == 0
        assert etl("run", MALOJA, "--dsn", database, "--no-overlap", "--dry-run", home=tmp_path).code == 6


def test_of_two_that_begin_at_once_one_is_refused_and_the_other_is_held(postgres_database: str) -> None:
    target = PostgresTarget(postgres_database, Path())
    with opened(postgres_database) as one, opened(postgres_database) as other:
        target.acquire_run_lock(one, exclusive=True)
        with pytest.raises(LockedError):
            target.acquire_run_lock(other, exclusive=True)
        target.acquire_run_lock(other, exclusive=False)
        assert one.query("active_runs").height == 1


def test_an_inbox_is_emptied_and_the_metrics_describe_each_run(database: str, tmp_path: Path) -> None:
    inbox, metrics = tmp_path / "inbox", tmp_path / "etl.prom"
    inbox.mkdir()
    for path in MALOJA.rglob("*.json"):
        (inbox / path.name).write_bytes(path.read_bytes())
    age_all(inbox)
    names = {path.name for path in inbox.iterdir()}
    env = {"ETL_MOVE_TO": str(tmp_path / "done"), "ETL_METRICS": str(metrics), "ETL_DSN": database}
    done = etl("run", inbox, home=tmp_path, env=env)
    assert done.code == 0, done.err
    assert {path.name for path in (tmp_path / "done").iterdir()} == names
    assert list(inbox.iterdir()) == []
    assert done.err.count("etl: moved ") == len(names)
    assert read(metrics)["last_run_files", "loaded"] == len(names)
    empty = etl("run", inbox, home=tmp_path, env=env)
    assert empty.code == 0, empty.err
    assert "complete: nothing new: there are no files" in empty.out
    (inbox / "notes.txt").write_text("no export")
    age_all(inbox)
    assert etl("run", inbox, home=tmp_path, env=env).code == 4
    assert read(metrics)["last_run_exit_code",] == 4
