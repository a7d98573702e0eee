"""Sound tables are read at once, and give what splitting them gives; any other table is left to splitting."""

from __future__ import annotations

import csv

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from etl.parsers import Dialect
from etl.parsers.delimited_fast import read_well_formed
from etl.parsers.delimited_split import split_table
from tests.helpers.examples import examples
from tests.parsers.test_delimited import COMMAS, HEADED, ROWS, TABS, quick, written

LINES = st.text(st.sampled_from('",;\t\r\n\0 aé'), max_size=30)
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@examples(1500)
@given(
    LINES | ROWS.map(written),
    st.sampled_from(
        [COMMAS.dialect, TABS.dialect, Dialect(("artist", None, "time")), Dialect(("artist", "track", None))]
    ),
    st.sampled_from(["", "x\n"]),
)
def test_table_that_is_read_at_once_gives_what_splitting_gives(text: str, dialect: Dialect, header: str) -> None:
    sound = read_well_formed((header + text).encode(), len(header), dialect)
    if sound is None:
        return
    pieces = list(split_table(text, 0, dialect))
    assert [piece.problem for piece in pieces] == [""] * len(pieces)
    kept = [place for place, name in enumerate(dialect.names) if name]
    assert sound.rows() == [tuple((piece.fields or [])[place] or None for place in kept) for piece in pieces]


@quick
@given(
    st.lists(st.tuples(PLAIN, PLAIN, st.just("") | PLAIN), min_size=1, max_size=6),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_sound_table_is_read_at_once(rows: list[tuple[str, ...]], quoting: int, end: str, ends: bool) -> None:
    text = written(rows, quoting=quoting, lineterminator=end)
    assume(not text.startswith("\ufeff"))
    sound = read_well_formed((text if ends else text.removesuffix(end)).encode(), 0, COMMAS.dialect)
    assert sound is not None
    assert sound.rows() == [tuple(field or None for field in row) for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "a,b\n",
        "a,b,c\n\nd,e,f\n",
        "a,b,c\nd,e\n",
        "a,b,c,d\n",
        'a,b,"c ""',
        'a,b,"c ""\r\n\n',
        "a,b,c\nd,e,f,g",
        ",,\n,,,g",
        'a,"b\nb",c\n',
        'a,"b"b,c\n',
        'a,"b,c\n',
        "a\rb,c,d\n",
        "\ufeffa,b,c\n",
    ],
)
def test_any_other_table_is_left_to_splitting(text: str) -> None:
    assert read_well_formed(text.encode(), 0, COMMAS.dialect) is None


def test_header_without_an_end_has_no_records() -> None:
    assert read_well_formed(b"artist,track,time", 17, COMMAS.dialect) is None
    assert HEADED.read(b"artist,track,time").frame.is_empty()


def test_bytes_that_are_not_utf8_are_left_to_splitting() -> None:
    assert read_well_formed(b"a,b\xff,c\n", 0, COMMAS.dialect) is None
