"""Spotify's extended history, compared with a second, plain implementation of the rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, peek_at, recognise, spotify_extended

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.none() | TEXT | st.sampled_from(["Nordlicht Kapelle", " ", "", "Unknown Artist", "Unknown Track", "雨宿り"])
TIMES = st.datetimes(datetime(2008, 1, 1), datetime(2035, 1, 1)).map(lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ"))  # noqa: DTZ001
PLAYS = st.fixed_dictionaries(
    {"ts": TIMES | st.sampled_from(["", "soon", None])},
    optional={
        "username": TEXT,
        "ms_played": st.sampled_from([0, 1, 999, 1000, 29_999, 30_000, 200_000]) | st.integers(0, 10**9) | st.none(),
        "ip_addr": TEXT,
        "master_metadata_track_name": NAME,
        "master_metadata_album_artist_name": NAME,
        "master_metadata_album_album_name": st.none() | TEXT,
        "spotify_track_uri": st.sampled_from([None, "", "spotify:track:1"]),
        "episode_name": st.sampled_from([None, "", "Folge 1"]),
        "spotify_episode_uri": st.sampled_from([None, "spotify:episode:1"]),
        "audiobook_title": st.sampled_from([None, "Das Haus am Wehr"]),
        "audiobook_chapter_uri": st.sampled_from([None, "spotify:episode:2"]),
        "reason_end": st.sampled_from([None, "", "trackdone", "fwdbtn", "endplay"]),
        "offline_timestamp": st.sampled_from([None, 0, 1683991786, 1683991786123]),
        "incognito_mode": st.booleans() | st.none(),
    },
)
OPTIONS = st.sampled_from([ReadOptions(), ReadOptions(spotify_plays="trackdone")])


# White space as Unicode has it; Python's own strip() adds U+001C to U+001F, which are control characters.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def blank(text: str | None) -> bool:
    return not (text or "").strip(SPACE)


def verdict(play: dict[str, Any], options: ReadOptions) -> str | None:
    """Say what becomes of a play: the first of the conditions, in the order that the module promises, that holds."""
    track, artist = play.get("master_metadata_track_name"), play.get("master_metadata_album_artist_name")
    ms, to_end = play.get("ms_played") or 0, play.get("reason_end") == "trackdone"
    nameless, uri = blank(track) and blank(artist), play.get("spotify_track_uri")
    heard = ms >= 30_000 or (to_end and ms > 0)
    conditions = {
        "podcast": nameless and not uri and (play.get("episode_name") or play.get("spotify_episode_uri")),
        "audiobook": nameless and not uri and (play.get("audiobook_title") or play.get("audiobook_chapter_uri")),
        "not_a_track": nameless,
        "not_played_to_end": options.spotify_plays == "trackdone" and not to_end,
        "too_short": options.spotify_plays == "heard" and not heard,
        "missing_artist": blank(artist) or (artist == "Unknown Artist" and not blank(track)),
        "missing_track": blank(track) or track == "Unknown Track",
        "missing_time": not play["ts"],
        "bad_time": play["ts"] == "soon",
    }
    return next((reason for reason, holds in conditions.items() if holds), None)


def read(plays: list[dict[str, Any]], options: ReadOptions | None = None) -> pl.DataFrame:
    return spotify_extended.read_extended(json.dumps(plays).encode(), options or ReadOptions())


def play(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    names = {"master_metadata_track_name": "Telefon", "master_metadata_album_artist_name": "Gläserne Stunden"}
    return {"ts": "2023-05-13T15:35:46Z", "ms_played": 180_000, "reason_end": "trackdone", **names, **fields}


@given(st.lists(PLAYS, max_size=8), OPTIONS, st.booleans(), st.sampled_from([None, 2]))
def test_generated_plays_are_read_back_as_the_rules_say(
    plays: list[dict[str, Any]], options: ReadOptions, ascii_only: bool, indent: int | None
) -> None:
    data = json.dumps(plays, ensure_ascii=ascii_only, indent=indent).encode()
    rows = spotify_extended.read_extended(data, options).to_dicts()
    assert len(rows) == len(plays)
    for row, source in zip(rows, plays, strict=True):
        assert (row["skip"] or row["reject"]) == verdict(source, options)
        assert row["track"] == source.get("master_metadata_track_name")
        assert row["artist"] == source.get("master_metadata_album_artist_name")
        assert row["album"] == source.get("master_metadata_album_album_name")
        to_end = source.get("reason_end") == "trackdone"
        assert row["duration"] == ((source.get("ms_played") or 0) // 1000 or None if to_end else None)
        assert row["client"] == "spotify"
        time = source["ts"]
        assert row["listened_at"] == (datetime.fromisoformat(time) if time and time != "soon" else None)


END = datetime(2023, 5, 13, 15, 35, 46, tzinfo=UTC)
END_S = int(END.timestamp())


@pytest.mark.parametrize(
    ("offline", "start"),
    [
        (None, END - timedelta(seconds=180)),
        (0, END - timedelta(seconds=180)),
        (END_S - 181, END - timedelta(seconds=181)),
        (END_S - 3600, END - timedelta(hours=1)),  # a pause
        (END_S - 150, END - timedelta(seconds=150)),  # 30 s late: clocks differ
        (END_S - 149, END - timedelta(seconds=180)),  # later is implausible
        (END_S + 1, END - timedelta(seconds=180)),
        ((END_S - 181) * 1000 + 250, END - timedelta(seconds=180.75)),
        (1e300, END - timedelta(seconds=180)),
        ("nan", END - timedelta(seconds=180)),
        (-5, END - timedelta(seconds=180)),
    ],
)
def test_start_is_a_plausible_offline_timestamp(offline: Any, start: datetime) -> None:  # noqa: ANN401
    frame = read([play(offline_timestamp=offline)], ReadOptions(spotify_time="start"))
    assert frame["listened_at"].to_list() == [start]
    assert read([play(offline_timestamp=offline)])["listened_at"].to_list() == [END]


def test_implausible_milliseconds_do_not_move_the_start() -> None:
    short = play(ms_played=29_000, offline_timestamp=(END_S + 1) * 1000)
    frame = read([short, play(ts=None)], ReadOptions(spotify_time="start"))
    assert frame["listened_at"].to_list() == [END - timedelta(seconds=29), None]
    assert frame["reject"].to_list() == [None, "missing_time"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023-05-13T15:35:46Z", END),
        (" 2023-05-13 15:35:46 ", END),
        ("2023-05-13t15:35:46z", END),
        ("2023-05-13T17:35:46+02:00", END),
        ("2023-05-13T10:05:46-0530", END),
        ("2023-05-13T15:35:46.5Z", END + timedelta(seconds=0.5)),
        ("2023-05-13T15:35:46.123456789+00:00", END + timedelta(microseconds=123456)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0000-12-31T23:59:59Z", None),
        ("10000-01-01T00:00:00Z", None),
        ("2023-05-13T25:00:00Z", None),
        ("2023-02-29T10:00:00Z", None),
        ("2023-05-13", None),
        ("1683991786", None),
        ("2023-05-13T15:35:46+99:00", None),
        ("٢٠٢٣-05-13T15:35:46Z", None),
    ],
)
def test_times_are_read_in_the_forms_that_occur(text: str, time: datetime | None) -> None:
    frame = read([play(ts=text), play()])
    assert frame["listened_at"].to_list() == [time, END]
    assert frame["reject"].to_list() == [None if time else "bad_time", None]


def test_a_long_text_is_not_quoted_in_full() -> None:
    detail = read([play(ts="x" * 1_000_000)])["detail"].item()
    assert detail.startswith('ts: "xxx')
    assert len(detail) < 100


def test_a_title_of_a_megabyte_is_read() -> None:
    frame = read([play(), play(master_metadata_track_name="ü" * 1_000_000), play(ms_played={})])
    assert frame["track"].str.len_chars().to_list() == [7, 1_000_000, None]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<html>Not found</html>", "no list of records at the top"),
        (b'{"error":"not found"}', "no list of records at the top"),
        (b'[{"ts":"2020-01-01T00:00:00Z"},{"ts":"2020-01', "ends at byte 45 inside record 2"),
        (b'[{"ts":"2020-01-01T00:00:00Z"},', "ends at byte 31 after record 1"),
        (b'[{"ts":"2020-01-01T00:00:00Z"}', "ends at byte 30 after record 1"),
        (b"[", "ends at byte 1 after record 0"),
        (b'[{"ts":"2020-01-01T00:00:00Z"}][{"ts":"2021-01-01T00:00:00Z"}', "ends at byte 61 after record 2"),
        (b"[] and more", "follows the end of the list"),
        ("[]".encode("utf-16")[:-1], "UTF-16"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message) as refused:
        spotify_extended.read_extended(data, ReadOptions())
    assert refused.value.hint


PLAIN = json.dumps([play(), play(master_metadata_track_name="[Live] {x}"), play(ms_played=1), play(ts="soon")])


@pytest.mark.parametrize(
    "joined",
    [
        lambda plays: json.dumps(plays[:2]) + json.dumps(plays[2:]),
        lambda plays: json.dumps(plays[:2], indent=2) + "\n\ufeff" + json.dumps(plays[2:], indent=2) + "\n",
        lambda plays: json.dumps([plays[:1], [], plays[1:]]),
        lambda plays: "".join(f"{json.dumps(one)}\n" for one in plays),
        lambda plays: "".join(json.dumps(one, indent=2) for one in plays),
        lambda plays: json.dumps({"user": "x", "history": plays, "count": 4}),
    ],
    ids=["cat", "cat with byte order marks", "jq -s", "lines", "objects", "wrapped"],
)
def test_joined_files_are_read_with_all_rows(joined: Callable[[list[Any]], str]) -> None:
    data = joined(json.loads(PLAIN)).encode()
    known = recognise(peek_at("any name", data))
    assert known is spotify_extended.FORMAT
    plain, found = (spotify_extended.scan_extended(text, ReadOptions()) for text in (PLAIN.encode(), data))
    assert found.rows.equals(plain.rows)
    located = spotify_extended.LAYOUT.locate(data, [1, 4])
    assert located["record"].equals(spotify_extended.LAYOUT.locate(PLAIN.encode(), [1, 4])["record"])
    begin, length = located.row(1)[1:3]
    assert json.loads(data[begin : begin + length])["ts"] == "soon"


def test_one_object_alone_is_a_play() -> None:
    data = json.dumps(play(), indent=2).encode()
    assert recognise(peek_at("any name", data)) is spotify_extended.FORMAT
    assert spotify_extended.read_extended(data, ReadOptions()).equals(read([play()]))


def test_a_file_cut_off_anywhere_is_never_loaded_in_part() -> None:
    whole = json.dumps([play(), play(master_metadata_track_name="[Live] {x}"), play()]).encode()
    for length in range(len(whole)):
        with pytest.raises(BrokenFileError):
            spotify_extended.read_extended(whole[:length], ReadOptions())
