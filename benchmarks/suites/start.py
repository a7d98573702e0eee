"""Measures how long the program takes to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import timed
from benchmarks.suite import IMPORTS, INTERPRETER, Line, Suite, of_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.suite import Bench, Sample


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once."""
    return {
        INTERPRETER: bench.interpreter(),
        IMPORTS: bench.imports(),
        "help": of_process(timed((*bench.etl, "--help"))),
        "version": of_process(timed((*bench.etl, "--version"))),
    }


SUITE = Suite(
    "start",
    "start-up of the program",
    {
        INTERPRETER: Line("interpreter start"),
        IMPORTS: Line("importing Polars and ADBC's dbapi", INTERPRETER),
        "help": Line("etl --help", INTERPRETER, "under 0.3 s"),
        "version": Line("etl --version", INTERPRETER),
    },
    measure,
    rounds=11,
)
