"""CSV files without a header, with times to the minute."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from etl.formats import ReadOptions, lastfm_minutes, peek_at, recognise
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=6)
STRIPPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\r\n",'), max_size=6)
MINUTE = st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))

Row = tuple[str, str, str, datetime | None]


def rows_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.tuples(names, names, names, st.none() | MINUTE), max_size=6)


def check(data: bytes, rows: Sequence[Row]) -> None:
    found = lastfm_minutes.read_minutes(data, ReadOptions()).to_dicts()
    assert len(found) == len(rows)
    for got, (artist, album, track, time) in zip(found, rows, strict=True):
        assert (got["artist"], got["album"], got["track"]) == (artist or None, album or None, track or None)
        minute = None if time is None else time.replace(second=0)
        assert (got["listened_at"], got["minute_only"]) == (minute, None if time is None else True)
        assert got["client"] == "lastfm"
        assert got["reject"] in {None, "missing_artist", "missing_track"}
        if got["reject"] is None:
            assert got["skip"] == ("now_playing" if time is None else None)


@examples(70)
@given(rows_of(STRIPPED), st.sampled_from(["\n", "\r\n"]))
def test_generated_rows_of_the_old_tool_are_read_back(rows: list[Row], end: str) -> None:
    lines = [[*names, time.strftime("%d %b %Y %H:%M") if time else ""] for *names, time in rows]
    text = "".join(",".join(fields) + end for fields in lines)
    assume(not text.startswith("\ufeff"))  # at the start of a file, it is a mark
    check(text.encode(), rows)


@examples(70)
@given(rows_of(NAME), st.sampled_from(["%d %b %Y %H:%M", "%d %b %Y, %H:%M"]))
def test_generated_rows_of_the_new_tool_are_read_back(rows: list[Row], form: str) -> None:
    out = io.StringIO(newline="")
    lines = [[*names, time.strftime(form) if time else ""] for *names, time in rows]
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    check(out.getvalue().removesuffix("\n").encode("utf-8-sig"), rows)


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"A,,t,20 Nov 2020 09:35", True),
        (b"A,,t,\nA,,t,20 Nov 2020 09:35\n", True),
        (b"broken\nA,,t,20 Nov 2020 09:35\r\n[unknown],,t,1 Nov 2020 09:35\n", True),
        (b'\xef\xbb\xbf"A","","t","20 Nov 2020, 09:35"', True),
        (b"Artist A,Album A,Song A,20 Nov 2020 09:35", True),
        ("A,,t,20 Nov 2020 09:35\n".encode("utf-16"), True),
        (b"A,,t,\nA,,t,\n", False),
        (b"A,t,20 Nov 2020 09:35\n", False),
        (b"A,,t,2020-11-20 09:35\n", False),
        (b"a,b,c,d\n" * 3 + b"A,,t,20 Nov 2020 09:35\n", False),
        (b"artist,album,track,date\nA,,t,20 Nov 2020 09:35\n", False),
    ],
)
def test_the_first_lines_decide(data: bytes, is_one: bool) -> None:
    assert (recognise(peek_at("any name", data)) is lastfm_minutes.FORMAT) == is_one


def test_another_csv_is_not_recognised_by_its_name() -> None:
    for name in ("listener.csv", "<USER>x.csv"):
        assert recognise(peek_at(name, b"a,b,c,d\n")) is None


def test_the_playing_track_without_names_is_broken() -> None:
    frame = lastfm_minutes.read_minutes(b",,t,\nA,,,\nA,,t,\n", ReadOptions())
    assert frame["reject"].to_list() == ["missing_artist", "missing_track", None]
    assert frame["skip"].to_list() == [None, None, "now_playing"]


def test_characters_that_end_lines_elsewhere_are_part_of_names() -> None:
    marks = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    frame = lastfm_minutes.read_minutes(f"A{marks}B,,t\r{marks},20 Nov 2020 09:35\nC,,t,\n".encode(), ReadOptions())
    assert frame["artist"].to_list() == [f"A{marks}B", "C"]
    assert frame["track"].to_list() == [f"t\r{marks}", "t"]
