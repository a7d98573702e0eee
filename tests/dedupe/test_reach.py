"""The hours that are read from the database contain every second that the comparison may need, and no other hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from etl.core.schema import TIME
from etl.dedupe.reach import reach
from etl.dedupe.services import END, RecordingService
from etl.dedupe.start_ranges import EARLY, HOUR, LONGEST_PLAY, MINUTE

MARGIN = EARLY + MINUTE
WHOLE = "whole"
SERVICES = [RecordingService("scrobbler", None, 1), RecordingService(WHOLE, WHOLE, 2, is_whole=True, clock=END)]

# A play: whether its service records whole plays, its second, and how long it took, if that is known.
PLAYS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 40 * HOUR), st.none() | st.integers(0, LONGEST_PLAY)), max_size=12
)


def frame(plays: list[tuple[bool, int, int | None]]) -> pl.DataFrame:
    """Return the columns that ``reach`` reads; a play of a whole service is stored by its end."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [
        (
            start + timedelta(seconds=second),
            None,
            WHOLE if whole else "scrobbler",
            start + timedelta(seconds=second - took) if whole and took is not None else None,
            start + timedelta(seconds=second) if whole else None,
        )
        for whole, second, took in plays
    ]
    schema = {"listened_at": TIME, "client": pl.String(), "source": pl.String(), "started_at": TIME, "ended_at": TIME}
    return pl.DataFrame(rows, pl.Schema(schema), orient="row")


def hours(spans: list[tuple[int, int]]) -> list[int]:
    """Return the hours that the ``spans`` (seconds) touch, one by one."""
    return sorted({hour for a, b in spans for hour in range((a - MARGIN) // HOUR, (b + MARGIN) // HOUR + 1)})


@given(PLAYS)
@example([])
@example([(False, 0, None), (False, HOUR, None), (False, 30 * HOUR, None), (False, 0, None)])
@example([(True, 30 * HOUR, LONGEST_PLAY), (True, 2 * HOUR, 60), (True, 20 * HOUR, None)])
def test_each_hour_that_a_span_touches_is_read_once(plays: list[tuple[bool, int, int | None]]) -> None:
    found = reach(frame(plays), SERVICES)
    base = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    ends = [base + second for _, second, _ in plays]
    begun = [base + second - (took if whole and took is not None else 0) for whole, second, took in plays]
    whole = [end for (is_whole, _, _), end in zip(plays, ends, strict=True) if is_whole]
    assert found.near.to_list() == hours([(end, end) for end in ends])
    assert found.within.to_list() == hours([(end - LONGEST_PLAY, end) for end in whole])
    around = [(start - LONGEST_PLAY, end + LONGEST_PLAY) for start, end in zip(begun, ends, strict=True)]
    assert found.around.to_list() == hours(around)
    assert {series.dtype for series in found} == {pl.Int64()}
