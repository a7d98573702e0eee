"""Spotify's account data, compared with a second, plain implementation of the rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, peek_at, recognise, spotify_account, spotify_extended

if TYPE_CHECKING:
    import polars as pl

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = TEXT | st.sampled_from(["Nordlicht Kapelle", " ", "", "Unknown Artist", "Unknown Track", "雨宿り", None])
MINUTES = st.datetimes(datetime(2008, 1, 1), datetime(2035, 1, 1)).map(lambda time: time.strftime("%Y-%m-%d %H:%M"))  # noqa: DTZ001
PLAYS = st.fixed_dictionaries(
    {
        "endTime": MINUTES | st.sampled_from(["", " ", "soon", "2023-05-13", "2023-05-13 24:00", None]),
        "artistName": NAME,
        "trackName": NAME,
        "msPlayed": st.sampled_from([0, 29_999, 30_000, 200_000]) | st.integers(0, 10**9) | st.none(),
    }
)
PRETTY = {"indent": 2, "separators": (",", " : ")}
OPTIONS = st.sampled_from([ReadOptions(), ReadOptions(spotify_plays="trackdone"), ReadOptions(spotify_time="start")])
# White space as Unicode has it; Python's own strip() adds U+001C to U+001F, which are control characters.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def blank(text: str | None) -> bool:
    return not (text or "").strip(SPACE)


def minute(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def verdict(play: dict[str, Any]) -> str | None:
    """Say what becomes of a play: the first of these conditions that holds."""
    artist, track = play["artistName"], play["trackName"]
    conditions = {
        "too_short": (play["msPlayed"] or 0) < 30_000,
        "missing_artist": blank(artist) or (artist.strip(SPACE) == "Unknown Artist" and not blank(track)),
        "missing_track": blank(track) or track.strip(SPACE) == "Unknown Track",
        "missing_time": blank(play["endTime"]),
        "bad_time": minute(play["endTime"]) is None,
    }
    return next((reason for reason, holds in conditions.items() if holds), None)


def read(plays: list[dict[str, Any]], options: ReadOptions | None = None) -> pl.DataFrame:
    return spotify_account.read_account(json.dumps(plays).encode(), options or ReadOptions())


def play(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    names = {"artistName": "Gläserne Stunden", "trackName": "Telefon"}
    return {"endTime": "2023-05-13 15:35", **names, "msPlayed": 180_000, **fields}


END = datetime(2023, 5, 13, 15, 35, tzinfo=UTC)


@given(st.lists(PLAYS, max_size=8), OPTIONS, st.booleans(), st.sampled_from([{}, {"indent": 2}, PRETTY]))
def test_generated_plays_are_read_back_as_the_rules_say(
    plays: list[dict[str, Any]], options: ReadOptions, ascii_only: bool, style: dict[str, Any]
) -> None:
    data = json.dumps(plays, ensure_ascii=ascii_only, **style).encode()
    rows = spotify_account.read_account(data, options).to_dicts()
    assert len(rows) == len(plays)
    for row, source in zip(rows, plays, strict=True):
        assert (row["skip"] or row["reject"]) == verdict(source)
        assert (row["artist"], row["track"]) == (source["artistName"], source["trackName"])
        end, played = minute(source["endTime"]), source["msPlayed"] or 0
        start = end and end - timedelta(milliseconds=played)
        assert row["listened_at"] == (end if options.spotify_time == "end" else start)
        assert (row["started_at"], row["ended_at"], row["played_ms"]) == (start, end, played)
        assert row["minute_only"] is True
        assert row["client"] == "spotify"
        assert row["album"] is row["duration"] is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2023-05-13 15:35", None),
        (" 2023-05-13 15:35\n", None),
        ("2023-05-13 15:35:46", "bad_time"),
        ("2023-05-13T15:35:00Z", "bad_time"),
        ("2023-5-13 15:35", "bad_time"),
        ("0000-05-13 15:35", "bad_time"),
        ("٢٠٢٣-05-13 15:35", "bad_time"),
        ("2023-05-13 15:35 soon", "bad_time"),
        ("\u3000", "missing_time"),
    ],
)
def test_a_time_is_a_minute_and_nothing_else(text: str, reason: str | None) -> None:
    frame = read([play(endTime=text), play()])
    assert frame["ended_at"].to_list() == [None if reason else END, END]
    assert frame["reject"].to_list() == [reason, None]


def test_play_in_account_data_and_extended_history() -> None:
    names = {"master_metadata_track_name": "Telefon", "master_metadata_album_artist_name": "Gläserne Stunden"}
    row = {"ts": "2023-05-13T15:35:46Z", "ms_played": 180_000, "reason_end": "endplay", **names}
    extended = spotify_extended.read_extended(json.dumps([row]).encode(), ReadOptions())
    same = ["row", "artist", "track", "album", "client", "played_ms", "skip", "reject"]
    assert read([play()]).select(same).equals(extended.select(same))
    assert extended["ended_at"].dt.truncate("1m").item() == read([play()])["ended_at"].item() == END


def test_podcasts_and_audiobooks_among_music_are_skipped() -> None:
    podcast = {"endTime": "2023-05-13 15:35", "podcastName": "A Show", "episodeName": "No. 7", "msPlayed": 10}
    book = {"endTime": "soon", "audiobookName": "A Book", "chapterName": "1", "authorName": "Ann", "msPlayed": 900_000}
    plays = [play(), podcast, book, play(podcastName="A Show"), play(artistName=None, trackName=None)]
    frame = read(plays)
    assert frame["skip"].to_list() == [None, "podcast", "audiobook", None, None]
    assert frame["reject"].to_list() == [None, None, None, None, "missing_artist"]
    assert recognise(peek_at("any name", json.dumps([podcast, play()]).encode())) is spotify_account.FORMAT


def test_megabyte_title_and_wrong_types_affect_no_other_row() -> None:
    frame = read([play(trackName="ü" * 1_000_000), play(trackName=["Telefon"]), play(msPlayed=-1), play()])
    assert frame["track"].str.len_chars().to_list() == [1_000_000, None, None, 7]
    assert frame["reject"].to_list() == [None, "wrong_type", "wrong_type", None]


def test_joined_files_are_read_with_all_rows() -> None:
    plays = [play(), play(trackName="[Live] {x}"), play(endTime="soon")]
    texts = [json.dumps(one) for one in plays]
    joined = [
        f"[{texts[0]}][{texts[1]},{texts[2]}]",
        f"[[{texts[0]}],[{texts[1]},{texts[2]}]]",
        "\n".join(texts),
        f'{{"plays":[{",".join(texts)}]}}',
    ]
    for text in joined:
        assert recognise(peek_at("any name", text.encode())) is spotify_account.FORMAT
        assert spotify_account.read_account(text.encode(), ReadOptions()).equals(read(plays))
    assert recognise(peek_at("any name", texts[0].encode())) is spotify_account.FORMAT


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b'{"error":"not found"}', "no list of records at the top"),
        (b'[{"endTime":"2023-05-13 15:35"},{"endTime":"2023-', "ends at byte 49 inside record 2"),
        (b'[{"endTime":"2023-05-13 15:35"}][{"endTime":"2023-05-13 15:36"}', "ends at byte 63 after record 2"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message) as refused:
        spotify_account.read_account(data, ReadOptions())
    assert refused.value.hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["StreamingHistory0.json", "StreamingHistory_music_12.json", "renamed.txt"])
def test_it_is_recognised_by_content_under_any_name(name: str, encoding: str) -> None:
    data = json.dumps([play()], indent=2, separators=(",", " : ")).encode(encoding)
    assert recognise(peek_at(name, data)) is spotify_account.FORMAT
    assert recognise(peek_at("StreamingHistory3.json", b"[]")) is spotify_account.FORMAT
