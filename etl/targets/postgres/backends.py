"""Asks PostgreSQL about its backends: which one serves a connection, its settings, and which ones are busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adbc_driver_postgresql import dbapi

    from etl.targets.postgres.watchdog import Answers


def first_answer(raw: dbapi.Connection) -> tuple[int, dict[str, str | None]]:
    """Return the process id of the backend that serves ``raw``, and the settings that ``session`` checks."""
    with raw.cursor() as cursor:
        cursor.execute(statement("postgres", "open_session"))
        row = cursor.fetch_arrow_table().to_pylist()[0]
        return int(row.pop("pid")), row


def repair(raw: dbapi.Connection, settings: Mapping[str, str]) -> None:
    """Set ``settings`` for the session of ``raw``; they take effect when the transaction ends."""
    names, values = (pl.Series(column, dtype=pl.String) for column in zip(*settings.items(), strict=True))
    given = pl.DataFrame({"names": names.implode(), "values": values.implode()})
    with raw.cursor() as cursor:
        cursor.execute(statement("postgres", "repair_session"), given)
        cursor.fetch_arrow_table()


def busy_backends(raw: dbapi.Connection, pids: Sequence[int]) -> Answers:
    """Return the activity of the backends ``pids``; one that has ended is omitted."""
    asked = pl.DataFrame({"pids": pl.Series(pids, dtype=pl.Int32).implode()})
    with raw.cursor() as cursor:
        cursor.execute(statement("postgres", "busy_backends"), asked)
        return dict(pl.DataFrame(cursor.fetch_arrow_table()).iter_rows())
