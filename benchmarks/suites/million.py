"""Loads a million Spotify plays into an empty database, then 500 new ones, and a tenth of them for comparison."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.measure import module, needed
from benchmarks.suite import FLOOR, INTERPRETER, Line, Suite, of_load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.suite import Bench, Sample

PLAYS = 1_000_000
NEW = 500


def spotify(bench: Bench, plays: int) -> Path:
    """Return a history of ``plays`` plays, in files of 16,000 rows, written once."""
    folder = bench.folder / f"spotify-{plays}"
    if not folder.exists():
        needed(*module("history", "spotify", str(plays), str(folder)))
    return folder


def new_plays(bench: Bench, history: Path) -> Path:
    """Return a file of 500 plays later than ``history``: nine in ten are of its tracks, the others of a new album."""
    path = bench.folder / f"{history.name}-new" / "Streaming_History_Audio_2025_99.json"
    if path.exists():
        return path
    heard = [
        row
        for row in json.loads(next(history.glob("*_0.json")).read_text(encoding="utf-8"))
        if row["ms_played"] >= 30_000 and row["master_metadata_track_name"]
    ]
    for number, row in enumerate(heard[:NEW]):
        minutes, hours = number % 60, number // 60
        row["ts"] = f"2025-03-{1 + hours // 24:02d}T{hours % 24:02d}:{minutes:02d}:00Z"
        row["offline_timestamp"] = None
        if number % 10 == 0:
            row["master_metadata_album_album_name"] = "An Album of 2025"
            row["master_metadata_track_name"] = f"Number {number}"
    path.parent.mkdir()
    path.write_text(json.dumps(heard[:NEW], ensure_ascii=False), encoding="utf-8")
    return path


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once."""
    tenth, whole = spotify(bench, PLAYS // 10), spotify(bench, PLAYS)
    bench.empty()
    samples = {"tenth": of_load(bench.load("--source", "spotify", str(tenth)))}
    bench.empty()
    return {
        **samples,
        "empty": of_load(bench.load("--source", "spotify", str(whole))),
        "again": of_load(bench.load("--source", "spotify", str(whole)), inserted=0, already_present=0),
        "new": of_load(bench.load("--source", "spotify", str(new_plays(bench, whole))), inserted=NEW),
        "force": of_load(bench.load("--source", "spotify", str(whole), "--force"), inserted=0),
        FLOOR: bench.floor(),
        INTERPRETER: bench.interpreter(),
    }


SUITE = Suite(
    "million",
    "1,000,000 Spotify plays in 63 files, of which 741,687 are listens of 120,888 tracks",
    {
        INTERPRETER: Line("interpreter start"),
        FLOOR: Line("bare COPY (the floor)"),
        "tenth": Line("100,000 plays, empty database"),
        "empty": Line("1,000,000 plays, empty database", FLOOR, "at most 1.0 x; under 1,100 MB"),
        "again": Line("the same again", FLOOR),
        "new": Line("500 new plays added to them", FLOOR, "under 1.5 s beyond interpreter start"),
        "force": Line("again with --force", FLOOR),
    },
    measure,
    rounds=3,
)
