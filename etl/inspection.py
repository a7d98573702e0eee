"""DuckDB over a run directory: one view per Parquet file, and the named queries of ``sql/inspect``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from etl.database.statements import sql_folder
from etl.errors import InputError, SettingsError
from etl.schema import RUN_FILES

if TYPE_CHECKING:
    from etl.artifacts import RunDirectory


@dataclass(frozen=True)
class NamedQuery:
    """A query of ``sql/inspect``; the first comment says what it answers."""

    name: str
    about: str
    text: str


@dataclass(frozen=True)
class Answer:
    """The columns and rows of a query."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def named_queries() -> list[NamedQuery]:
    """Return the queries of ``sql/inspect``, by name."""
    files = sorted((sql_folder() / "inspect").glob("*.sql"))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    return [NamedQuery(name, text.partition("\n")[0].lstrip("- "), text) for name, text in texts.items()]


def ask(run: RunDirectory, query: str) -> Answer:
    """Return the answer to ``query``: the name of a named query, or SQL over the views.

    Raises ``SettingsError`` for SQL that DuckDB refuses, ``InputError`` for a run without Parquet files.
    """
    text = {named.name: named.text for named in named_queries()}.get(query.strip(), query)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        _make_views(connection, run)
        try:
            result: duckdb.DuckDBPyRelation | None = connection.sql(text)
            if result is None:
                return Answer([], [])
            # columns by number, as names may occur twice; times as text: as Python objects they would need pytz
            shown = ", ".join(
                f"#{number}::VARCHAR" if "TIME ZONE" in str(kind) else f"#{number}"
                for number, kind in enumerate(result.types, start=1)
            )
            return Answer(list(result.columns), result.project(shown).fetchall())
        except duckdb.Error as error:
            raise SettingsError(
                f"the query failed: {error}", "`etl inspect` lists the views and named queries"
            ) from error


def view_sizes(run: RunDirectory) -> dict[str, int]:
    """Return the rows of each view of a run; raises ``InputError`` for one without Parquet files."""
    return {
        name: ask(run, f"SELECT count(*) FROM {name}").rows[0][0]  # noqa: S608 (names of ours)
        for name in _views(run)
    }


def _make_views(connection: duckdb.DuckDBPyConnection, run: RunDirectory) -> None:
    for name in _views(run):
        connection.from_parquet(str(run.path / f"{name}.parquet")).create_view(name)


def _views(run: RunDirectory) -> list[str]:
    found = [name for name in RUN_FILES if (run.path / f"{name}.parquet").is_file()]
    if not found:
        raise InputError(f"run {run.run_id} has no Parquet files: it did not come to its end")
    return found
