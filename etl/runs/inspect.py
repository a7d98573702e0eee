"""Queries a run directory with DuckDB: the views of ``sql/duckdb/views/run``, the named queries of ``queries/run``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from etl.core.errors import InputError
from etl.core.queries import Answer, NamedQuery, QuerySession, named_queries, named_view
from etl.core.schema import FILES_OF_SOME_RUNS, RUN_FILES, empty
from etl.runs.identity import RUN_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from etl.runs.directory import RunDirectory

GROUP = "run"
_ZONE = "SET TimeZone = 'UTC'"
_NEEDS = {
    **{name: (f"{name}.parquet",) for name in (*RUN_FILES, *FILES_OF_SOME_RUNS)},
    "plays": ("listens.parquet", "outcome.parquet"),
    "files": (RUN_JSON,),
    "timings": (RUN_JSON,),
}
"""For each view, in the order in which they are created, the files of the run that it reads."""


def views() -> dict[str, NamedQuery]:
    """Return the views by name, in the order in which they are created."""
    return {name: named_view(GROUP, name) for name in _NEEDS}


@contextmanager
def opened(run: RunDirectory, *, whole: bool = False) -> Iterator[QuerySession]:
    """Yield a session with the views of a run; if ``whole``, those of missing Parquet files too, without rows.

    Views of files that only some runs have are always there.

    Raises ``InputError`` for a run without Parquet files.
    """
    if run.is_undo:
        run.check_load()
    there, whole = _files(run), whole or not run.is_load
    made = {name: view for name, view in views().items() if set(_NEEDS[name]) <= there}
    with duckdb.connect() as connection:
        connection.execute(_ZONE)
        connection.execute("SET VARIABLE run = ?", [str(run.path)])
        for name, view in views().items():
            if name in FILES_OF_SOME_RUNS and name not in made:
                connection.register(name, empty(FILES_OF_SOME_RUNS[name]))
            elif name in made or (whole and name not in RUN_FILES):
                connection.execute(view.text)
            elif whole:
                connection.register(name, empty(RUN_FILES[name]))
        queries = named_queries(GROUP)
        settings = (_ZONE, f"SET VARIABLE run = {_literal(str(run.path))}")
        command = f"etl inspect {run.run_id}"
        others = _of_the_library({*views(), *(query.name for query in queries)})
        yield QuerySession(connection, made, queries, command, settings, others)


def ask(run: RunDirectory, query: str) -> Answer:
    """Return the answer to ``query``; raises as ``opened`` and ``QuerySession.ask`` do."""
    with opened(run) as session:
        return session.ask(query)


def save(run: RunDirectory, query: str, path: Path) -> int:
    """Write the answer to ``query`` to a Parquet file; raises as ``opened`` and ``QuerySession.save`` do."""
    with opened(run) as session:
        return session.save(query, path)


def _of_the_library(known: set[str]) -> dict[str, str]:
    """Return how to run the queries and views that only the whole library has."""
    options = {name: f"--sql 'FROM {name}'" for name in ("tracks", "albums", "artists", "credits", "loads")}
    options |= {query.name: f"--sql {query.name}" for query in named_queries("library")}
    return {
        name: f"It is about the whole library: `etl inspect {how}`"
        for name, how in options.items()
        if name not in known
    }


def _files(run: RunDirectory) -> set[str]:
    found = {name for needed in _NEEDS.values() for name in needed if (run.path / name).is_file()}
    if not found - {RUN_JSON}:
        raise InputError(f"run {run.run_id} has no Parquet files: it did not finish")
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
