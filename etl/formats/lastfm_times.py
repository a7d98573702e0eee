"""Reads times in all the forms that exports of Last.fm and tables written by scripts have.

A time without a zone is a local time, except one in words: those come from Last.fm's API, which writes them in UTC.
"""

from __future__ import annotations

import polars as pl

from etl.formats.base import utc_times
from etl.formats.local_times import localized
from etl.formats.unix_times import unix_times
from etl.formats.written_dates import in_iso_form

_IN_WORDS = r"^\s*(\d{1,2}) ([A-Za-z]{3}) (\d{4}),? (\d{1,2}):([0-5]\d)(:[0-5]\d)?\s*$"
_TO_THE_MINUTE = r"^\s*(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:[0-5]\d)\s*([Zz]|[+-]\d{2}:?\d{2})?\s*$"
_WITHOUT_ZONE = r"^\s*\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*$"

# A time in words, to the minute: the last field of a line that is a listen.
DATE_IN_WORDS = r"\s*\d{1,2} [A-Za-z]{3} \d{4},? \d{1,2}:\d{2}\s*"


def read_times(
    texts: pl.Series, per_second: int = 1, *, are_local: bool = False, zone: str | None = None
) -> pl.DataFrame:
    """Read times in UTC. Columns out: ``time``, ``minute_only``, ``local_time``.

    All are null for other texts, and outside the years 1 to 9999. A number counts from 1970, ``per_second`` to a
    second. Other forms: "2024-07-11T09:07:32Z", with any offset or none, with a blank for the T, or without seconds;
    "11 Jul 2024, 09:07", with or without comma or seconds; and the dates that ``in_iso_form`` knows, such as
    "11.07.2024 09:07".

    Times without an offset are UTC, or, if ``are_local``, of the IANA ``zone`` as ``localized`` says; those in words
    are always UTC.
    """
    times = unix_times(texts, per_second)
    precise = times.is_not_null()
    without_zone = pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True)
    if times.null_count() > texts.null_count():
        times = _first(times, utc_times(texts))
        precise = times.is_not_null()
        without_zone = texts.str.contains(_WITHOUT_ZONE).fill_null(value=False)
    if times.null_count() > texts.null_count():
        worded, has_seconds = _times_in_words(texts)
        precise |= times.is_null() & worded.is_not_null() & has_seconds
        times = _first(_first(times, worded), utc_times(_with_seconds(texts)))
    if times.null_count() > texts.null_count():
        uniform = in_iso_form(texts.set(times.is_not_null(), None))
        in_numbers = utc_times(uniform)
        precise |= times.is_null() & in_numbers.is_not_null()
        times = _first(_first(times, in_numbers), utc_times(_with_seconds(uniform)))
        without_zone |= uniform.str.contains(_WITHOUT_ZONE).fill_null(value=False)
    found = pl.DataFrame({"time": times, "minute_only": ~precise}).with_columns(
        minute_only=pl.when(pl.col("time").is_not_null()).then("minute_only")
    )
    return _moved(found, without_zone & are_local, zone)


def _first(times: pl.Series, others: pl.Series) -> pl.Series:
    return times.zip_with(times.is_not_null(), others)


def _moved(found: pl.DataFrame, is_local: pl.Series, zone: str | None) -> pl.DataFrame:
    """Move the times that are local from ``zone`` to UTC, and add ``local_time``."""
    if not is_local.any():
        return found.with_columns(local_time=pl.lit(None, pl.String))
    local = localized(found["time"].dt.replace_time_zone(None), zone)
    return found.with_columns(
        time=found["time"].zip_with(~is_local, local["time"]),
        local_time=local["local_time"].set(~is_local, None),
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
