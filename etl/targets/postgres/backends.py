"""Asks PostgreSQL about its backends: which one serves a connection, and whether some are busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.statements import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adbc_driver_postgresql import dbapi

    from etl.targets.postgres.watchdog import Answers


def backend_pid(raw: dbapi.Connection) -> int:
    """Return the process id of the backend that serves ``raw``."""
    with raw.cursor() as cursor:
        cursor.execute(statement("postgres", "backend_pid"))
        return int(cursor.fetch_arrow_table()["pid"][0].as_py())


def busy_backends(raw: dbapi.Connection, pids: Sequence[int]) -> Answers:
    """Return what the backends ``pids`` do; one that is gone is left out."""
    asked = pl.DataFrame({"pids": pl.Series(pids, dtype=pl.Int32).implode()})
    with raw.cursor() as cursor:
        cursor.execute(statement("postgres", "busy_backends"), asked)
        return dict(pl.DataFrame(cursor.fetch_arrow_table()).iter_rows())
