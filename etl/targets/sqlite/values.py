"""Encodes values and frames as SQLite stores them, and decodes its rows into the columns that a statement declares.

SQLite has no types for times, booleans, lists or MBIDs, and stores whatever it is given: a datetime would be stored as
text in an integer column. So everything is checked and encoded here before the driver gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl
import pyarrow as pa

from etl.core.errors import DatabaseError, InternalError
from etl.core.schema import PARAMETERS, TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.targets.base import Value

MBID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
STORED = frozenset({pl.String(), pl.Int32(), pl.Int64()})
MICROSECONDS = 1_000_000
FARTHEST = 2**63 // MICROSECONDS - 1
"""The farthest second from 1970 that a time can have here: in the year 294,246."""
LONGEST = 2**31 - 1
"""The longest duration, in seconds, that other databases can store."""


def parameters(name: str, values: Sequence[Value]) -> pl.DataFrame | None:
    """Return ``values`` of the statement ``name`` as the one row that the driver binds.

    A series becomes a JSON array, a frame a JSON array of rows. Raises ``InternalError`` for a dtype that would be
    stored as something else.
    """
    if not values:
        return None
    return pl.DataFrame([_parameter(name, number, value) for number, value in enumerate(values, 1)])


def _parameter(name: str, number: int, value: Value) -> pl.Series:
    if isinstance(value, pl.DataFrame):
        wrong = [str(dtype) for dtype in value.dtypes if dtype not in PARAMETERS]
        bound: str | int | bool | None = None if wrong else msgspec.json.encode(value.rows()).decode()
    elif isinstance(value, pl.Series):
        wrong = [] if value.dtype in PARAMETERS else [str(value.dtype)]
        bound = None if wrong else msgspec.json.encode(value.to_list()).decode()
    else:
        wrong, bound = [], int(value) if isinstance(value, bool) else value
    if wrong:
        raise InternalError(f"{name} cannot be given ?{number}: {', '.join(wrong)}")
    return pl.Series(f"p{number}", [bound], dtype=pl.Int64 if isinstance(bound, int) else pl.String)


def encode(frame: pl.DataFrame) -> pl.DataFrame:
    """Encode ``frame`` as Koito's tables store it: times in seconds, booleans as 0 and 1, an unknown client as ''.

    Raises ``InternalError`` for an MBID in another form than Koito's, or a dtype that SQLite would store wrongly.
    """
    encoded = frame.with_columns(
        pl.col(TIME).dt.epoch("s"),
        pl.col(pl.Boolean).cast(pl.Int64),
        *(pl.col(name).fill_null("") for name in frame.columns if name == "client"),
    )
    if wrong := [f"{name}: {dtype}" for name, dtype in encoded.schema.items() if dtype not in STORED]:
        raise InternalError(f"SQLite cannot store {', '.join(wrong)}")
    if "musicbrainz_id" in frame.columns and not frame.get_column("musicbrainz_id").str.contains(MBID).all():
        raise InternalError("a musicbrainz_id is not an MBID in lower case")
    return encoded


def decode(rows: pa.Table, schema: pl.Schema) -> pl.DataFrame:
    """Return ``rows`` with exactly the columns of ``schema``.

    The driver infers types from values, so a column without values arrives as integers. Raises ``DatabaseError``
    for a text that is not UTF-8.
    """
    check_texts(rows)
    if not rows.num_rows:
        return pl.DataFrame(schema=schema)
    if list(schema) != rows.column_names:
        raise InternalError(f"a statement returns {', '.join(rows.column_names)} instead of {', '.join(schema)}")
    frame = pl.DataFrame(rows)
    try:
        return frame.select(_decoded(_bounded(name), dtype, frame.schema[name]) for name, dtype in schema.items())
    except pl.exceptions.InvalidOperationError as error:
        raise DatabaseError(f"the database holds a number that is too large: {error}", "Correct it in Koito") from error


def check_texts(rows: pa.Table) -> None:
    """Raise ``DatabaseError`` if a text is not UTF-8, which would crash Polars."""
    try:
        rows.validate(full=True)
    except pa.ArrowInvalid as error:
        raise DatabaseError(
            "the database holds a name that is not UTF-8", "Rename it in Koito, then run the same command again"
        ) from error


def _bounded(name: str) -> pl.Expr:
    """Return the column ``name``. Only durations can be too large for their type: ids are counted from 1."""
    return pl.col(name).clip(upper_bound=LONGEST) if name == "duration" else pl.col(name)


def _decoded(column: pl.Expr, dtype: pl.DataType | type[pl.DataType], found: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return column.cast(pl.String).str.json_decode(dtype)
    if dtype == TIME:
        return (column.clip(-FARTHEST, FARTHEST) * MICROSECONDS).cast(TIME)
    return column if found == dtype else column.cast(dtype)
