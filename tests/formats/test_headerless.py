"""Tables without a header are refused with the line that they lack, and are read once it is there."""

from __future__ import annotations

import re

import pytest

from etl.formats import FORMATS, ReadOptions, headerless, lastfm_csv, peek_at, recognise
from tests.formats.test_golden import files_of


@pytest.mark.parametrize(
    ("rows", "where", "header"),
    [
        (
            ["2019-06-18,20:05:31,Kari Mo,Tide Table", "2019-06-18,20:01:12,Mossrose,Slow Bloom"],
            "Column 1 has the dates and column 2 the times of day",
            "date,time,artist,track",
        ),
        (
            ['"Kari Mo","Tide Table","Driftwood","2019-06-18 20:05:31","Kari Mo","240"'],
            "Column 4 has the times",
            "artist,track,album,date,unused,unused",
        ),
        (
            ["Kari Mo;Tide;Driftwood;14.08.2019 07:51;x;25", "Mossrose;Slow;Undertow;13.08.2019 20:17;x;183"],
            "Column 4 has the times",
            "artist;track;album;date;unused;unused",
        ),
        (["1560888331;Kari Mo;Tide Table"], "Column 1 has the times", "date;artist;track"),
        (["1,Kari Mo,Tide Table,2019-06-18T20:05:31Z"], "Column 4 has the times", "unused,artist,track,date"),
    ],
)
def test_advice_names_the_times_and_its_header_makes_the_table_readable(
    rows: list[str], where: str, header: str
) -> None:
    data = "".join(f"{row}\r\n" for row in rows).encode()
    peek = peek_at("plays.csv", data)
    assert recognise(peek) is headerless.REFUSAL
    advice = headerless.REFUSAL.advice_for(peek)
    assert advice.startswith(f"{where}, but nothing shows which column is the artist")
    assert advice.endswith(f", such as {header}")
    with_header = f"{header}\r\n".encode() + data
    assert recognise(peek_at("plays.csv", with_header)) is lastfm_csv.FORMAT
    frame = lastfm_csv.read_csv(with_header, ReadOptions())
    assert frame["reject"].null_count() == frame.height == len(rows)


@pytest.mark.parametrize(
    "data",
    [
        b"2019-06-18,20:05:31,Kari Mo\n",
        b"Kari Mo,Tide Table,Driftwood\n",
        b"2019-06-18 20:05:31,1.5,2.5\n",
        b"Kari Mo,Tide Table,2019-06-18\n",
        b"just words, and more, and more\n",
        b"2019-06-18 20:05:31 a line of a log\n",
    ],
)
def test_other_tables_are_not_recognised(data: bytes) -> None:
    assert recognise(peek_at("x.csv", data)) is None


def test_no_file_of_a_format_counts_as_headerless() -> None:
    files = [path for fmt in FORMATS for path in files_of(fmt)]
    assert [path for path in files if headerless.REFUSAL.recognise(peek_at(path.name, path.read_bytes()))] == []


def test_tab_in_the_advice_is_visible() -> None:
    advice = headerless.REFUSAL.advice_for(peek_at("x", b"2019-06-18 20:05:31\tA\tt\n"))
    assert re.search(r"such as date<tab>artist<tab>track$", advice)


def test_line_with_very_many_columns_gets_no_advice_to_name_them_all() -> None:
    data = ",".join(["2019-06-18 20:05:31", "Kari Mo", "Tide Table", *["x"] * 30]).encode()
    assert recognise(peek_at("x.csv", data)) is None
