"""Checks the foreign keys of a batch as a set. PostgreSQL checks them row by row, which takes longer than the insert.

A batch refers to rows that it creates itself or that existed before it. One statement looks the latter up and locks
them until the commit, as a foreign key would; a batch that refers to a missing row fails as with a foreign key. If the
role may not turn the foreign keys' own checks off, PostgreSQL runs them and nothing is looked up here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.lists import listed
from etl.targets.base import Failure
from etl.targets.postgres.errors import PostgresError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from etl.targets.base import Connection

COLUMNS = {
    "artists": ("artist_id",),
    "releases": ("release_id", "album_id"),
    "tracks": ("track_id",),
    "users": ("user_id",),
}
FOREIGN_KEY_VIOLATION = "23503"


def suspend_foreign_keys(connection: Connection) -> bool:
    """Turn off the foreign keys' own checks for the batches of ``connection``, if allowed; say whether it was done."""
    is_so = connection.query("suspend_foreign_keys").height == 1
    connection.commit()
    return is_so


def referenced(tables: Mapping[str, pl.DataFrame], others: Iterable[pl.DataFrame]) -> list[pl.Series]:
    """Return the distinct ids that rows refer to, for each table in ``COLUMNS``, without those that ``tables`` create.

    ``tables``: new rows by table, with their ids in column id. ``others``: other rows with columns of ``COLUMNS``.
    """
    frames = [*tables.values(), *others]
    found = []
    for table, columns in COLUMNS.items():
        ids = [frame.get_column(name).unique() for frame in frames for name in columns if name in frame.columns]
        outside = pl.concat([pl.Series(dtype=pl.Int32), *ids]).unique()
        if table in tables:
            outside = outside.filter(~outside.is_in(tables[table].get_column("id").implode()))
        found.append(outside)
    return found


def check(connection: Connection, ids: Iterable[pl.Series]) -> None:
    """Lock the rows that a batch refers to (``ids`` as ``referenced`` returns them) until its end.

    Raises ``StatementError``, as a foreign key would, which names some of the missing rows.
    """
    gone = connection.query("missing_references", *ids)
    if gone.height:
        named = listed([f"{entity} {number}" for entity, number in gone.sort("entity", "id").iter_rows()], 5)
        raise PostgresError(f"no longer there: {named}", FOREIGN_KEY_VIOLATION, Failure.MISSING_REFERENCE)
