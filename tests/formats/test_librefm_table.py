"""The tables of Libre.fm and other GNU FM servers."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import Format, ReadOptions, lastfm_csv, librefm_table, peek_at, recognise
from tests.helpers.examples import examples

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
ROW = st.tuples(TEXT, TEXT, TEXT, st.integers(0, 4_000_000_000))


@examples(70)
@given(
    st.lists(ROW, max_size=5),
    st.sampled_from(["Artist Track Album Time", "artist track album time", "USERID ARTIST TRACK TIME"]),
    st.sampled_from(",\t"),
    st.sampled_from(["", "# Libre.fm\n#\n", "+ACM- Libre.fm\n", "sep=,\n"]),
)
def test_generated_tables_are_read_back(
    rows: list[tuple[str, str, str, int]], header: str, delimiter: str, preamble: str
) -> None:
    names = header.split()
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    has_user, has_album = names[0] == "USERID", len(names) == 4 and names[0] != "USERID"
    for artist, track, album, time in rows:
        writer.writerow([*[7] * has_user, artist, track, *[album] * has_album, time])
    data = (preamble + out.getvalue()).encode()
    assert recognise(peek_at("x", data)) is librefm_table.FORMAT
    found = librefm_table.read_table(data, ReadOptions()).to_dicts()
    assert len(found) == len(rows)
    for got, (artist, track, album, time) in zip(found, rows, strict=True):
        assert (got["artist"], got["track"]) == (artist or None, track or None)
        assert got["album"] == ((album or None) if has_album else None)
        assert got["listened_at"] == datetime.fromtimestamp(time, UTC)
        assert got["client"] == "librefm"
        blank = [name for name, text in (("artist", artist), ("track", track)) if not text.strip()]
        assert got["reject"] == (f"missing_{blank[0]}" if blank else None)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"Artist,Track,Album,Time\nA,t,L,1262340600\n", librefm_table.FORMAT),
        (b"artist,track,time\nA,t,1262340600000\n", librefm_table.FORMAT),
        (b"artist,track,album,time\nA,t,L,2010-01-01 10:10:00\n", lastfm_csv.FORMAT),
        (b"artist,album,track,time\nA,L,t,1262340600\n", lastfm_csv.FORMAT),
        (b"artist,track,album,time,track id\nA,t,L,1262340600,x\n", lastfm_csv.FORMAT),
        (b"# a comment\na,b\n", None),
    ],
)
def test_header_and_times_decide(data: bytes, kind: Format | None) -> None:
    assert recognise(peek_at("x.csv", data)) is kind


def test_the_user_does_not_leave_the_file() -> None:
    data = b"userid,artist,track,time\n4711,A,t,1262340600\n"
    assert "4711" not in librefm_table.LAYOUT.locate(data, [1])["record"][0]


def test_table_without_a_needed_column_is_refused() -> None:
    with pytest.raises(BrokenFileError, match="no column track and no time"):
        librefm_table.read_table(b"artist,album\nA,L\n", ReadOptions())
