"""Measures a row-by-row load, at a size that ends in reasonable time, and one INSERT per listen as its minimum."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.measure import module, needed
from benchmarks.suite import FLOOR, Line, Sample, Suite, of_load
from benchmarks.suites.headline import history

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.suite import Bench

PLAYS = 5_000


def first_plays(bench: Bench) -> Path:
    """Return the first plays of the headline history, written once."""
    path = bench.folder / "maloja_export_first.json"
    if not path.exists():
        whole = json.loads(history(bench).read_text(encoding="ascii"))
        path.write_text(json.dumps({**whole, "scrobbles": whole["scrobbles"][:PLAYS]}), encoding="ascii")
    return path


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once."""
    export = first_plays(bench)
    bench.empty()
    whole = of_load(bench.load("--source", "maloja", str(export)), inserted=PLAYS)
    floor = bench.floor()
    bench.empty()
    return {"load": whole, FLOOR: floor, "rows": _row_by_row(bench, export)}


def _row_by_row(bench: Bench, export: Path) -> Sample:
    found = json.loads(needed(*module("row_by_row", bench.uri, str(export))))
    listens = found["listens"]
    remarks = () if listens == PLAYS else (f"{listens} listens instead of {PLAYS}",)
    return Sample(found["seconds"], listens=listens, remarks=remarks, details=found)


SUITE = Suite(
    "rows",
    "5,000 Maloja scrobbles into an empty database, row by row",
    {
        FLOOR: Line("bare COPY (the floor)"),
        "load": Line("etl run, whole process", FLOOR),
        "rows": Line("row by row, without start-up", "load"),
    },
    measure,
    rounds=3,
)
