"""Loads 49,050 Maloja scrobbles into an empty database, then again, then with ``--force``; and the bare COPY."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.history import HEADLINE
from benchmarks.measure import module, needed
from benchmarks.suite import FLOOR, IMPORTS, INTERPRETER, Line, Suite, of_load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.suite import Bench, Sample


def history(bench: Bench) -> Path:
    """Return the headline history, written once."""
    path = bench.folder / "maloja_export_headline.json"
    if not path.exists():
        needed(*module("history", "headline", str(path)))
    return path


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once."""
    load = ("--source", "maloja", str(history(bench)))
    bench.empty()
    return {
        "empty": of_load(bench.load(*load), inserted=HEADLINE.plays),
        "again": of_load(bench.load(*load), inserted=0, already_present=0),
        "force": of_load(bench.load(*load, "--force"), inserted=0, already_present=HEADLINE.plays),
        FLOOR: bench.floor(),
        IMPORTS: bench.imports(),
        INTERPRETER: bench.interpreter(),
    }


SUITE = Suite(
    "headline",
    "49,050 Maloja scrobbles, 5,589 artists, 2,628 albums, 19,000 tracks",
    {
        INTERPRETER: Line("interpreter start"),
        FLOOR: Line("bare COPY (the floor)"),
        IMPORTS: Line("importing Polars and ADBC's dbapi"),
        "empty": Line("empty database", FLOOR, "at most 1.25 x"),
        "again": Line("the same again", IMPORTS, "at most 1.4 x"),
        "force": Line("again with --force", FLOOR, "at most 0.8 x"),
    },
    measure,
)
