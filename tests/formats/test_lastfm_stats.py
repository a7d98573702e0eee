"""JSON of lastfmstats.com, compared with a second, plain implementation of its rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, lastfm_stats, maloja_export, peek_at

TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
LAST_MS = 253402300799000
DATE = st.none() | st.integers(-2, 2**41) | st.sampled_from([0, LAST_MS, LAST_MS + 1, 10**18, "", " ", "soon", "-1"])
SCROBBLE = st.fixed_dictionaries(
    {"track": TEXT, "artist": TEXT, "date": DATE | DATE.map(lambda date: None if date is None else str(date))},
    optional={"album": TEXT, "albumId": st.integers()},
)


def time_of(date: str | int | None) -> datetime | None:
    text = str(date).strip()
    if not text.isdecimal() or int(text) > LAST_MS:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))


def verdict(scrobble: dict[str, Any]) -> str | None:
    for key, reason in (("artist", "missing_artist"), ("track", "missing_track")):
        if not (scrobble[key] or "").strip():
            return reason
    if scrobble["date"] is None or not str(scrobble["date"]).strip():
        return "missing_time"
    return "bad_time" if time_of(scrobble["date"]) is None else None


@given(st.lists(SCROBBLE, max_size=8), st.sampled_from([None, 2]))
def test_generated_scrobbles_are_read_back(scrobbles: list[dict[str, Any]], indent: int | None) -> None:
    data = json.dumps({"username": "somebody", "scrobbles": scrobbles}, indent=indent).encode()
    rows = lastfm_stats.read_stats(data, ReadOptions()).to_dicts()
    assert len(rows) == len(scrobbles)
    for row, scrobble in zip(rows, scrobbles, strict=True):
        assert (row["artist"], row["track"]) == (scrobble["artist"], scrobble["track"])
        assert row["album"] == (scrobble.get("album") or None)
        assert row["listened_at"] == time_of(scrobble["date"])
        assert (row["skip"], row["reject"]) == (None, verdict(scrobble))
        assert (row["client"], row["artist_mbids"], row["minute_only"]) == ("lastfm", None, None)


def test_milliseconds_are_exact() -> None:
    dates: list[int | str] = [1234567890123, 1108290000001, 1748736900999, "1748736900007"]
    scrobbles = [{"track": "a", "artist": "b", "date": date} for date in dates]
    frame = lastfm_stats.read_stats(json.dumps({"username": "a", "scrobbles": scrobbles}).encode(), ReadOptions())
    assert frame["listened_at"].dt.epoch("us").to_list() == [int(date) * 1000 for date in dates]


def test_not_confused_with_maloja_export() -> None:
    stats = {"username": "a", "scrobbles": [{"track": "a", "artist": "b", "album": "", "albumId": "c", "date": 1}]}
    maloja = {"maloja": {"export_time": 1}, "scrobbles": [{"time": 1, "track": {"artists": ["a"], "title": "b"}}]}
    recognised = [
        [entry.recognise(peek_at("lastfmstats-a.json", json.dumps(data).encode())) for data in (stats, maloja)]
        for entry in (lastfm_stats.FORMAT, maloja_export.FORMAT)
    ]
    assert recognised == [[True, False], [False, True]]


@pytest.mark.parametrize("data", [b"[]", b'{"username":"a"}', b'{"username":"a","scrobbles":[{"track":"a"', b"", b"{"])
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenFileError):
        lastfm_stats.read_stats(data, ReadOptions())
