"""Killed anywhere and started again, a load ends as one that nothing disturbed."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from etl.core.failpoints import Point
from tests.faults.kills import Case, begun
from tests.faults.record import record
from tests.helpers.disturbances import ROUNDS
from tests.helpers.support import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

pytestmark = pytest.mark.faults
each_round = pytest.mark.parametrize("seed", ROUNDS)

VISITS = {
    Point.AFTER_STAGE: 80,
    Point.BEFORE_COMMIT: 15,
    Point.AFTER_COMMIT: 15,
    Point.BEFORE_ENRICHMENT: 4,
    Point.BETWEEN_STEPS: 6,
    Point.BETWEEN_ROUNDS: 4,
    Point.BEFORE_RENAME: 5,
}
"""How often a run reaches a point, at least; once if a point is not listed. A run into a file has larger batches."""
DRAWS = 30
"""After so many runs that were killed too early or too late, something is wrong."""


@each_round
@pytest.mark.parametrize("point", Point, ids=lambda point: point.value)
def test_a_load_that_is_killed_at_a_point_is_completed_by_the_next_run(
    any_loader_case: Case, point: Point, seed: int
) -> None:
    kind = kind_of(any_loader_case.database)
    visits = VISITS.get(point, 1) // (2 if kind == "sqlite" else 1)
    nth = random.Random(seed).randint(1, max(1, visits))
    with any_loader_case.started({"ETL_FAULT": f"{point.value}:{nth}"}) as process:
        process.communicate(timeout=60)

    record("killed_at_points", **{kind: process.returncode == -signal.SIGKILL})
    assert process.returncode == -signal.SIGKILL
    any_loader_case.complete("killed_at_points")


@each_round
def test_a_load_that_is_killed_at_any_moment_is_completed_by_the_next_run(
    any_new_case: Callable[[], AbstractContextManager[Case]], seed: int
) -> None:
    chance, latest = random.Random(seed), 1.0
    for _ in range(DRAWS):
        with any_new_case() as case:
            is_hit = killed(case, chance.uniform(0, latest))
            if is_hit and chance.random() < 0.5:
                killed(case, chance.uniform(0, latest))
            case.complete("killed_at_random")
        if is_hit:
            return
        latest *= 0.8  # most often it came too late
    pytest.fail(f"none of {DRAWS} kills hit")


def killed(case: Case, seconds: float) -> bool:
    """Run the load, kill it ``seconds`` after it began, and say whether that was in the middle."""
    with case.started() as process:
        run = begun(process)
        time.sleep(seconds)
        process.kill()
        process.communicate(timeout=60)
    is_hit = case.batches(run) > 0 and case.manifest(run) is None
    record("killed_at_random", **{"draws": 1, kind_of(case.database): is_hit})
    return is_hit
