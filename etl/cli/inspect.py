"""``etl inspect``: queries the library or a run with DuckDB."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.completion import complete_queries
from etl.cli.library import open_library, warn_ignored_options
from etl.cli.log import program
from etl.cli.output import fits, show, show_csv, show_json, show_records, show_table
from etl.cli.workspace import open_run
from etl.core.errors import SettingsError
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.core.queries import Answer, QuerySession

logger = logging.getLogger(__name__)


def inspect(
    context: typer.Context,
    run: options.RunOrLibrary = None,
    sql: Annotated[
        str | None,
        typer.Option(
            metavar="QUERY",
            help="SQL over the views, or the name of a named query.",
            autocompletion=complete_queries,
        ),
    ] = None,
    ddl: Annotated[bool, typer.Option("--ddl", help="Print the statements that create the views.")] = False,
    user: options.User = None,
    timezone: options.ShownZone = None,
    dsn: options.Dsn = None,
    home: options.Home = None,
    json: options.Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the result as CSV.")] = False,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result to a Parquet file.", readable=False)
    ] = None,
) -> None:
    """Query the library, or the files of a run, with DuckDB: named queries or any SQL.

    Without --sql, list the views and the named queries. The library is everything that a user of the database has
    listened to, whichever program stored it: the views listens, tracks, albums and artists. A run has one view for each
    of its files.
    """
    if csv + json + (parquet is not None) > 1:
        raise SettingsError("--csv, --json and --parquet exclude one another", "Give one of them")
    if sql is None and (csv or parquet is not None):
        raise SettingsError("--csv and --parquet need a query", "Add --sql QUERY; `etl inspect` lists the named ones")
    if ddl and sql is not None:
        raise SettingsError("--ddl and --sql exclude one another", "Give one of them")
    if run is not None:
        warn_ignored_options(context)
    with _of_run(home, run) if run is not None else _of_library(home, dsn, user, timezone) as (about, session):
        if ddl:
            _show_ddl(session, json=json)
        elif sql is None:
            _show_overview(about, session, json=json)
        elif parquet is not None:
            logger.info("%s: %s rows", parquet, f"{session.save(sql, parquet):,}")
        else:
            _show_answer(session.ask(sql), json=json, csv=csv)


@contextmanager
def _of_run(home: str | None, run: str) -> Iterator[tuple[dict[str, str], QuerySession]]:
    from etl.runs.inspect import opened

    directory = open_run(home, run)
    with opened(directory) as session:
        yield {"run_id": directory.run_id}, session


@contextmanager
def _of_library(
    home: str | None, dsn: str | None, user: str | None, timezone: str | None
) -> Iterator[tuple[dict[str, str], QuerySession]]:
    from etl.library import opened

    library = open_library(home, dsn, user, timezone)
    with opened(library) as session:
        yield {"user": library.user, "timezone": library.zone}, session


def _show_overview(about: dict[str, str], session: QuerySession, *, json: bool) -> None:
    sizes = session.sizes()
    if json:
        show_json({**about, "views": sizes, "queries": {one.name: one.about for one in session.queries}})
        return
    command = session.command.replace("etl", program(), 1)
    of_run = about.get("run_id")
    show(f"run {of_run}" if of_run else f"library of {sanitize(about['user'])}, local times in {about['timezone']}")
    show()
    rows = [(name, size, session.views[name].about) for name, size in sizes.items()]
    show_table(("view", "rows", "holds"), rows, right=(1,), below=(2,))
    show()
    show_table(("query", "answers"), [(one.name, one.about) for one in session.queries], below=(1,))
    show()
    show(f"try: {sanitize(command)} --sql top_artists")
    show("or any SQL over the views: --sql 'FROM listens LIMIT 5'")
    show("--csv, --json and --parquet FILE give the answer to other programs")
    if of_run:
        show(f'the same views in DuckDB\'s own shell: duckdb -cmd "$({sanitize(command)} --ddl)"')
    else:
        show(f"the files of a load: {program()} inspect latest")


def _show_ddl(session: QuerySession, *, json: bool) -> None:
    if json:
        show_json({"ddl": session.ddl()})
        return
    for line in session.ddl().splitlines():
        show(sanitize(line))


def _show_answer(answer: Answer, *, json: bool, csv: bool) -> None:
    from etl.core.queries import distinct

    names = distinct(answer.columns)
    if json:
        show_json([dict(zip(names, map(_plain, row), strict=True)) for row in answer.rows])
    elif not names:
        return
    elif csv:
        show_csv(names, [[_exported(cell) for cell in row] for row in answer.rows])
    else:
        show_answer(answer)


def show_answer(answer: Answer) -> None:
    """Print the rows of a query. Numbers are aligned right, without thousands separators: they may be ids or years."""
    places = range(len(answer.columns))
    numeric = [
        place
        for place in places
        if any(isinstance(row[place], int | float | Decimal) for row in answer.rows)
        and not any(isinstance(row[place], bool) for row in answer.rows)
    ]
    cells = [[_text(cell) for cell in row] for row in answer.rows]
    texts = [place for place in places if place not in numeric]
    if not fits(answer.columns, cells, texts):
        show_records(answer.columns, cells)
        return
    paths = [place for place in texts if answer.columns[place] in ("file", "path", "double_of")]
    show_table(answer.columns, cells, right=numeric, cut=texts, keep_end=paths)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return ", ".join(map(_text, cell)) if isinstance(cell, list) else str(cell)


def _exported(cell: object) -> str:
    """Return a cell as CSV text: lists and structures become JSON, because their parts may contain commas."""
    from json import dumps

    plain = _plain(cell)
    return dumps(plain, ensure_ascii=False) if isinstance(plain, list | dict) else _text(plain)


def _plain(value: object) -> object:
    """Return ``value`` as a JSON value; a value of any other type becomes text."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    is_known = isinstance(value, str | int | None) or (isinstance(value, float) and isfinite(value))
    return value if is_known else str(value)
