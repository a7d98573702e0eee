"""Which MBIDs and aliases are certain, and which a person must decide."""

from __future__ import annotations

from typing import Any

import pytest

from etl.backfill.rules.entities import AlbumEntity, ArtistEntity
from etl.backfill.rules.findings import Change, Field, FindingOutcome
from etl.backfill.rules.identify import MIN_SCORE, identify_album, identify_artist, identify_track
from etl.backfill.services import musicbrainz
from tests.backfill.replies import artist, credit, mbid, recording, release
from tests.backfill.rules.fakes import ANN, DEBUT, FIRST, RECORDINGS, RELEASES, FakeFetch, parsed

ANNS = parsed(musicbrainz.search_artists("Ann"), artists=[artist(1, "Ann", "Анна"), artist(2, "ANN")])


def test_artist_identified_by_album() -> None:
    fetch = FakeFetch(ANNS, parsed(RELEASES, releases=[release(9, "Debut", credit(2, "Ann"), 7)]))
    finding = identify_artist(ANN, fetch, MIN_SCORE)
    assert finding.outcome is FindingOutcome.FOUND
    assert finding.changes == (Change(Field.MBID, mbid(2)), Change(Field.ALIAS, "ANN"))
    assert len(fetch.requested) == 2


def test_artist_identified_by_track_if_albums_are_ambiguous() -> None:
    both = [release(9, "Debut", credit(1, "Ann"), 7), release(8, "Debut", credit(2, "Ann"), 6)]
    fetch = FakeFetch(
        ANNS,
        parsed(RELEASES, releases=both),
        parsed(RECORDINGS, recordings=[recording(5, "First", credit(1, "Ann"), None)]),
    )
    assert identify_artist(ANN, fetch, MIN_SCORE).changes == (Change(Field.MBID, mbid(1)), Change(Field.ALIAS, "Анна"))


@pytest.mark.parametrize(
    "releases",
    [
        [],
        [release(9, "Debut", credit(1, "Ann"), 7), release(8, "Debut", credit(2, "Ann"), 6)],
        [release(9, "Other", credit(1, "Ann"), 7)],
        [release(9, "Debut", credit(1, "Ann"), 7, score=MIN_SCORE - 1)],
        [release(9, "Debut", credit(3, "Ann Other"), 7)],
    ],
)
def test_artist_without_clear_evidence_is_unsure(releases: list[dict[str, Any]]) -> None:
    finding = identify_artist(ANN, FakeFetch(ANNS, parsed(RELEASES, releases=releases)), MIN_SCORE)
    assert finding.outcome is FindingOutcome.UNSURE
    assert {one.value for one in finding.candidates} == {mbid(1), mbid(2)}
    assert finding.changes == ()


def test_only_artist_of_a_name_still_needs_evidence() -> None:
    only = parsed(musicbrainz.search_artists("Ann"), artists=[artist(1, "Ann"), artist(2, "Ann", score=MIN_SCORE - 1)])
    assert identify_artist(ANN, FakeFetch(only), MIN_SCORE).outcome is FindingOutcome.UNSURE
    assert identify_artist(ANN, FakeFetch(), MIN_SCORE).outcome is FindingOutcome.NOT_FOUND


def test_artist_with_mbid_gets_aliases() -> None:
    known = ArtistEntity(1, 9, mbid(1), ["Ann"], "Debut", "First")
    names = parsed(musicbrainz.artist_names(mbid(1)), **artist(1, "Ann", "Анна", "Ann"))
    assert identify_artist(known, FakeFetch(names), MIN_SCORE).changes == (Change(Field.ALIAS, "Анна"),)
    assert identify_artist(known, FakeFetch(), MIN_SCORE).outcome is FindingOutcome.NOT_FOUND


def test_album_is_earliest_official_release_of_its_group() -> None:
    releases = [
        release(1, "Debut", credit(1, "Ann"), 7, date="1999", status="Bootleg"),
        release(2, "Debut", credit(1, "Ann"), 7, date="2003"),
        release(3, "debut!", credit(1, "Ann"), 7, date="1990"),
        release(4, "Debut", credit(1, "Ann"), 7, date="2001-05-01"),
        release(5, "Debut", credit(4, "Bo"), 8),
        release(6, "Debut Live", credit(1, "Ann"), 9),
        release(7, "Debut", credit(1, "Ann"), 7, date=None, status=None),
    ]
    titles = parsed(musicbrainz.titles_of_group(mbid(7)), title="Debut", releases=[{"title": "Debut (Deluxe)"}] * 2)
    finding = identify_album(DEBUT, FakeFetch(parsed(RELEASES, releases=releases), titles), MIN_SCORE)
    assert finding.changes == (Change(Field.MBID, mbid(4)), Change(Field.ALIAS, "Debut (Deluxe)"))


def test_album_with_two_matching_groups_is_unsure() -> None:
    both = [release(1, "Debut", credit(1, "Ann"), 7), release(2, "Debut", credit(1, "Ann"), 8)]
    assert identify_album(DEBUT, FakeFetch(parsed(RELEASES, releases=both)), MIN_SCORE).outcome is FindingOutcome.UNSURE


def test_artist_mbid_decides_which_album_matches() -> None:
    hers = AlbumEntity(1, 9, None, ["Debut"], ["Ann"], mbid(2), various_artists=False)
    both = [release(1, "Debut", credit(1, "Ann"), 7), release(2, "Debut", credit(2, "Anna"), 8)]
    assert identify_album(hers, FakeFetch(parsed(RELEASES, releases=both)), MIN_SCORE).changes == (
        Change(Field.MBID, mbid(2)),
    )


def test_sampler_is_searched_as_various_artists() -> None:
    sampler = AlbumEntity(1, 9, None, ["Hits"], ["Ann", "Bo"], mbid(1), various_artists=True)
    found = parsed(
        musicbrainz.search_releases("Hits", "Various Artists"),
        releases=[release(3, "Hits", credit(9, "Various Artists"), 7)],
    )
    assert identify_album(sampler, FakeFetch(found), MIN_SCORE).changes == (Change(Field.MBID, mbid(3)),)


def test_album_with_mbid_gets_titles_of_its_group() -> None:
    known = AlbumEntity(1, 9, mbid(3), ["Debut"], ["Ann"], None, various_artists=False)
    group = parsed(musicbrainz.group_of_release(mbid(3)), **{"release-group": {"id": mbid(7)}})
    titles = parsed(musicbrainz.titles_of_group(mbid(7)), title="Début", releases=[{"title": "Debut"}])
    assert identify_album(known, FakeFetch(group, titles), MIN_SCORE).changes == (Change(Field.ALIAS, "Début"),)


@pytest.mark.parametrize(
    ("recordings", "outcome"),
    [
        ([recording(1, "First", credit(1, "Ann"), 201_000)], FindingOutcome.FOUND),
        ([recording(1, "First", credit(1, "Ann"), None, "Debut")], FindingOutcome.FOUND),
        (
            [
                recording(1, "First", credit(1, "Ann"), 201_000, "Hits"),
                recording(2, "First", credit(1, "Ann"), 199_000, "Debut"),
            ],
            FindingOutcome.FOUND,
        ),
        ([recording(1, "First", credit(1, "Ann"), 260_000, "Debut")], FindingOutcome.NOT_FOUND),
        ([recording(1, "First", credit(1, "Ann"), 201_000, video=True)], FindingOutcome.NOT_FOUND),
        ([recording(1, "First", credit(4, "Bo"), 201_000, "Debut")], FindingOutcome.NOT_FOUND),
        ([recording(1, "First (Live)", credit(1, "Ann"), 201_000, "Debut")], FindingOutcome.NOT_FOUND),
        ([recording(1, "First", credit(1, "Ann"), 201_000, "Debut", score=MIN_SCORE - 1)], FindingOutcome.NOT_FOUND),
        ([recording(1, "First", credit(1, "Ann"), None, "Hits")], FindingOutcome.UNSURE),
        ([recording(n, "First", credit(1, "Ann"), 200_000 + n, "Debut") for n in (1, 2)], FindingOutcome.UNSURE),
    ],
)
def test_track_identified_by_exactly_one_recording(recordings: list[dict[str, Any]], outcome: FindingOutcome) -> None:
    assert identify_track(FIRST, FakeFetch(parsed(RECORDINGS, recordings=recordings)), MIN_SCORE).outcome is outcome
