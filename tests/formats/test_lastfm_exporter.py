"""JSON of the official exporter, compared with a second, plain implementation of its rules."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, lastfm_exporter

# A credit of several artists is not what these tests are about.
SEVERAL = re.compile(r"feat\.|ft\.|\s·\s", re.IGNORECASE)
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6).filter(lambda name: not SEVERAL.search(name))
TEXT = st.none() | NAME
MBID = st.sampled_from([None, "", "000000a1-0000-4000-8000-000000000004"])
NAMED = st.none() | st.fixed_dictionaries({}, optional={"name": TEXT, "mbid": MBID})
TRACK = st.none() | st.fixed_dictionaries({"name": TEXT}, optional={"mbid": MBID, "artist": NAMED})
UNIX = st.none() | st.integers(-2, 2**33) | st.sampled_from(["", "soon", "1299261600"])
ISO = st.sampled_from([None, "", "later", "2011-03-04T18:00:00"])
SCROBBLE = st.fixed_dictionaries(
    {"timestamp": st.none() | st.fixed_dictionaries({"unixtimestamp": UNIX, "iso": ISO}), "track": TRACK},
    optional={"uncorrectedTrack": TRACK, "album": NAMED, "application": st.none() | st.just("radio")},
)


def time_of(stamp: dict[str, Any]) -> datetime | None:
    unix, iso = str(stamp.get("unixtimestamp")), stamp.get("iso") or ""
    if unix.isdecimal():
        return datetime.fromtimestamp(int(unix), UTC)
    return datetime.fromisoformat(iso).replace(tzinfo=UTC) if iso.startswith("2") else None


def verdict(scrobble: dict[str, Any]) -> str | None:
    track, stamp = scrobble["track"] or {}, scrobble["timestamp"] or {}
    for name, reason in (((track.get("artist") or {}).get("name"), "artist"), (track.get("name"), "track")):
        if not (name or "").strip():
            return f"missing_{reason}"
    if stamp.get("unixtimestamp") in {None, ""} and stamp.get("iso") in {None, ""}:
        return "missing_time"
    return "bad_time" if time_of(stamp) is None else None


@given(st.lists(SCROBBLE, max_size=8), st.sampled_from([None, 2]))
def test_generated_scrobbles_have_corrected_names(scrobbles: list[dict[str, Any]], indent: int | None) -> None:
    rows = lastfm_exporter.read_exporter(json.dumps(scrobbles, indent=indent).encode(), ReadOptions()).to_dicts()
    assert len(rows) == len(scrobbles)
    for row, scrobble in zip(rows, scrobbles, strict=True):
        track, album = scrobble["track"] or {}, scrobble.get("album") or {}
        artist = track.get("artist") or {}
        assert (row["artist"], row["track"]) == (artist.get("name"), track.get("name"))
        assert (row["album"], row["release_mbid"]) == (album.get("name") or None, album.get("mbid") or None)
        assert row["recording_mbid"] == (track.get("mbid") or None)
        assert row["artist_mbids"] == ([artist["mbid"]] if artist.get("mbid") else None)
        assert row["listened_at"] == time_of(scrobble["timestamp"] or {})
        assert (row["skip"], row["reject"], row["client"]) == (None, verdict(scrobble), "lastfm")


@pytest.mark.parametrize("data", [b"{}", b"", b'[{"timestamp":{"unixtimestamp":1299261600', b"[] []"])
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenFileError):
        lastfm_exporter.read_exporter(data, ReadOptions())
