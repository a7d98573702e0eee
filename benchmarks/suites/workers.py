"""Measures the headline load with one, two and four writing connections, and its ratio to the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.history import HEADLINE
from benchmarks.suite import FLOOR, Line, Suite, of_load
from benchmarks.suites.headline import history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.suite import Bench, Sample

COUNTS = (1, 2, 4)


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once."""
    samples = {}
    for count in COUNTS:
        bench.empty()
        load = ("--source", "maloja", str(history(bench)), "--workers", str(count))
        samples[str(count)] = of_load(bench.load(*load), inserted=HEADLINE.plays)
    return {**samples, FLOOR: bench.floor()}


SUITE = Suite(
    "workers",
    "the headline load by the number of workers",
    {
        FLOOR: Line("bare COPY (the floor)"),
        "1": Line("--workers 1", FLOOR),
        "2": Line("--workers 2", "1"),
        "4": Line("--workers 4", "1"),
    },
    measure,
)
