"""A signal ends a run at once, wherever it is; what was committed stays, and the next run completes it."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode
from etl.targets.postgres.connection import connect
from tests.cli.program import SCRIPT, running
from tests.helpers.disturbances import disturbance, inserted, once, wait_for, waiting
from tests.helpers.support import content, execute, load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.faults

SIGNALS = {
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGHUP: ExitCode.HUNG_UP,
    signal.SIGKILL: -signal.SIGKILL,
}
each_signal = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
# A batch that creates something waits here, with its rows written and uncommitted.
IN_A_BATCH = disturbance("AFTER INSERT ON track_lookup", "PERFORM pg_advisory_xact_lock(42);", each="STATEMENT")


@contextmanager
def held(uri: str, lock: str) -> Iterator[Callable[[], None]]:
    """Hold an advisory lock until the block ends or the value is called."""
    holder = connect(uri)
    holder.query_text(f"SELECT pg_advisory_lock({lock})::text")
    release = once(holder.close)
    try:
        yield release
    finally:
        release()


@each_signal
def test_a_run_that_is_ended_in_a_batch_is_completed_by_the_next(
    tmp_path: Path,
    home: Path,
    database: str,
    export: Path,
    scrobbles: list[dict[str, Any]],
    undisturbed: list[tuple[str, str]],
    number: signal.Signals,
) -> None:
    # Nine tracks are cached, so that a listen of theirs is committed before the others are created.
    load(home, database, write_maloja(tmp_path / "before.json", scrobbles[:9]))
    write_maloja(export, [*scrobbles, scrobble(5_000, ["Artist 0"], "Track 1", "Album 1")])
    execute(database, IN_A_BATCH)

    with held(database, "42") as release:
        with running(SCRIPT, "run", "--dsn", database, "--home", home, "--json", export) as process:
            wait_for(lambda: waiting(database, "advisory"))
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=20)
        after_signal = inserted(database)
        release()
    again = load(home, database, export)

    assert process.returncode == SIGNALS[number]
    assert "Traceback" not in stderr
    assert after_signal == 10
    if number != signal.SIGKILL:
        manifest = json.loads(stdout)
        assert (manifest["status"], manifest["exit_code"]) == ("interrupted", process.returncode)
        assert manifest["counts"] == {**manifest["counts"], "inserted": 1, "already_present": 9, "not_reached": 27}
    assert (again["exit_code"], again["counts"]["inserted"]) == (0, 27)
    assert inserted(database) == 37
    assert len(content(database)) == len(undisturbed) + 1
    assert {row for row in content(database) if row[0] != "listen"} == {
        row for row in undisturbed if row[0] != "listen"
    }


@each_signal
def test_a_run_that_waits_for_another_one_ends_at_once(
    home: Path, database: str, export: Path, number: signal.Signals
) -> None:
    with (
        held(database, "hashtextextended('etl.round', 0)"),
        running(SCRIPT, "run", "--dsn", database, "--home", home, "--json", export) as process,
    ):
        wait_for(lambda: waiting(database, "advisory"))
        process.send_signal(number)
        process.communicate(timeout=20)

        assert process.returncode == SIGNALS[number]
    assert inserted(database) == 0


def test_the_next_run_waits_for_the_batch_of_one_that_was_killed(home: Path, database: str, export: Path) -> None:
    # The server goes on with the batch of a dead process until it has to answer; a plan that was made in the meantime
    # would not see what that batch creates.
    execute(database, IN_A_BATCH)
    with held(database, "42") as release:
        with running(SCRIPT, "run", "--dsn", database, "--home", home, export) as killed:
            wait_for(lambda: waiting(database, "advisory"))
            killed.kill()
        with running(SCRIPT, "run", "--dsn", database, "--home", home, "--json", export) as process:
            wait_for(lambda: waiting(database, "advisory") == 2)
            release()
            stdout, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert json.loads(stdout)["created"] == {"artists": 5, "albums": 12, "tracks": 36}
    assert inserted(database) == 36
