"""The fast path for one listen gives the same result as normalising a frame, or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.schema import EXTRACTED
from etl.formats.base import LASTFM_FOUNDED
from etl.live import listen
from etl.live.listen import Listen
from etl.normalize.fast_path import normalize_single, single_of
from etl.normalize.listens import Rules, normalize
from tests.helpers.frames import EARLIEST, MBIDS, NOW, SEPARATORS, START

RULES = Rules(NOW, SEPARATORS)
PLAIN = Listen("Ann", "One", START, album="Debut", recording_mbid=MBIDS[0], duration=9, client="web")

# Plain texts, features, several artists, and what cleaning acts upon.
NAMES = st.one_of(
    st.sampled_from(
        [
            "Ann", "ANN", "Ann · Bo", "Ann feat. Bo", "Ann (ft. Bo & Cy)", "Straße", "İ", "ΑΣ", "Zoë", "Zoe\u0308",
            " Ann", "Ann  Bo", "Ann\u00a0Bo", "A\u200bB", "A\x00B", "", " ", "x" * 2000, "x" * 2001, "é" * 1001,
            "\u1e9b\u0323", "🎧", "\u00adsoft",
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=4),
)  # fmt: skip
MBID = st.sampled_from([None, *MBIDS, MBIDS[0].upper(), "", "no uuid", "0" * 8 + "-0000-0000-0000-" + "0" * 12])
LISTEN = st.builds(
    Listen,
    artist=st.none() | NAMES,
    track=st.none() | NAMES,
    listened_at=st.sampled_from(
        [
            START,
            START + timedelta(milliseconds=1500),
            EARLIEST,
            EARLIEST - timedelta(seconds=1),
            NOW + timedelta(days=2),
        ]
    ),
    album=st.none() | NAMES,
    artists=st.lists(NAMES, max_size=3),
    artist_mbids=st.lists(MBID, max_size=3),
    recording_mbid=MBID,
    release_mbid=MBID,
    duration=st.sampled_from([None, -1, 0, 1, 200]),
    client=st.none() | NAMES,
)


def normalized(row: dict[str, Any], rules: Rules = RULES) -> pl.DataFrame:
    return normalize(pl.DataFrame([row], schema=EXTRACTED), "file", "test", EARLIEST, rules).listens


@given(LISTEN)
def test_same_result_as_in_a_frame_or_none(listen: Listen) -> None:
    row = listen.as_row()
    single = normalize_single(row, EARLIEST, RULES)
    if single is not None:
        (full,) = normalized(row).rows(named=True)
        assert single == single_of(full)
        assert [full[name] for name in ("raw_artists", "raw_track", "raw_album")] == [None, None, None]


@pytest.mark.parametrize(
    "listen",
    [
        PLAIN,
        replace(PLAIN, artist="Sigur Rós · Björk", track="Straße (feat. 椎名林檎)", album=None, client=None),
        replace(PLAIN, artists=["Ann", "ann", "Bo"], artist_mbids=[MBIDS[0], None, MBIDS[1]]),
        replace(PLAIN, artist=None, artists=["Ann"], artist_mbids=[MBIDS[0]]),
        replace(PLAIN, artist_mbids=MBIDS, duration=None, listened_at=START + timedelta(milliseconds=1999)),
        replace(PLAIN, artist="x" * 2000, track="y" * 2000),
    ],
    ids=["plain", "split", "listed", "one of a list", "more MBIDs", "long"],
)
def test_plain_listens_need_no_frame(listen: Listen) -> None:
    row = listen.as_row()
    single = normalize_single(row, EARLIEST, RULES)
    assert single is not None
    assert single == single_of(normalized(row).row(0, named=True))


@pytest.mark.parametrize(
    "listen",
    [
        replace(PLAIN, track="One "),
        replace(PLAIN, album=""),
        replace(PLAIN, artist="Zoe\u0308"),
        replace(PLAIN, recording_mbid=MBIDS[0].upper()),
        replace(PLAIN, track=None),
        replace(PLAIN, artist=None),
        replace(PLAIN, listened_at=NOW + timedelta(days=2)),
    ],
)
def test_listens_that_are_not_plain_are_left_to_the_frame(listen: Listen) -> None:
    assert normalize_single(listen.as_row(), EARLIEST, RULES) is None


def test_no_fast_path_for_rejects_skips_and_aliases() -> None:
    row = PLAIN.as_row()
    assert normalize_single(row, EARLIEST, Rules(NOW, SEPARATORS, since=START)) is None
    assert normalize_single({**row, "various_artists": True}, EARLIEST, RULES) is None
    assert normalize_single({**row, "skip": "podcast"}, EARLIEST, RULES) is None


def test_live_listens_begin_with_the_services_that_record_them() -> None:
    assert listen.EARLIEST == LASTFM_FOUNDED
