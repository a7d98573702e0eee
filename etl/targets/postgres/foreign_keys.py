"""Checks the foreign keys of a batch as a set; PostgreSQL checks them row by row, which costs more than the rows.

What a batch refers to is either made by itself or was there before it. The latter is looked up and held until the
commit, as a foreign key would, with one statement; a batch that refers to something that is gone fails as by a foreign
key. Where the role may not do without the foreign keys' own checks, they are made and nothing is looked up.
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


def check_as_sets(connection: Connection) -> bool:
    """Have the batches of ``connection`` leave the foreign keys of what they insert to ``check``; return if they do."""
    is_so = connection.query("check_as_sets").height == 1
    connection.commit()
    return is_so


def referenced(tables: Mapping[str, pl.DataFrame], others: Iterable[pl.DataFrame]) -> list[pl.Series]:
    """Return the distinct ids that rows refer to, of each table in ``COLUMNS``, without those that ``tables`` make.

    ``tables``: new rows by table, the new ids in column id. ``others``: further rows with columns of ``COLUMNS``.
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
    """Hold what a batch refers to (``ids`` as ``referenced`` returns them) until its end.

    Raises ``StatementError``, as a foreign key would, naming some of what is gone.
    """
    gone = connection.query("gone_references", *ids)
    if gone.height:
        named = listed([f"{entity} {number}" for entity, number in gone.sort("entity", "id").iter_rows()], 5)
        raise PostgresError(f"no longer there: {named}", FOREIGN_KEY_VIOLATION, Failure.GONE)
