"""Times without a zone, compared with Python's own zoneinfo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats.local_times import localized

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
START = datetime.fromisoformat("2003-01-01")
MINUTES = st.integers(0, 30 * 365 * 24 * 60)


def word_of(naive: datetime, zone: ZoneInfo) -> str:
    first, last = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        return "skipped"
    return "repeated" if first.utcoffset() != last.utcoffset() else "unique"


@given(st.lists(st.none() | MINUTES, max_size=20), st.sampled_from(ZONES))
def test_any_minute_is_the_one_that_python_takes(minutes: list[int | None], zone: str) -> None:
    naive = [None if minute is None else START + timedelta(minutes=minute) for minute in minutes]
    found = localized(pl.Series(naive, dtype=pl.Datetime("us")), zone)
    here = ZoneInfo(zone)
    assert found["time"].to_list() == [time and time.replace(tzinfo=here).astimezone(UTC) for time in naive]
    assert found["local_time"].to_list() == [time and word_of(time, here) for time in naive]


@pytest.mark.parametrize(
    ("naive", "utc", "word"),
    [
        ("2023-10-29 02:30", "2023-10-29 00:30", "repeated"),
        ("2023-03-26 02:30", "2023-03-26 01:30", "skipped"),
        ("2023-03-26 03:00", "2023-03-26 01:00", "unique"),
    ],
)
def test_changes_of_the_clock_in_berlin(naive: str, utc: str, word: str) -> None:
    found = localized(pl.Series([datetime.fromisoformat(naive)], dtype=pl.Datetime("us")), "Europe/Berlin")
    assert found["time"].to_list() == [datetime.fromisoformat(utc).replace(tzinfo=UTC)]
    assert found["local_time"].to_list() == [word]


def test_first_and_last_second_of_all_years_stay_within_them() -> None:
    ends = pl.Series(list(map(datetime.fromisoformat, ["0001-01-01", "9999-12-31T23:59:59"])), dtype=pl.Datetime("us"))
    assert localized(ends, "Asia/Tokyo")["time"].to_list()[0] is None
    assert localized(ends, "America/New_York")["time"].to_list()[1] is None
    assert localized(ends, None)["time"].null_count() == 0
