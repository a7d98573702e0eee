"""Dates as spreadsheets and scripts write them."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats.written_dates import in_iso_form

MINUTES = st.datetimes(datetime.fromisoformat("1000-01-01"), datetime.fromisoformat("9999-12-31")).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)
FORMS = [
    "%d.%m.%Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%d %B %Y, %H:%M",
    "%a, %d %b %Y %H:%M",
    "%B %d, %Y %I:%M %p",
    "%b %d, %Y, %I:%M%p",
]


def read(*texts: str | None) -> list[str | None]:
    return in_iso_form(pl.Series(texts, dtype=pl.String)).to_list()


@given(MINUTES, st.sampled_from(FORMS))
def test_generated_dates_are_read_back(moment: datetime, form: str) -> None:
    assert read(moment.strftime(form), None) == [moment.strftime("%Y-%m-%d %H:%M"), None]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Thu, 11 Jul 2024 21:07:00 +0200", "2024-07-11 21:07:00+0200"),
        ("11 Sept 2024 9:07 a.m.", "2024-09-11 09:07"),
        ("12/31/2023 12:00:01 AM", "2023-12-31 00:00:01"),
        ("31/12/2023 12:00 PM", "2023-12-31 12:00"),
        ("1.2.2023, 7:05Z", "2023-02-01 07:05Z"),
        ("2023-2-1 7:05 pm", "2023-02-01 19:05"),
    ],
)
def test_dates_in_all_forms(text: str, iso: str) -> None:
    assert read(text) == [iso]


@pytest.mark.parametrize(
    "text",
    [
        "11 Juli 2024, 09:07",
        "11/07/2024 09:07",
        "11 Jul 2024 13:07 PM",
        "11 Jul 2024 0:07 AM",
        "11-Jul-24 9:07",
        "2024-07-11 21:07:00 CEST",
        "11.07.24 09:07",
        "########",
        "",
    ],
)
def test_what_is_in_doubt_is_left(text: str) -> None:
    assert read(text) == [None]


def test_column_shows_whether_the_day_comes_first() -> None:
    assert read("03/04/2024 06:11", "27/04/2024 06:11") == ["2024-04-03 06:11", "2024-04-27 06:11"]
    assert read("03/04/2024 06:11", "04/27/2024 06:11") == ["2024-03-04 06:11", "2024-04-27 06:11"]
    assert read("27/04/2024 06:11", "04/27/2024 06:11") == [None, None]
