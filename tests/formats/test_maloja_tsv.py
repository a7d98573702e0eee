"""The scrobble files of Maloja 1 and 2."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats import ReadOptions, lastfm_lastexport, maloja_tsv, peek_at, recognise, timed_lines
from etl.formats.maloja_export import split_credit
from tests.helpers.examples import examples

NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n␟#\\"), min_size=1, max_size=6)
FIELD = (NAME | st.sampled_from(["#1", '"Quoted"', "A • B"])).filter(lambda name: name not in {"-", "#"})
SCROBBLE = st.fixed_dictionaries(
    {
        "time": st.integers(0, 2**33),
        "artists": st.lists(FIELD, min_size=1, max_size=3),
        "title": FIELD,
        "album": st.none() | FIELD,
        "duration": st.none() | st.integers(0, 999),
    }
)


def line(scrobble: dict[str, Any], columns: int) -> str:
    fields = [str(scrobble["time"]), "␟".join(scrobble["artists"]), scrobble["title"]]
    fields += [str(value) if (value := scrobble[name]) is not None else "-" for name in ("album", "duration")]
    return "\t".join(field.replace("#", "\\num") for field in fields[:columns])


@examples(70)
@given(st.lists(SCROBBLE, max_size=6), st.integers(3, 5), st.sampled_from(["\n", "\r\n"]))
def test_generated_scrobbles_are_read_back(scrobbles: list[dict[str, Any]], columns: int, end: str) -> None:
    data = "".join(line(scrobble, columns) + end for scrobble in scrobbles).encode()
    found = maloja_tsv.read_tsv(data, ReadOptions()).to_dicts()
    assert len(found) == len(scrobbles)
    for got, scrobble in zip(found, scrobbles, strict=True):
        artists = split_credit(scrobble["artists"])
        assert got["artists"] == artists
        assert got["artist"] == (", ".join(artists) if artists else None)
        assert (got["track"], got["album"]) == (scrobble["title"], scrobble["album"] if columns > 3 else None)
        assert got["listened_at"] == datetime.fromtimestamp(scrobble["time"], UTC)
        assert (got["client"], got["duration"], got["skip"]) == ("maloja", None, None)
        blank = artists is None or not scrobble["title"].strip()
        assert (got["reject"] is None) != blank or got["reject"] in {None, "missing_artist", "missing_track"}


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"1551434400\tA\tt\tL\t-\n", True),
        (b"1551434400\tA\tt\t-\r\n", True),
        (b"1551434400\tA\tt\n1551434401\tA\tt\tL\t187\n", True),
        ("1551434400\tA␟B\tt\tL\n".encode(), True),
        (b"1551434400\tA\tShift \\num4\n", True),
        (b"broken\n1551434400\tA\tt\tL\t-\n", True),
        (b"1551434400\tA\tt\tL\n", False),
        (b"1551434400\tA\tt\n1551434401\tt\tA\tL\t\t\t\n", False),
        ("1551434400\tA\tt\tL\t-".encode("utf-16"), True),
        (b"1551434400\tA\n", False),
        (b"1551434400\tA\tt\tL\t-\tx\n", False),
        (b"12\tA\tt\tL\t-\n", False),
        (b"1551434400,A,t,L,-\n", False),
        (b"a\tb\tc\n" * 3 + b"1551434400\tA\tt\tL\t-\n", False),
    ],
)
def test_the_first_lines_decide(data: bytes, is_one: bool) -> None:
    assert (recognise(peek_at("any name", data)) is maloja_tsv.FORMAT) == is_one


def test_the_name_decides_where_the_columns_prove_nothing() -> None:
    data = b"1551434400\tA\tt\tL\n"
    assert recognise(peek_at("2019_3.tsv", data)) is maloja_tsv.FORMAT
    assert recognise(peek_at("exported_tracks.txt", data)) is lastfm_lastexport.FORMAT
    assert recognise(peek_at("plays.tsv", data)) is timed_lines.REFUSAL


@pytest.mark.parametrize("name", ["2019_3.tsv", "2024_12.tsv", "spotifyimport.tsv"])
def test_an_empty_file_is_known_by_its_name(name: str) -> None:
    assert recognise(peek_at(name, b"")) is maloja_tsv.FORMAT


@pytest.mark.parametrize("time", ["-1", "253402300800", "1.5", "now", "-"])
def test_invalid_time_rejects_the_row_alone(time: str) -> None:
    frame = maloja_tsv.read_tsv(f"{time}\tA\tt\n1551434400\tA\tt\n".encode(), ReadOptions())
    assert frame["reject"].to_list() == ["bad_time", None]
    assert frame["detail"][0] == f'time: "{time}"'


def test_how_long_it_was_played_does_not_leave_the_file() -> None:
    record = maloja_tsv.LAYOUT.locate(b"1551434400\tA\tt\tL\t187\n", [1])["record"][0]
    assert record == '{"time": "1551434400", "artists": "A", "title": "t", "album": "L"}'
