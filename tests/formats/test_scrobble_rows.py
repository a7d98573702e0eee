"""Which rows of a table of scrobbles are broken, and what their details say."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats.base import is_blank
from etl.formats.scrobble_rows import blank_texts, wrong_unit

TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \t\r\n\u00a0\u2003\u3000\0!~\x7fé"), max_size=4
)


@given(st.lists(st.none() | TEXT, max_size=8))
def test_texts_are_blank_where_the_expression_says_so(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"text": texts}, {"text": pl.String})
    assert blank_texts(frame["text"]).to_list() == frame.select(is_blank("text")).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "unit", "reported"),
    [
        ("1720688852", "seconds", None),
        ("1720688852123", "seconds", " is in milliseconds, not seconds"),
        (" 1720688852123.0 ", "seconds", " is in milliseconds, not seconds"),
        ("1720688852123456", "seconds", " is in microseconds, not seconds"),
        ("1720688852123456789", "seconds", " is in nanoseconds, not seconds"),
        ("1720688852123", "milliseconds", None),
        ("1720688852123456", "milliseconds", " is in microseconds, not milliseconds"),
        ("17206888521234", "seconds", None),
        ("", "seconds", None),
    ],
)
def test_number_with_too_many_digits_is_in_a_smaller_unit(text: str, unit: str, reported: str | None) -> None:
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(wrong_unit(pl.col("text"), unit)).to_series().to_list() == [reported]
