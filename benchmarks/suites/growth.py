"""Measures how the cost grows: Spotify histories from 10,000 to 10,000,000 plays, each followed by 500 new plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.suite import INTERPRETER, Line, Suite, of_load
from benchmarks.suites.million import NEW, new_plays, spotify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.suite import Bench, Sample

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once, up to ``bench.largest`` plays."""
    samples = {}
    for size in SIZES:
        if size > bench.largest:
            continue
        history = spotify(bench, size)
        bench.empty()
        samples[str(size)] = of_load(bench.load("--source", "spotify", str(history)))
        new = new_plays(bench, history)
        samples[f"{size}+{NEW}"] = of_load(bench.load("--source", "spotify", str(new)), inserted=NEW)
        samples[f"{size} again"] = of_load(bench.load("--source", "spotify", str(history), "--force"), inserted=0)
    return {INTERPRETER: bench.interpreter(), **samples}


SUITE = Suite(
    "growth",
    "Spotify histories of growing size into an empty database, then 500 new plays, then the history with --force",
    {
        INTERPRETER: Line("interpreter start"),
        **{
            name: line
            for size in SIZES
            for name, line in (
                (str(size), Line(f"{size:,} plays")),
                (
                    f"{size}+{NEW}",
                    Line(f"{NEW} new, {size:,} stored", target="under 1.5 s beyond interpreter start"),
                ),
                (f"{size} again", Line(f"{size:,} plays again, --force")),
            )
        },
    },
    measure,
    rounds=1,
)
