"""Reads times in all the ways that exports of Last.fm write them."""

from __future__ import annotations

import polars as pl

from etl.formats.base import LAST_SECOND, utc_times

_SECONDS = r"^\s*(\d{1,20}(?:\.\d{1,9})?)\s*$"
_IN_WORDS = r"^\s*(\d{1,2}) ([A-Za-z]{3}) (\d{4}),? (\d{1,2}):([0-5]\d)(:[0-5]\d)?\s*$"
_TO_THE_MINUTE = r"^\s*(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:[0-5]\d)\s*([Zz]|[+-]\d{2}:?\d{2})?\s*$"

# The last field of a line that is a listen: its time in words, to the minute.
DATE_IN_WORDS = r"\s*\d{1,2} [A-Za-z]{3} \d{4},? \d{1,2}:\d{2}\s*"


def read_times(texts: pl.Series, per_second: int = 1) -> pl.DataFrame:
    """Read times in UTC. Columns out: ``time``, ``minute_only``; null for other texts, and outside the years 1 to 9999.

    A number counts from 1970, ``per_second`` to a second. Other forms: "2024-07-11T09:07:32Z", with any offset or none,
    with a blank for the T, or without seconds; "11 Jul 2024, 09:07", with or without comma or seconds.
    """
    numbers = texts.str.extract(_SECONDS).cast(pl.Float64, strict=False)
    numbers = numbers.set(numbers > LAST_SECOND * per_second, None)
    microseconds = (numbers * (1_000_000 // per_second)).round().cast(pl.Int64)
    times = microseconds.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    precise = times.is_not_null()
    if times.null_count() > texts.null_count():
        written = utc_times(texts)
        times = times.zip_with(precise, written)
        worded, has_seconds = _times_in_words(texts)
        precise = times.is_not_null() | (worded.is_not_null() & has_seconds)
        for others in (worded, utc_times(_with_seconds(texts))):
            times = times.zip_with(times.is_not_null(), others)
    return pl.DataFrame({"time": times, "minute_only": ~precise}).with_columns(
        minute_only=pl.when(pl.col("time").is_not_null()).then("minute_only")
    )


def _times_in_words(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the times, and whether they have seconds."""
    parts = texts.str.extract_groups(_IN_WORDS).struct.unnest()
    day, month, year, hour, minute, second = parts.get_columns()
    uniform = day + " " + month + " " + year + " " + hour + ":" + minute + second.fill_null(":00")
    times = uniform.str.to_datetime("%d %b %Y %H:%M:%S", time_unit="us", strict=False).dt.replace_time_zone("UTC")
    return times.set(~times.dt.year().is_between(1, 9999), None), second.is_not_null()


def _with_seconds(texts: pl.Series) -> pl.Series:
    day, minute, zone = texts.str.extract_groups(_TO_THE_MINUTE).struct.unnest().get_columns()
    return day + "T" + minute + ":00" + zone.fill_null("Z")
