"""Which length a track gets."""

from __future__ import annotations

import pytest

from etl.backfill.rules.durations import find_duration
from etl.backfill.rules.entities import TrackEntity
from etl.backfill.rules.findings import Change, Field, FindingOutcome
from etl.backfill.rules.identify import MIN_SCORE
from etl.backfill.services import musicbrainz
from tests.backfill.replies import credit, mbid, recording
from tests.backfill.rules.fakes import RECORDINGS, FakeFetch, parsed


def test_duration_by_mbid_in_whole_seconds() -> None:
    known = TrackEntity(1, 9, mbid(1), ["First"], ["Ann"], None, ["Debut"], 0)
    lengths = [parsed(musicbrainz.length_of_recording(mbid(1)), id=mbid(1), length=ms) for ms in (201_999, 999, None)]
    found = [find_duration(known, FakeFetch(length), MIN_SCORE) for length in lengths]
    assert [(one.outcome, one.changes) for one in found] == [
        (FindingOutcome.FOUND, (Change(Field.DURATION, "201"),)),
        (FindingOutcome.NOT_FOUND, ()),
        (FindingOutcome.NOT_FOUND, ()),
    ]


@pytest.mark.parametrize(
    ("lengths", "album", "outcome"),
    [
        ([200_000, 202_900], "Debut", FindingOutcome.FOUND),
        ([200_000, 204_000], "Debut", FindingOutcome.UNSURE),
        ([200_000], "Hits", FindingOutcome.UNSURE),
        ([None], "Debut", FindingOutcome.NOT_FOUND),
    ],
)
def test_duration_by_search_needs_equal_lengths_on_the_album(
    lengths: list[int | None], album: str, outcome: FindingOutcome
) -> None:
    unknown = TrackEntity(1, 9, None, ["First"], ["Ann"], None, ["Debut"], 0)
    recordings = [recording(number, "First", credit(1, "Ann"), ms, album) for number, ms in enumerate(lengths)]
    assert find_duration(unknown, FakeFetch(parsed(RECORDINGS, recordings=recordings)), MIN_SCORE).outcome is outcome
