"""``etl inspect``."""

from __future__ import annotations

from typing import Annotated

import typer

from etl.cli import options
from etl.cli.output import show, show_json, show_table
from etl.cli.runs import RunName


def inspect(
    run: RunName = None,
    sql: Annotated[str | None, typer.Option(help="SQL over the views, or the name of a named query.")] = None,
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Look into a run with DuckDB: one view per Parquet file. Without --sql, list the views and named queries."""
    from etl.artifacts import find_run
    from etl.inspection import ask, named_queries, view_sizes
    from etl.settings import EMBEDDED, find_place

    directory = find_run(find_place(home, EMBEDDED).runs, run)
    if sql is not None:
        answer = ask(directory, sql)
        if json:
            show_json([dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows])
        elif answer.columns:
            show_table(answer.columns, [["" if cell is None else cell for cell in row] for row in answer.rows])
        return
    sizes = view_sizes(directory)
    queries = named_queries()
    if json:
        show_json({"run_id": directory.run_id, "views": sizes, "queries": {one.name: one.about for one in queries}})
        return
    show(f"run {directory.run_id}")
    show()
    show_table(("view", "rows"), list(sizes.items()), right=(1,))
    show()
    show_table(("query", "answers"), [(one.name, one.about) for one in queries])
    show()
    show(f"etl inspect {directory.run_id} --sql QUERY, or any SQL: --sql 'SELECT * FROM outcome LIMIT 5'")


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
