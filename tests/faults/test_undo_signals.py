"""Ctrl-C and SIGTERM end an undo at once, with a true account; the same command again removes the rest."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.core.failpoints import Point
from etl.runs.directory import RunDirectory, list_runs
from tests.faults.undos import POINTS, Chain, check_sound
from tests.helpers.support import counts
from tests.helpers.undos import undo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED, signal.SIGHUP: ExitCode.HUNG_UP}
DONE = {Point.AFTER_LEDGER_COMPLETE, Point.BEFORE_RENAME, Point.BEFORE_MANIFEST, Point.AFTER_MANIFEST}
"""Where the undo is complete, so that a signal changes nothing any more."""


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.value)
def test_an_undo_that_is_interrupted_says_what_it_removed(chain: Chain, point: Point, number: signal.Signals) -> None:
    code = ExitCode.OK if point in DONE else CODES[number]
    nth = min(2, POINTS[point])

    done = chain.start_undo(f"{point.value}:{nth}:{number.name}")
    _, stderr = done.communicate(timeout=60)

    assert (done.returncode, "Traceback" in stderr) == (code, False), stderr
    reported = list_runs(chain.home / "runs")[-1].read_manifest()
    assert (reported["exit_code"], reported["status"]) == (code, "interrupted" if code else "complete")
    assert reported["counts"]["removed"] <= chain.removed() == 71 - counts(chain.database)["listens"]
    assert chain.removed() - reported["counts"]["removed"] in {0, 12}  # the answer to the last commit may be missing
    assert sum(reported["counts"][name] for name in ("removed", "gone_before", "not_reached")) == 60
    check_sound(chain, reported)
    chain.complete()


@pytest.mark.parametrize("point", [Point.AFTER_STAGE, Point.BETWEEN_ROUNDS], ids=lambda point: point.value)
def test_an_interrupted_undo_that_is_repeated_counts_the_rest(chain: Chain, point: Point) -> None:
    chain.start_undo(f"{point.value}:3:SIGINT").communicate(timeout=60)
    first = chain.removed()
    assert first in {24, 36}

    again = undo(chain.home, chain.database, chain.first)

    assert (again["counts"]["removed"], again["counts"]["gone_before"]) == (60 - first, first)
    assert RunDirectory(chain.home / "runs" / chain.first["run_id"]).read_manifest()["undone_by"] == again["run_id"]


def test_a_run_that_was_interrupted_is_undone(home: Path, any_database: str, chain: Chain) -> None:
    undo(home, any_database, chain.first)
    undo(home, any_database, chain.second)
    run = chain.start("run", str(chain.export), fault="after_commit:2:SIGINT")
    run.communicate(timeout=60)
    assert run.returncode == ExitCode.INTERRUPTED
    interrupted = list_runs(home / "runs")[-1].read_manifest()
    inserted = counts(any_database)["listens"]
    assert 0 < inserted < 60

    undone = undo(home, any_database, interrupted)

    assert (undone["exit_code"], undone["counts"]["removed"]) == (0, inserted)
    check_sound(chain, interrupted, undone)
    assert set(counts(any_database).values()) == {0}
