"""``etl inspect``."""

from __future__ import annotations

import logging
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.log import program
from etl.cli.output import fits, show, show_csv, show_json, show_records, show_table
from etl.cli.runs import RunName
from etl.cli.workspace import open_run
from etl.core.errors import SettingsError
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from etl.runs.directory import RunDirectory
    from etl.runs.inspect import Answer

logger = logging.getLogger(__name__)


def inspect(
    run: RunName = None,
    sql: Annotated[
        str | None, typer.Option(metavar="QUERY", help="SQL over the views, or the name of a named query.")
    ] = None,
    home: options.Home = None,
    json: options.Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the answer as CSV.")] = False,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the answer to a Parquet file.", readable=False)
    ] = None,
) -> None:
    """Look into a run with DuckDB: views of its files, named queries, any SQL. Without --sql, list them."""
    from etl.runs.inspect import ask, save

    if csv + json + (parquet is not None) > 1:
        raise SettingsError("--csv, --json and --parquet exclude one another", "Give one of them")
    if sql is None and (csv or parquet is not None):
        raise SettingsError("--csv and --parquet need a query", "Add --sql QUERY; `etl inspect` lists the named ones")
    directory = open_run(home, run)
    if sql is None:
        _show_overview(directory, json=json)
        return
    if parquet is not None:
        logger.info("%s: %s rows", parquet, f"{save(directory, sql, parquet):,}")
        return
    answer = ask(directory, sql)
    if run is None and not answer.rows:
        logger.info("no rows in the newest run, %s; `etl runs list` shows what others hold", directory.run_id)
    _show_answer(answer, json=json, csv=csv)


def _show_overview(directory: RunDirectory, *, json: bool) -> None:
    from etl.runs.inspect import duckdb_command, named_queries, view_sizes, views

    sizes, queries, by_hand = view_sizes(directory), named_queries(), duckdb_command(directory)
    if json:
        about = {one.name: one.about for one in queries}
        show_json({"run_id": directory.run_id, "views": sizes, "queries": about, "duckdb": by_hand})
        return
    show(f"run {sanitize(directory.run_id)}")
    show()
    rows = [(name, size, views()[name].about) for name, size in sizes.items()]
    show_table(("view", "rows", "holds"), rows, right=(1,), cut=(2,))
    show()
    show_table(("query", "answers"), [(one.name, one.about) for one in queries], cut=(1,))
    show()
    show(f"try: {program()} inspect {sanitize(directory.run_id)} --sql top_artists")
    show("or any SQL over the views: --sql 'FROM outcome LIMIT 5'")
    show("--csv, --json and --parquet FILE give the answer to other programs")
    show()
    show("the same views in DuckDB's own shell:")
    show()
    for line in by_hand.splitlines():
        show(sanitize(line))


def _show_answer(answer: Answer, *, json: bool, csv: bool) -> None:
    from etl.runs.inspect import distinct

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
    """Print the rows of a query; numbers stand on the right, as they are: an id or a year has no thousands."""
    places = range(len(answer.columns))
    numeric = [
        workspace
        for workspace in places
        if any(isinstance(row[workspace], int | float | Decimal) for row in answer.rows)
        and not any(isinstance(row[workspace], bool) for row in answer.rows)
    ]
    cells = [[_text(cell) for cell in row] for row in answer.rows]
    texts = [workspace for workspace in places if workspace not in numeric]
    if not fits(answer.columns, cells, texts):
        show_records(answer.columns, cells)
        return
    paths = [workspace for workspace in texts if answer.columns[workspace] in ("file", "path", "double_of")]
    show_table(answer.columns, cells, right=numeric, cut=texts, keep_end=paths)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return ", ".join(map(_text, cell)) if isinstance(cell, list) else str(cell)


def _exported(cell: object) -> str:
    """Return a cell of CSV: lists and structures are JSON, as their parts may hold commas."""
    from json import dumps

    plain = _plain(cell)
    return dumps(plain, ensure_ascii=False) if isinstance(plain, list | dict) else _text(plain)


def _plain(value: object) -> object:
    """Return ``value`` as JSON can hold it; what it knows no type for becomes text."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    is_known = isinstance(value, str | int | None) or (isinstance(value, float) and isfinite(value))
    return value if is_known else str(value)
