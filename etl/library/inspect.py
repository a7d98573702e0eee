"""Queries a library with DuckDB: views of ``sql/duckdb/views/library``, named queries of ``queries/library``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from etl.core.errors import SettingsError
from etl.core.queries import NamedQuery, QuerySession, named_queries, named_view
from etl.runs.inspect import views as run_views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.library.read import Library

GROUP = "library"
_VIEWS = ("tracks", "albums", "credits", "artists", "plays", "listens", "loads")


def library_queries() -> list[NamedQuery]:
    """Return the named queries over a library, by name."""
    return named_queries(GROUP)


def library_views() -> dict[str, NamedQuery]:
    """Return the views by name, in the order in which they are created."""
    return {name: named_view(GROUP, name) for name in _VIEWS}


@contextmanager
def opened(library: Library) -> Iterator[QuerySession]:
    """Yield a session with the views of a library, over tables in memory.

    Raises ``SettingsError`` for a zone that DuckDB does not know.
    """
    zone = f"SET TimeZone = '{library.zone}'"
    with duckdb.connect() as connection:
        try:
            connection.execute(zone)
        except duckdb.Error as error:
            raise SettingsError(f"--timezone: {error}", "Give an IANA name such as Europe/Berlin") from error
        for name, frame in library.frames.items():
            connection.from_arrow(frame.to_arrow()).create(f"stored_{name}")
        for view in library_views().values():
            connection.execute(view.text)
        queries = library_queries()
        others = _of_a_run({*library_views(), *(query.name for query in queries)})
        yield QuerySession(connection, library_views(), queries, "etl inspect", (zone,), others)


def _of_a_run(known: set[str]) -> dict[str, str]:
    """Return how to run the queries and views that only a run has."""
    queries = {one.name: f"It is about a run: `etl inspect latest --sql {one.name}`" for one in named_queries("run")}
    views = {name: f"It is a view of a run: `etl inspect latest --sql 'FROM {name}'`" for name in run_views()}
    return {name: advice for name, advice in {**views, **queries}.items() if name not in known}
