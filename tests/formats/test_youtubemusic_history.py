"""YouTube Music's part of the watch history in Google Takeout, in any language."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats import ReadOptions, Refusal, peek_at, recognise, youtubemusic_history
from etl.formats.youtubemusic_titles import Wording, find_wordings
from tests.helpers.examples import examples

FIRST = datetime(2016, 1, 1)  # noqa: DTZ001 (Hypothesis wants it so)
TITLES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9).filter(
    lambda title: title.strip() != ""
)
PLAY = st.fixed_dictionaries(
    {
        "title": TITLES,
        "artist": st.sampled_from(["Harbour Lights", "Küstenchor", "雨宿り", "A - B"]),
        "music": st.booleans(),
        "time": st.datetimes(FIRST).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)),
    }
)
WORDS = st.sampled_from(
    [
        ("Watched ", ""),
        ("", " angesehen"),
        ("„", "“ angesehen"),
        ("Je hebt naar ", " gekeken"),
        ("Gledano: ", ""),  # not among the known ones
        ("", " — pogledano"),
    ]
)


def watched(title: str, channel: str | None = "A - Topic", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    return {
        "header": "YouTube Music",
        "title": title,
        "titleUrl": "https://music.youtube.com/watch?v=abcdefghijk",
        **({"subtitles": [{"name": channel, "url": "https://www.youtube.com/channel/UC0"}]} if channel else {}),
        "time": "2024-05-02T20:15:31.123Z",
        "products": ["YouTube"],
        **fields,
    }


def read(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return youtubemusic_history.read_history(json.dumps(rows).encode(), ReadOptions()).to_dicts()


@examples(70)
@given(st.lists(PLAY, max_size=6), WORDS)
def test_titles_in_any_language_are_read_back(plays: list[dict[str, Any]], words: tuple[str, str]) -> None:
    before, behind = words
    removed = watched(f"{before}https://www.youtube.com/watch?v=a_b-c{behind}", None, header="YouTube")
    rows = [
        watched(
            f"{before}{play['title']}{behind}",
            f"{play['artist']} - Topic",
            header="YouTube Music" if play["music"] else "YouTube",
            time=f"{play['time'].isoformat(timespec='milliseconds')}Z",
        )
        for play in plays
    ]
    found = read([*rows, removed])[:-1]
    assert len(found) == len(plays)
    for got, play in zip(found, plays, strict=True):
        assert got["skip"] == (None if play["music"] else "video")
        assert got["reject"] is None
        if play["music"]:
            assert (got["track"], got["artist"]) == (play["title"], play["artist"])
            assert got["listened_at"] == play["time"].replace(tzinfo=UTC)
            assert (got["album"], got["duration"], got["client"]) == (None, None, "youtubemusic")


@pytest.mark.parametrize(
    ("titles", "others", "words"),
    [
        (["Watched Song"], [], [Wording("Watched ")]),
        (["Watched The Sea", "Watched The Sky"], [], [Wording("Watched ")]),
        (["Så på Havet", "Så på Himlen"], [], [Wording("Så på ")]),
        (["Så Havet", "Så på Himlen"], [], [Wording("Så ")]),
        (["Gledano: More", "Gledano: Mora"], [], [Wording("Gledano: ")]),
        (["More videno", "Selo videno"], [], [Wording("", " videno")]),
        (["Gledano: More"], [], []),
        (["Gledano: More"], ["Gledano: https://www.youtube.com/watch?v=x"], [Wording("Gledano: ")]),
        (["Watched angesehen"], ["Watched https://www.youtube.com/watch?v=x"], [Wording("Watched ")]),
        (["Watched A", "Watched B"], ["https://www.youtube.com/watch?v=x"], [Wording("Watched ")]),
        (["Watched A", "Watched B"], ["my https://www.youtube.com/@channel page"], [Wording("Watched ")]),
        (["More", "Selo"], [], [Wording()]),
        (["Watched More", "Selo angesehen"], [], [Wording(behind=" angesehen"), Wording("Watched ")]),
        (["Watched More", "Selo", "Voda"], [], [Wording()]),
        (["x", "x"], [], []),
        ([], [], []),
    ],
)
def test_words_around_titles(titles: list[str], others: list[str], words: list[Wording]) -> None:
    assert find_wordings(titles, others) == words


def test_titles_of_joined_downloads_in_two_languages_lose_their_words() -> None:
    found = read([watched(title) for title in ("Watched More", "Watched Sea", "Selo angesehen", "Meer angesehen")])
    assert [row["track"] for row in found] == ["More", "Sea", "Selo", "Meer"]


@pytest.mark.parametrize(
    ("row", "skip", "reject"),
    [
        (watched("Watched t"), None, None),
        (watched("Watched t", header="YouTube"), "video", None),
        (watched("Watched t", details=[{"name": "From Google Ads"}]), "advert", None),
        (watched("Watched https://music.youtube.com/watch?v=x", None), "not_a_track", None),
        ({**watched("Watched a video that has been removed", None), "titleUrl": None}, "not_a_track", None),
        (watched("Watched t", None), None, "missing_artist"),
        (watched("Watched t", "https://www.youtube.com/channel/UC0"), None, "missing_artist"),
        (watched("Voted on t"), None, "missing_track"),
        (watched("Watched t", time="yesterday"), None, "bad_time"),
        (watched("Watched t", time=None), None, "missing_time"),
    ],
)
def test_what_becomes_of_a_row(row: dict[str, Any], skip: str | None, reject: str | None) -> None:
    many = [watched(f"Watched song {number}") for number in range(20)]
    found = read([*many, row])[-1]
    assert (found["skip"], found["reject"]) == (skip, reject)


def test_every_channel_of_an_artist_gives_the_artist() -> None:
    channels = ["A - Topic", "A – Topic", "A - Thema", "A", "A - B - Topic", "Topic"]
    found = read([watched(f"Watched {number}", channel) for number, channel in enumerate(channels)])
    assert [row["artist"] for row in found] == ["A", "A", "A", "A", "A - B", "Topic"]


SEARCH = {**watched("Searched for t", None), "titleUrl": "https://www.youtube.com/results?search_query=t"}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (json.dumps([SEARCH]).encode(), "youtubemusic-searches"),
        (b"<html><head><title>My Activity History</title></head><body>", "youtubemusic-page"),
        (b"<!DOCTYPE html><div class='outer-cell'>", "youtubemusic-page"),
        (b"Video ID,Song Title,Album Title,Artist Name 1\nx,t,L,A\n", "youtubemusic-library"),
    ],
)
def test_neighbours_in_a_takeout_are_named(data: bytes, name: str) -> None:
    known = recognise(peek_at("any name", data))
    assert isinstance(known, Refusal)
    assert (known.name, known.harmless) == (name, name != "youtubemusic-page")
    assert ("JSON" in known.advice) != known.harmless


def test_activity_of_other_products_is_not_recognised() -> None:
    other = {**watched("Searched for t", None), "header": "Search", "titleUrl": "https://www.google.com/search?q=t"}
    assert recognise(peek_at("MyActivity.json", json.dumps([other]).encode())) is None
