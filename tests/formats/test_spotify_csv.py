"""Tables with the field names of Spotify's JSON: they give what the JSON gives."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, peek_at, recognise, spotify_account, spotify_csv, spotify_extended
from tests.helpers.examples import examples

if TYPE_CHECKING:
    import polars as pl

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
EXTENDED = st.fixed_dictionaries(
    {
        "ts": st.sampled_from(["2021-02-07T19:04:11Z", "soon", ""]),
        "ms_played": st.integers(0, 400_000),
        "master_metadata_track_name": TEXT,
        "master_metadata_album_artist_name": TEXT,
        "master_metadata_album_album_name": TEXT,
        "episode_name": TEXT,
        "reason_end": st.sampled_from(["trackdone", "fwdbtn", ""]),
        "offline_timestamp": st.sampled_from(["", "1612724437", "1612724437000"]),
        "platform": TEXT,
    }
)
ACCOUNT = st.fixed_dictionaries(
    {
        "endTime": st.sampled_from(["2021-02-08 07:12", "soon", ""]),
        "artistName": TEXT,
        "trackName": TEXT,
        "msPlayed": st.integers(0, 400_000),
    }
)
OPTIONS = st.builds(
    ReadOptions, st.sampled_from(["heard", "trackdone"]), st.sampled_from(["end", "start"]), st.just("Europe/Berlin")
)


def check(
    plays: list[dict[str, Any]], names: list[str], delimiter: str, expected: pl.DataFrame, options: ReadOptions
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([names, *([play[name] for name in names] for play in plays)])
    data = out.getvalue().encode()
    assert recognise(peek_at("x", data)) is spotify_csv.FORMAT
    assert spotify_csv.read_csv(data, options).equals(expected)


def as_json(plays: list[dict[str, Any]]) -> bytes:
    return json.dumps([{name: value for name, value in play.items() if value != ""} for play in plays]).encode()


@examples(50)
@given(st.lists(EXTENDED, min_size=1, max_size=4), st.sampled_from(",;\t"), OPTIONS)
def test_extended_history_is_read_as_its_json(
    plays: list[dict[str, Any]], delimiter: str, options: ReadOptions
) -> None:
    check(plays, list(plays[0]), delimiter, spotify_extended.read_extended(as_json(plays), options), options)


@examples(50)
@given(st.lists(ACCOUNT, min_size=1, max_size=4), st.sampled_from(",;\t"), OPTIONS)
def test_account_data_is_read_as_its_json(plays: list[dict[str, Any]], delimiter: str, options: ReadOptions) -> None:
    check(plays, list(plays[0]), delimiter, spotify_account.read_account(as_json(plays), options), options)


def test_table_without_a_time_is_refused() -> None:
    with pytest.raises(BrokenFileError, match="no column ts or endTime"):
        spotify_csv.read_csv(b"artistName,trackName\nA,t\n", ReadOptions())


@pytest.mark.parametrize(
    ("data", "column"),
    [
        (b"ts,master_metadata_track_name,master_metadata_album_artist_name\n2024-03-15T14:30:00Z,t,A\n", "ms_played"),
        (b"endTime,artistName,trackName\n2021-02-08 07:12,A,t\n", "msPlayed"),
    ],
)
def test_table_without_the_time_played_is_refused(data: bytes, column: str) -> None:
    assert recognise(peek_at("x", data)) is spotify_csv.FORMAT
    with pytest.raises(BrokenFileError, match=f"no column {column}"):
        spotify_csv.read_csv(data, ReadOptions())


def test_other_columns_do_not_leave_the_file() -> None:
    data = b"endTime,artistName,trackName,msPlayed,ip_addr\n2021-02-08 07:12,A,t,1,192.0.2.17\n"
    assert "192.0.2.17" not in spotify_csv.LAYOUT.locate(data, [1])["record"][0]
