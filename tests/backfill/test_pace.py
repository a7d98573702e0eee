"""The estimate of the time that is left."""

from __future__ import annotations

import pytest

from etl.backfill.pace import Pace


def test_entities_from_the_cache_do_not_change_the_estimate() -> None:
    pace = Pace(0.0)
    for number in range(1_000):
        pace.done(number / 1_000, was_asked=False)
    assert pace.left(100) is None
    for second in range(1, 11):
        pace.done(1.0 + second, was_asked=True)
        pace.done(1.1 + second, was_asked=False)
    assert pace.left(100) == pytest.approx(100.0, rel=0.01)
