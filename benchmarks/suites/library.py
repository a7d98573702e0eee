"""Measures the report on a library of a million listens and one query of it, on a server and on Koito's SQLite file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.measure import timed
from benchmarks.suite import INTERPRETER, Line, Suite, of_process
from benchmarks.suites import million, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.suite import Bench, Sample

PLAYS = 1_350_000
"""Rows of a Spotify history with a million listens."""
IMPORTS = "import polars, duckdb, jinja2, adbc_driver_postgresql.dbapi"


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once; the first round loads the listens, which later rounds reuse."""
    history = str(million.spotify(bench, PLAYS))
    file = bench.folder / "library.db"
    dsns = {"server": "", "file": f"sqlite:///{file}" if file.exists() else sqlite.new_file(bench, "library")}
    for dsn in dsns.values():
        bench.load("--source", "spotify", history, dsn=dsn)
    page = str(bench.folder / "library.html")
    return {
        INTERPRETER: bench.interpreter(),
        "imports": of_process(timed((sys.executable, "-c", IMPORTS))),
        **{name: ask(bench, dsn, "report", "--output", page) for name, dsn in dsns.items()},
        "query": ask(bench, "", "inspect", "--sql", "totals"),
    }


def ask(bench: Bench, dsn: str, *words: str) -> Sample:
    """Time a command on the library at ``dsn``, by default the server's."""
    place = ("--dsn", dsn) if dsn else ()
    return of_process(timed((*bench.etl, *words, *place, "--home", str(bench.home), "--timezone", "Europe/Berlin")))


SUITE = Suite(
    "library",
    "a library of a million listens of 163,102 tracks",
    {
        INTERPRETER: Line("interpreter start"),
        "imports": Line("importing Polars, DuckDB, Jinja and ADBC"),
        "server": Line("etl report", "imports", "at most 3 s"),
        "file": Line("etl report, Koito's file", "imports", "at most 3 s"),
        "query": Line("etl inspect --sql totals", "imports"),
    },
    measure,
)
