"""DuckDB over a run directory: the views of ``sql/duckdb/views`` and the named queries of ``sql/duckdb/queries``."""

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from etl.core.atomic_file import atomic_file
from etl.core.errors import InputError, SettingsError
from etl.core.schema import FILES_OF_SOME_RUNS, RUN_FILES, empty
from etl.core.statements import statement, statements
from etl.runs.identity import RUN_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from etl.runs.directory import RunDirectory

_SETTING = "SET TimeZone = 'UTC'"
_NEEDS = {
    **{name: (f"{name}.parquet",) for name in (*RUN_FILES, *FILES_OF_SOME_RUNS)},
    "plays": ("listens.parquet", "outcome.parquet"),
    "files": (RUN_JSON,),
    "timings": (RUN_JSON,),
}
"""Of each view, in the order in which they are made: the files of the run that it reads."""


@dataclass(frozen=True)
class NamedQuery:
    """A query or a view of ``sql/duckdb``; its first comment says what it answers or holds."""

    name: str
    about: str
    text: str


@dataclass(frozen=True)
class Answer:
    """The columns and rows of a query."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def named_queries() -> list[NamedQuery]:
    """Return the queries of ``sql/duckdb/queries``, by name."""
    texts = statements("duckdb", "queries")
    return [NamedQuery(name, text.partition("\n")[0].lstrip("- "), text) for name, text in texts.items()]


@cache
def views() -> dict[str, NamedQuery]:
    """Return the views by name, in the order in which they are made."""
    texts = {name: statement("duckdb", f"views/{name}") for name in _NEEDS}
    return {name: NamedQuery(name, text.partition("\n")[0].lstrip("- "), text) for name, text in texts.items()}


@contextmanager
def opened(run: RunDirectory, *, whole: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection with the views of a run; if ``whole``, those of missing Parquet files too, without rows.

    Those of files that only some runs have are there in any case.

    Raises ``InputError`` for a run without Parquet files.
    """
    if run.is_undo:
        run.check_load()
    there, whole = _files(run), whole or not run.is_load
    with duckdb.connect() as connection:
        connection.execute(_SETTING)
        connection.execute("SET VARIABLE run = ?", [str(run.path)])
        for name, view in views().items():
            is_there = set(_NEEDS[name]) <= there
            if name in FILES_OF_SOME_RUNS and not is_there:
                connection.register(name, empty(FILES_OF_SOME_RUNS[name]))
            elif is_there or (whole and name not in RUN_FILES):
                connection.execute(view.text)
            elif whole:
                connection.register(name, empty(RUN_FILES[name]))
        yield connection


def ask(run: RunDirectory, query: str) -> Answer:
    """Return the answer to ``query``: the name of a named query, or SQL over the views.

    Raises ``SettingsError`` for SQL that DuckDB refuses, ``InputError`` for a run without Parquet files.
    """
    with _asked(run, query) as result:
        if result is None:
            return Answer([], [])
        # columns by number, as names may occur twice; times as text: as Python objects they would need pytz
        shown = ", ".join(
            f"#{number}::VARCHAR" if "TIME ZONE" in str(kind) else f"#{number}"
            for number, kind in enumerate(result.types, start=1)
        )
        return Answer(list(result.columns), result.project(shown).fetchall())


def save(run: RunDirectory, query: str, path: Path) -> int:
    """Write the answer to ``query`` as a Parquet file, with DuckDB's types, and return its rows.

    Raises as ``ask``, and ``SettingsError`` where there is nothing to write or no place for it.
    """
    with _asked(run, query) as result, atomic_file(path) as partial:
        if result is None:
            raise SettingsError("the query gives no rows to write", "Give one that does, or leave --parquet out")
        names = distinct(list(result.columns))
        named = ", ".join(f"#{place} AS {_quoted(name)}" for place, name in enumerate(names, start=1))
        partial.path.touch()  # an operating system's error says what is wrong, DuckDB's does not
        result.project(named).write_parquet(str(partial.path), compression="zstd")
        return int(pl.scan_parquet(partial.path, glob=False).select(pl.len()).collect().item())


def view_sizes(run: RunDirectory) -> dict[str, int]:
    """Return the rows of each view of a run; raises ``InputError`` for one without Parquet files."""
    with opened(run) as connection:
        there = _files(run)
        return {
            name: connection.table(name).count("*").fetchall()[0][0]
            for name, needed in _NEEDS.items()
            if set(needed) <= there
        }


def duckdb_command(run: RunDirectory) -> str:
    """Return the shell command that opens the views of a run in DuckDB's own shell."""
    there = _files(run)
    folder = str(run.path).replace("'", "''")
    made = [_bare(view.text) for name, view in views().items() if set(_NEEDS[name]) <= there]
    statements = ";\n".join([_SETTING, f"SET VARIABLE run = '{folder}'", *made])
    return f"duckdb -cmd {_in_shell(f'{statements};')}"


def distinct(names: list[str]) -> list[str]:
    """Return ``names`` with the position added to those that come again: an object has each once."""
    return [name if name not in names[:place] else f"{name}_{place + 1}" for place, name in enumerate(names)]


@contextmanager
def _asked(run: RunDirectory, query: str) -> Iterator[duckdb.DuckDBPyRelation | None]:
    """Give what DuckDB makes of a query, and tell its errors as ours; None for a statement that gives no rows."""
    text = {named.name: named.text for named in named_queries()}.get(query.strip(), query)
    with opened(run) as connection:
        try:
            yield connection.sql(text)
        except duckdb.Error as error:
            raise SettingsError(
                f"the query failed: {error}", "`etl inspect` lists the views and named queries"
            ) from error


def _files(run: RunDirectory) -> set[str]:
    found = {name for needed in _NEEDS.values() for name in needed if (run.path / name).is_file()}
    if not found - {RUN_JSON}:
        raise InputError(f"run {run.run_id} has no Parquet files: it did not come to its end")
    return found


def _bare(text: str) -> str:
    """Return a statement without its comments."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def _in_shell(text: str) -> str:
    """Return ``text`` quoted for a shell: in double quotes, as SQL is full of single ones, where that is safe."""
    if "!" in text:  # the history of an interactive shell
        return shlex.quote(text)
    return '"' + re.sub(r'([\\"$`])', r"\\\1", text) + '"'


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
