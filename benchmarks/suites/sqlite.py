"""Loads into Koito's SQLite file, also while Koito scrobbles, and compares it with the bare ingest and PostgreSQL."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.history import HEADLINE
from benchmarks.measure import ROOT, environment, module, needed
from benchmarks.suite import FLOOR, INTERPRETER, Line, Sample, Suite, of_load
from benchmarks.suites import headline, million

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.suite import Bench

LOCK = "longest_lock"


def new_file(bench: Bench, name: str) -> str:
    """Create a file with Koito's schema and our tables, and return its DSN."""
    path = bench.folder / f"{name}.db"
    needed(*module("koito_file", "create", str(path)))
    needed(*bench.etl, "db", "migrate", "--no-backup", "--dsn", str(path), "--home", str(bench.home))
    return f"sqlite:///{path}"


def floor(dsn: str) -> Sample:
    """Measure the bare ingest of the rows in the file."""
    found = json.loads(needed(*module("koito_file", "floor", dsn.removeprefix("sqlite:///"))))
    return Sample(found["seconds"], listens=found["rows"]["listens"], details=found)


@contextmanager
def scrobbling(dsn: str) -> Iterator[dict[str, Any]]:
    """Let another process scrobble into the file during the block; the yielded dict gets its report afterwards."""
    command = module("koito_file", "scrobble", dsn.removeprefix("sqlite:///"))
    pipe = subprocess.PIPE
    found: dict[str, Any] = {}
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None  # noqa: S101 (for the type checker)
        process.stdout.readline()
        yield found
        found |= json.loads(process.communicate()[0])


def while_koito_scrobbles(bench: Bench, name: str, load: tuple[str, ...]) -> dict[str, Sample]:
    """Load while Koito scrobbles; return the load, the longest wait of a scrobble and the longest write lock."""
    dsn = new_file(bench, name)
    with scrobbling(dsn) as report:
        loaded = of_load(bench.load(*load, dsn=dsn))
    lost = (f"{report['failed']} scrobbles failed",) if report["failed"] else ()
    return {
        "scrobbling": loaded,
        "wait": Sample(report["longest"], remarks=lost, details=report),
        "lock": Sample(loaded.details["timings"][LOCK]),
    }


def measure_headline(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once."""
    load = ("--source", "maloja", str(headline.history(bench)))
    bench.empty()
    postgres = of_load(bench.load(*load), inserted=HEADLINE.plays)
    dsn = new_file(bench, "headline")
    loaded = of_load(bench.load(*load, dsn=dsn), inserted=HEADLINE.plays)
    return {
        "postgres": postgres,
        "empty": loaded,
        "writing": Sample(loaded.details["timings"]["load"]),
        "again": of_load(bench.load(*load, dsn=dsn), inserted=0, already_present=0),
        "force": of_load(bench.load(*load, "--force", dsn=dsn), inserted=0, already_present=HEADLINE.plays),
        FLOOR: floor(dsn),
        **while_koito_scrobbles(bench, "scrobbled", load),
        INTERPRETER: bench.interpreter(),
    }


def measure_million(bench: Bench, plays: int) -> Mapping[str, Sample]:
    """Measure every line once."""
    load = ("--source", "spotify", str(million.spotify(bench, plays)))
    dsn = new_file(bench, "million")
    loaded = of_load(bench.load(*load, dsn=dsn))
    new = str(million.new_plays(bench, million.spotify(bench, plays)))
    return {
        "empty": loaded,
        "lock": Sample(loaded.details["timings"][LOCK]),
        "again": of_load(bench.load(*load, dsn=dsn), inserted=0, already_present=0),
        "new": of_load(bench.load("--source", "spotify", new, dsn=dsn), inserted=million.NEW),
        "force": of_load(bench.load(*load, "--force", dsn=dsn), inserted=0),
        FLOOR: floor(dsn),
        INTERPRETER: bench.interpreter(),
    }


SUITE = Suite(
    "sqlite",
    "the headline history into Koito's SQLite file",
    {
        INTERPRETER: Line("interpreter start"),
        FLOOR: Line("bare ingest (the floor)"),
        "postgres": Line("PostgreSQL, empty database"),
        "empty": Line("Koito's empty file", "postgres", "at most 0.75 x PostgreSQL"),
        "writing": Line("of it, the step that writes", FLOOR, "at most 1.5 x"),
        "again": Line("the same again", "empty"),
        "force": Line("again with --force", "empty", "at most 0.6 x"),
        "scrobbling": Line("while Koito scrobbles", "empty"),
        "wait": Line("longest wait of a scrobble", "", "under 1.5 s"),
        "lock": Line("longest write lock", "", "under 1 s"),
    },
    measure_headline,
)
MILLION = Suite(
    "sqlite-million",
    "1,000,000 Spotify plays into Koito's SQLite file",
    {
        INTERPRETER: Line("interpreter start"),
        FLOOR: Line("bare ingest (the floor)"),
        "empty": Line("Koito's empty file", FLOOR, "at most 2 x; under 1,500 MB"),
        "lock": Line("longest write lock", "", "under 1 s"),
        "again": Line("the same again", FLOOR),
        "new": Line("500 new plays", FLOOR),
        "force": Line("again with --force", "empty"),
    },
    partial(measure_million, plays=million.PLAYS),
    rounds=3,
)
