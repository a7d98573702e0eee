"""``etl inspect``."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.output import fits, narrate, program, show, show_json, show_records, show_table
from etl.cli.runs import RunName

if TYPE_CHECKING:
    from etl.inspection import Answer


def inspect(
    run: RunName = None,
    sql: Annotated[
        str | None, typer.Option(metavar="QUERY", help="SQL over the views, or the name of a named query.")
    ] = None,
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
        if run is None and not answer.rows:
            narrate(f"no rows in the newest run, {directory.run_id}; `etl runs list` shows what others hold")
        if json:
            names = _distinct(answer.columns)
            show_json([dict(zip(names, map(_plain, row), strict=True)) for row in answer.rows])
        elif answer.columns:
            _show_answer(answer)
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
    show_table(("query", "answers"), [(one.name, one.about) for one in queries], cut=(1,))
    show()
    show(f"try: {program()} inspect {directory.run_id} --sql top_artists")
    show("or any SQL over the views: --sql 'FROM outcome LIMIT 5'")


def _show_answer(answer: Answer) -> None:
    """Print the rows of a query; numbers stand on the right, as they are: an id or a year has no thousands."""
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


def _distinct(names: list[str]) -> list[str]:
    """Return ``names`` with the position added to those that come again: an object has each once."""
    return [name if name not in names[:place] else f"{name}_{place + 1}" for place, name in enumerate(names)]


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
