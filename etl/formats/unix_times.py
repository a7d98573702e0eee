"""Reads Unix times from text."""

from __future__ import annotations

import polars as pl

from etl.core.schema import TIME
from etl.formats.base import LAST_SECOND

_NUMBER = r"^\s*(\d{1,20}(?:\.\d{1,9})?)\s*$"


def unix_times(texts: pl.Series, per_second: int = 1) -> pl.Series:
    """Read numbers of units since 1970, with ``per_second`` units to a second.

    Null for other texts, negative numbers, and times after the year 9999.
    """
    scale = 1_000_000 // per_second
    whole = texts.cast(pl.Int64, strict=False)
    whole = whole.set(~whole.is_between(0, LAST_SECOND * per_second), None) * scale
    if whole.null_count() > texts.null_count():
        numbers = texts.str.extract(_NUMBER).cast(pl.Float64, strict=False)
        numbers = numbers.set(numbers > LAST_SECOND * per_second, None)
        whole = whole.zip_with(whole.is_not_null(), (numbers * scale).round().cast(pl.Int64))
    return whole.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(TIME)
