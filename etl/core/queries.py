"""Queries views with DuckDB: named queries of ``sql/duckdb/queries``, or any SQL."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import polars as pl

from etl.core.atomic_file import atomic_file
from etl.core.errors import SettingsError
from etl.core.statements import statement, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NAME = re.compile(r"\s*(\w+)\s*")
_ABSENT = re.compile(r"Table with name (\w+) does not exist")  # DuckDB's message
_NEAR = 3  # names that resemble a misspelt one, at most


class NamedQuery(msgspec.Struct, frozen=True):
    """A query or a view of ``sql/duckdb``; its first comment says what it returns."""

    name: str
    about: str
    text: str


class Answer(msgspec.Struct, frozen=True):
    """The columns and rows that a query returned."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


@cache
def named_queries(group: str) -> list[NamedQuery]:
    """Return the queries of ``sql/duckdb/queries/<group>``, by name."""
    return [_named(name, text) for name, text in statements("duckdb", f"queries/{group}").items()]


@cache
def named_view(group: str, name: str) -> NamedQuery:
    """Return the view ``sql/duckdb/views/<group>/<name>.sql``."""
    return _named(name, statement("duckdb", f"views/{group}/{name}"))


def _named(name: str, text: str) -> NamedQuery:
    return NamedQuery(name, text.partition("\n")[0].lstrip("- "), text)


class QuerySession(msgspec.Struct, frozen=True):
    """A DuckDB connection with views, and what the user can ask it."""

    connection: duckdb.DuckDBPyConnection
    views: Mapping[str, NamedQuery]
    """The views that have data, by name, in the order in which they are created."""
    queries: Sequence[NamedQuery]
    command: str
    """The command that lists the views and queries."""
    settings: Sequence[str] = ()
    """Statements that the views depend on."""
    elsewhere: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Queries and views that another command has, with how to run them."""

    def ask(self, query: str) -> Answer:
        """Return the answer to ``query``: the name of a named query, or SQL over the views.

        Raises ``SettingsError`` for an unknown name, and for SQL that DuckDB rejects.
        """
        try:
            result = self._run(query)
            if result is None:
                return Answer([], [])
            # columns by number, as names may repeat; times as text, as they would need pytz as Python objects
            shown = ", ".join(
                f"#{number}::VARCHAR" if "TIME ZONE" in str(kind) else f"#{number}"
                for number, kind in enumerate(result.types, start=1)
            )
            return Answer(list(result.columns), result.project(shown).fetchall())
        except duckdb.Error as error:
            raise self._refused(error) from error

    def save(self, query: str, path: Path) -> int:
        """Write the answer to ``query`` as a Parquet file, with DuckDB's types, and return its number of rows.

        Raises as ``ask`` does, and ``SettingsError`` if there is nothing to write or ``path`` cannot be written.
        """
        try:
            with atomic_file(path) as partial:
                result = self._run(query)
                if result is None:
                    raise SettingsError("the query returns no rows to write", "Use another query, or omit --parquet")
                names = distinct(list(result.columns))
                named = ", ".join(f"#{place} AS {_quoted(name)}" for place, name in enumerate(names, start=1))
                partial.path.touch()  # the operating system's error says what is wrong, DuckDB's does not
                result.project(named).write_parquet(str(partial.path), compression="zstd")
                return int(pl.scan_parquet(partial.path, glob=False).select(pl.len()).collect().item())
        except duckdb.Error as error:
            raise self._refused(error) from error

    def frame(self, name: str, most: int | None = None) -> pl.DataFrame:
        """Return the answer to the named query ``name``; if ``most`` is given, only its first ``most`` rows."""
        answer = self.connection.sql(self.text_of(name))
        rows: pl.DataFrame = (answer if most is None else answer.limit(most)).pl()
        return rows

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each view."""
        return {name: self.connection.table(name).count("*").fetchall()[0][0] for name in self.views}

    def ddl(self) -> str:
        """Return the statements that create the views, for DuckDB's own shell."""
        return "".join(f"{text};\n" for text in (*self.settings, *(view.text.rstrip() for view in self.views.values())))

    def text_of(self, query: str) -> str:
        """Return the SQL of ``query``, which may be a name; raises ``SettingsError`` for an unknown name."""
        named = _NAME.fullmatch(query)
        if named is None:
            return query
        name = named[1]
        texts = {one.name: one.text for one in self.queries}
        if name not in texts:
            raise SettingsError(f'there is no query "{name}"', self._advice(name, list(texts)))
        return texts[name]

    def _run(self, query: str) -> duckdb.DuckDBPyRelation | None:
        """Run a query and return its relation; None for a statement that returns no rows."""
        return self.connection.sql(self.text_of(query))

    def _advice(self, name: str, known: list[str]) -> str:
        if name in self.views:
            return f"{name} is a view: --sql 'FROM {name}'"
        if name in self.elsewhere:
            return self.elsewhere[name]
        near = get_close_matches(name.lower(), known, _NEAR)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        return f"{meant}`{self.command}` lists the queries"

    def _refused(self, error: duckdb.Error) -> SettingsError:
        absent = _ABSENT.search(str(error))
        hint = self.elsewhere.get(absent[1]) if absent else None
        return SettingsError(
            f"the query failed: {error}", hint or f"`{self.command}` lists the views and named queries"
        )


def distinct(names: list[str]) -> list[str]:
    """Return ``names``, with the position appended to repeated ones: a JSON object cannot have a key twice."""
    return [name if name not in names[:place] else f"{name}_{place + 1}" for place, name in enumerate(names)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
