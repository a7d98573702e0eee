"""Apple Music's play activity, with the artists of the files next to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import Companions, ReadOptions, Refusal, applemusic_activity, peek_at, recognise
from tests.helpers.applemusic import START, daily, library, played, table
from tests.helpers.examples import examples

ARTISTS = ["Harbour Lights", "The Lanterns", "Grey - Scale", "雨宿り", "A, B"]
TITLES = ["Home", "home ", "Kelp Waltz", "One - Two", "Two", 'Say "so"']
TRACK = st.tuples(st.sampled_from(ARTISTS), st.sampled_from(TITLES))
DAYS = st.integers(0, 3).map(lambda days: (START + timedelta(days=days)).strftime("%Y%m%d"))


def read(rows: list[dict[str, object]], days: bytes | None = None, tracks: bytes | None = None) -> list[dict[str, Any]]:
    files = [("applemusic-daily-tracks", days), ("applemusic-library-tracks", tracks)]
    companions = Companions(tuple((name, data) for name, data in files if data is not None), "some")
    return applemusic_activity.read_activity(table(rows), ReadOptions(companions=companions)).to_dicts()


def same(one: str, other: str) -> bool:
    return one.lower().split() == other.lower().split()


@examples(70)
@given(
    st.lists(st.tuples(TRACK, DAYS), max_size=6),
    st.lists(TRACK, max_size=4),
    st.lists(st.tuples(st.sampled_from(TITLES), st.integers(0, 3)), min_size=1, max_size=5),
)
def test_an_artist_is_found_where_it_is_certain(
    days: list[tuple[tuple[str, str], str]], tracks: list[tuple[str, str]], plays: list[tuple[str, int]]
) -> None:
    """A second, plain implementation; days are those of UTC, as the plays have no offset from it."""
    described = [(f"{artist} - {title}", day) for (artist, title), day in days]
    found = read(
        [played(title, day * 1440) for title, day in plays],
        daily(*described) if described else None,
        library(*({"Artist": artist, "Title": title} for artist, title in tracks)),
    )
    for row, (title, day) in zip(found, plays, strict=True):
        on = (START + timedelta(days=day)).strftime("%Y%m%d")
        named = [
            (text[:at], when)
            for text, when in described
            for at in range(len(text))
            if text.startswith(" - ", at) and same(text[at + 3 :], title)
        ]
        everyone = {artist for artist, _ in named} | {artist for artist, name in tracks if same(name, title)}
        that_day = {artist for artist, when in named if when == on}
        expected = next((next(iter(some)) for some in (everyone, that_day) if len(some) == 1), None)
        assert row["artist"] == expected
        assert row["reject"] == (None if expected else "artist_unknown")


@pytest.mark.parametrize(
    ("row", "artist"),
    [
        (played("Home"), None),
        (played("Home", Artist_Name="Named"), "Named"),
        (played("Home", Album_Name="Near"), "A"),
        (played("Home", Album_Name="far"), "B"),
        (played("Home", Album_Name="Elsewhere"), None),
        (played("Home", Container_Album_Name="Near", Container_Artist_Name="B", Container_Type="ALBUM"), "A"),
        (played("Home", Container_Artist_Name="b", Container_Type="ALBUM"), "B"),
        (played("Home", Container_Artist_Name="C", Container_Type="ALBUM"), None),
        (played("Home", 1440), "A"),
        (played("Home", 1440, UTC_Offset_In_Seconds=13 * 3600), "B"),
        (played("Home", 1440, UTC_Offset_In_Seconds=""), None),
        (played("Other", Container_Artist_Name="C", Container_Type="ALBUM"), "C"),
        (played("Other", Container_Artist_Name="C"), "C"),
        (played("Other", Container_Artist_Name="C", Container_Type="PLAYLIST"), None),
        (played("Other", Container_Artist_Name="C", Container_Type="Radio Station"), None),
        (played("Other"), None),
    ],
)
def test_how_the_artist_is_determined(row: dict[str, object], artist: str | None) -> None:
    days = daily(("A - Home", "20240204"), ("B - Home", "20240205"))
    tracks = library(
        {"Title": "Home", "Artist": "A", "Album": "Near"}, {"Title": "Home", "Artist": "B", "Album": "Far"}
    )
    (found,) = read([row], days, tracks)
    assert found["artist"] == artist
    assert (found["reject"] == "artist_unknown") == (artist is None)
    if artist is None:
        several = "2 artists have a track of this name"
        assert found["detail"] == (several if row["Song Name"] == "Home" else "no file next to it names one")


def test_one_artist_in_two_spellings_is_certain() -> None:
    (found,) = read(
        [played("Home")],
        daily(("The  LANTERNS - Home", "20240101")),
        library({"Title": "HOME", "Artist": "The Lanterns"}),
    )
    assert same(found["artist"], "The Lanterns")


@pytest.mark.parametrize(
    ("columns", "skip"),
    [
        ({}, None),
        ({"Event_Type": ""}, None),
        ({"Event_Type": "PLAY_START"}, "not_a_play"),
        ({"Event_Type": "LYRIC_DISPLAY"}, "not_a_play"),
        ({"Media_Type": "VIDEO"}, "video"),
        ({"Media_Type": ""}, None),
        ({"Play_Duration_Milliseconds": 30_000, "End_Reason_Type": "TRACK_SKIPPED_FORWARDS"}, None),
        ({"Play_Duration_Milliseconds": 29_999, "End_Reason_Type": "TRACK_SKIPPED_FORWARDS"}, "too_short"),
        ({"Play_Duration_Milliseconds": 12_000}, None),
        ({"Play_Duration_Milliseconds": 0}, "too_short"),
        ({"Play_Duration_Milliseconds": ""}, None),
        ({"Song_Name": "", "Artist_Name": ""}, "not_a_track"),
    ],
)
def test_what_is_a_listen(columns: dict[str, object], skip: str | None) -> None:
    (found,) = read([played("Home", **{"Container_Artist_Name": "A", **columns})])
    assert (found["skip"], found["reject"]) == (skip, None)


@pytest.mark.parametrize(
    ("columns", "second", "reject"),
    [
        ({}, START, None),
        ({"Event_Start_Timestamp": ""}, START, None),
        ({"Event_Start_Timestamp": "soon"}, START, None),
        ({"Event_Start_Timestamp": "", "Event_End_Timestamp": ""}, None, "missing_time"),
        ({"Event_Start_Timestamp": "soon", "Event_End_Timestamp": ""}, None, "bad_time"),
    ],
)
def test_time_of_a_play_is_its_start(columns: dict[str, object], second: datetime | None, reject: str | None) -> None:
    (found,) = read([played("Home", **{"Container_Artist_Name": "A", **columns})])
    assert (found["listened_at"], found["reject"]) == (second, reject)
    assert (found["duration"], found["client"]) == (200, "applemusic")
    assert (found["started_at"], found["ended_at"]) == (None, None)


def test_old_files_are_read_by_their_own_columns() -> None:
    row = {
        "Artist Name": "A",
        "Content Name": "t",
        "Event Start Timestamp": "2019-03-03T11:00:00.5Z",
        "Play Duration Milliseconds": "240000",
        "Original Title": "x",
    }
    data = table([row])
    assert recognise(peek_at("any name", data)) is applemusic_activity.FORMAT
    (found,) = applemusic_activity.read_activity(data, ReadOptions()).to_dicts()
    assert (found["artist"], found["track"]) == ("A", "t")
    assert found["listened_at"] == datetime(2019, 3, 3, 11, 0, 0, 500_000, tzinfo=UTC)
    assert (found["skip"], found["reject"]) == (None, None)


def test_a_file_without_the_columns_is_refused_with_their_names() -> None:
    with pytest.raises(BrokenFileError, match=r"Event Start Timestamp.*Play Duration Milliseconds.*Song Name"):
        applemusic_activity.read_activity(b"Song Name,Event Type\nt,PLAY_END\n", ReadOptions())


def test_the_list_of_last_plays_is_harmless_and_named() -> None:
    known = recognise(peek_at("x.csv", b"Track Name,Last Played Date,Is User Initiated\nA - t,1700000000000,true\n"))
    assert isinstance(known, Refusal)
    assert (known.name, known.harmless) == ("applemusic-last-plays", True)
    assert "Play Activity" in known.advice
