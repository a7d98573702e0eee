"""Lists and lines of flat JSON objects that scripts write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats import ReadOptions, lastfm_lines, lastfm_list, peek_at, recognise
from tests.helpers.examples import examples

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
KEYS = st.tuples(
    st.sampled_from(["artist", "Artist", "artist_name", "artistName", "Artist Name"]),
    st.sampled_from(["track", "title", "song", "name", "track_name", "trackName", "TrackName"]),
    st.sampled_from(["album", "albumName", "release_name"]),
    st.sampled_from(["uts", "timestamp", "ts", "unix_time", "date", "time", "playedAt"]),
)
PLAY = st.tuples(
    TEXT, TEXT | st.integers(0, 9999), st.none() | TEXT, st.integers(100_000_000, 4_000_000_000), st.booleans()
)


@examples(70)
@given(KEYS, st.lists(PLAY, min_size=1, max_size=5), st.booleans(), st.sampled_from([None, 2]))
def test_generated_plays_are_read_back(
    keys: tuple[str, ...], plays: list[tuple[Any, ...]], in_lines: bool, indent: int | None
) -> None:
    rows = [
        dict(zip(keys, (artist, track, album, str(time) if as_text else time), strict=True)) | {"other": "x"}
        for artist, track, album, time, as_text in plays
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows) if in_lines else json.dumps(rows, indent=indent)
    data = text.encode()
    fmt = lastfm_lines.FORMAT if in_lines else lastfm_list.FORMAT
    assert recognise(peek_at("x", data)) is fmt
    found = fmt.read(data, ReadOptions()).to_dicts()
    assert len(found) == len(plays)
    for got, (artist, track, album, time, _) in zip(found, plays, strict=True):
        assert (got["artist"], got["track"], got["album"]) == (artist, str(track), album)
        assert got["listened_at"] == EPOCH + timedelta(seconds=time)
        assert got["client"] == "lastfm"
        blank = [name for name, value in (("artist", artist), ("track", track)) if not str(value).strip()]
        assert got["reject"] == (f"missing_{blank[0]}" if blank else None)
    records = fmt.layout.locate(data, range(1, len(plays) + 1))["record"].to_list()
    assert all("other" not in json.loads(record) for record in records)
    assert fmt.read(fmt.layout.document(records), ReadOptions()).to_dicts() == found


def test_zone_applies_to_local_times() -> None:
    plays = [{"artist": "A", "title": "t", "time": time} for time in ("2023-07-01 12:00:00", "2023-07-01T12:00:00Z")]
    data = json.dumps(plays).encode()
    frame = lastfm_list.read_list(data, ReadOptions(timezone="Europe/Berlin"))
    assert [time.hour for time in frame["listened_at"]] == [10, 12]
    assert frame["local_time"].to_list() == ["unique", None]


@pytest.mark.parametrize(
    "data",
    [
        b'[{"artist":"A","track":"t"}]',
        b'[{"artist":"A","date":"2020-01-01"}]',
        b'[{"artist":{"name":"A"},"name":"t","date":1577836800}]',
        b'[{"artist":"A","track":"t","date":1577836800,"image":[{"size":"small"}]}]',
        b'[{"artist":"A","track":"t","date":"1999-05-01"},{"artist":"A","track":"t","date":1999}]',
        b'[["A","t",1577836800]]',
        b'{"plays":[{"artist":"A","track":"t","date":1577836800}]}',
        b"[1,2,3]",
        b'[{"artist":"A",',
    ],
)
def test_other_json_is_not_recognised(data: bytes) -> None:
    assert recognise(peek_at("x.json", data)) not in (lastfm_list.FORMAT, lastfm_lines.FORMAT)


@pytest.mark.parametrize("first", [b"7", b'{"artist":"A"', b'{"artist":["A"],"track":"t","date":1}'])
def test_broken_first_record_does_not_hide_a_list(first: bytes) -> None:
    data = b"[" + first + b',\n{"artist":"A","track":"t","date":1577836800}]'
    assert recognise(peek_at("x.json", data)) is lastfm_list.FORMAT


@pytest.mark.parametrize("control", ["\n", "\t", "\0", "\x1f"])
def test_a_broken_key_does_not_replace_a_sound_one(control: str) -> None:
    sound = '{"artist": "A", "title": "t", "album": "Al", "time": "2023-07-01T12:00:00Z"}'
    broken = sound.replace('"album"', f'"{control}album"')
    frame = lastfm_list.read_list(f"[{sound}, {broken}, {sound}]".encode(), ReadOptions())
    assert frame["album"].to_list() == ["Al", None, "Al"]
    assert frame["reject"].to_list() == [None, "malformed", None]
