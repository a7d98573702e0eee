"""Makes rows as a format's reader returns them, for tests of the steps after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import polars as pl

from etl.core.schema import EXTRACTED
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.normalize.listens import Normalized, Rules, normalize

START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2002, 10, 1, tzinfo=UTC)
SEPARATORS = compile_separators(DEFAULT_SEPARATORS)
MBIDS = [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc"]
PLAIN: dict[str, Any] = {**dict.fromkeys(EXTRACTED), "listened_at": START, "artist": "Ann", "track": "One"}

Row: TypeAlias = dict[str, Any]
"""The columns of EXTRACTED that differ from those of a plain listen."""


def at(second: int) -> datetime:
    """Return the time of ``second`` seconds after 2020-01-01."""
    return START + timedelta(seconds=second)


def extracted(*rows: Row) -> pl.DataFrame:
    """Return ``rows`` with schema EXTRACTED, numbered from 1 unless they have a number."""
    full = [{**PLAIN, "row": number, **row} for number, row in enumerate(rows, start=1)]
    return pl.DataFrame([tuple(row.values()) for row in full], schema=EXTRACTED, orient="row")


def normalized(
    *rows: Row, file: str = "export.json", since: datetime | None = None, until: datetime | None = None
) -> Normalized:
    """Return the result of normalising ``rows`` as one file."""
    return normalize(extracted(*rows), file, "test", EARLIEST, Rules(NOW, SEPARATORS, since, until))


def listens(*rows: Row, file: str = "export.json") -> pl.DataFrame:
    """Return ``rows``, all of which must be listens, with schema NORMALIZED."""
    made = normalized(*rows, file=file)
    assert made.listens.height == len(rows)
    return made.listens
