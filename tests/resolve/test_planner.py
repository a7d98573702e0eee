"""Resolution of albums, tracks, MBIDs, durations, cached keys, and the order of listens. No database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from etl.resolve.catalog import FIRST_NEW, Catalog
from etl.resolve.requests import Ids
from tests.helpers.plans import BLUE, GREEN, RED, World, listen, one_song, plan_of_rows, tracks_of

if TYPE_CHECKING:
    from collections.abc import Sequence


# --- albums --------------------------------------------------------------------------------------------------


def test_a_missing_album_is_called_like_its_track() -> None:
    plan = World().plan(listen("Ann", album=None, key="a"), listen("Ann", album="Song", key="b"))

    assert [release.titles for release in plan.releases] == [("Song",)]
    assert plan.resolved["a"] == plan.resolved["b"]


def test_album_matches_title_and_first_artist() -> None:
    world = World().artist(1, "Ann").artist(2, "Bo").release(1, "Debut", 1, 2)

    assert world.plan(listen("Bo", "Ann")).resolved.popitem()[1].album == 1
    assert len(world.plan(listen("Cy", "Ann")).releases) == 1


def test_artists_attached_to_an_album_grow_with_its_listens() -> None:
    plan = World().plan(
        listen("Ann", track="One"),
        listen("Ann", "Bo", track="Two", key="two"),
        listen("Bo", track="Three"),
        listen("Ann", "Bo", track="Four"),
    )

    assert len(plan.releases) == 1
    assert plan.release_artists == [[FIRST_NEW]]
    assert plan.attached == [(FIRST_NEW + 1, FIRST_NEW, "two")]


def test_the_same_title_by_another_first_artist_is_another_album() -> None:
    plan = World().plan(listen("Bo", album="Hits"), listen("Ann", "Bo", album="Hits"), listen("Bo", album="Hits"))

    assert len(plan.releases) == 2
    assert [ids.album for ids in plan.resolved.values()] == [FIRST_NEW, FIRST_NEW + 1]


def test_a_release_mbid_decides_whatever_title_and_artist_say() -> None:
    world = one_song().release(2, "Other", 9, mbid=RED)
    plan = world.plan(listen("Ann", release=RED))

    assert plan.resolved.popitem()[1].album == 2
    assert plan.attached[0][:2] == (1, 2)
    assert not plan.release_mbids


def test_album_found_by_title_gets_the_mbid() -> None:
    plan = one_song().plan(listen("Ann", release=RED))

    assert plan.release_mbids == {1: RED}
    assert tracks_of(plan) == [1]


def test_an_album_keeps_its_mbid_and_a_foreign_one_is_reported() -> None:
    world = World().artist(1, "Ann").release(1, "Debut", 1, mbid=RED).track(1, "Song", 1, 1)
    plan = world.plan(listen("Ann", key="k", release=BLUE))

    assert tracks_of(plan) == [1]
    assert not plan.release_mbids
    assert world.catalog.releases[1].mbid == RED
    assert BLUE in plan.notes["k"]


# --- tracks --------------------------------------------------------------------------------------------------


def test_a_track_with_at_least_these_artists_is_found() -> None:
    world = World().artist(1, "Ann").artist(2, "Bo").release(1, "Debut", 1, 2).track(1, "Song", 1, 1, 2)

    assert tracks_of(world.plan(listen("Ann"), listen("Bo"), listen("Bo", "Ann"))) == [1, 1, 1]


def test_a_track_with_fewer_artists_is_another_one() -> None:
    plan = World().plan(listen("Ann", key="a"), listen("Ann", "Bo", key="b"), listen("Ann", key="c", duration=9))

    assert len(plan.tracks) == 2
    assert plan.resolved["a"] == plan.resolved["c"] != plan.resolved["b"]


def test_the_same_title_on_another_album_is_another_track() -> None:
    assert len(World().plan(listen("Ann", album="Debut"), listen("Ann", album="Best of")).tracks) == 2


def test_recording_mbid_decides_and_creates_nothing() -> None:
    world = World().artist(1, "Ann").release(1, "Debut", 1).track(1, "Song", 1, 1, mbid=RED)
    plan = world.plan(listen("Someone", track="Song (live)", album="Best of", recording=RED))

    assert list(plan.resolved.values()) == [Ids(1, 1, 1)]
    assert not plan.artists + plan.releases + plan.tracks + plan.attached


def test_a_recording_of_the_same_plan_is_found_by_its_mbid() -> None:
    plan = World().plan(listen("Ann", recording=RED, key="a"), listen("Ann", album="Best of", recording=RED, key="b"))

    assert plan.resolved["a"] == plan.resolved["b"]
    assert [track.mbid for track in plan.tracks] == [RED]


def test_track_found_by_title_gets_the_mbid() -> None:
    assert one_song().plan(listen("Ann", recording=RED)).track_mbids == {1: RED}


def test_a_track_keeps_its_mbid_and_a_foreign_one_is_reported() -> None:
    world = World().artist(1, "Ann").release(1, "Debut", 1).track(1, "Song", 1, 1, mbid=RED)
    plan = world.plan(listen("Ann", key="k", recording=BLUE))

    assert tracks_of(plan) == [1]
    assert not plan.track_mbids
    assert world.catalog.tracks[1].mbid == RED
    assert BLUE in plan.notes["k"]


def test_the_first_mbid_stays_whatever_comes_later_in_the_plan() -> None:
    plan = World().plan(
        listen("Ann", key="k"),
        listen("Ann", key="k", mbids=[RED], release=RED, recording=RED),
        listen("Ann", key="k", mbids=[BLUE], release=BLUE, recording=BLUE),
    )

    assert [entity.mbid for entity in (plan.artists[0], plan.releases[0], plan.tracks[0])] == [RED, RED, RED]
    assert len(plan.tracks) == 1
    assert BLUE in plan.notes["k"]


def test_one_mbid_is_given_to_one_track_only() -> None:
    world = one_song().track(2, "Other", 1, 1, mbid=RED).hit("k", 1, 1, 1)
    plan = world.plan(listen("Ann", key="k", recording=RED))

    assert not plan.track_mbids
    assert RED in plan.notes["k"]


# --- durations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("durations", "stored"), [([None, 100, 200], 100), ([150, None, 99], 150), ([None], 0)])
def test_the_first_duration_that_is_known_wins(durations: Sequence[int | None], stored: int) -> None:
    plan = World().plan(
        *(listen("Ann", key=f"k{position}", duration=found) for position, found in enumerate(durations))
    )

    assert [track.duration for track in plan.tracks] == [stored]


def test_a_track_in_the_database_gets_the_duration_that_it_lacks() -> None:
    assert one_song().plan(listen("Ann", duration=100), listen("Ann", duration=200)).durations == {1: 100}


def test_a_duration_is_never_overwritten() -> None:
    world = World().artist(1, "Ann").release(1, "Debut", 1).track(1, "Song", 1, 1, duration=50)

    assert not world.plan(listen("Ann", duration=100)).durations


# --- cached keys ---------------------------------------------------------------------------------------------


def test_a_cached_key_means_its_track_whatever_the_names_say() -> None:
    plan = one_song().hit("k", 1, 1, 1).plan(listen("Renamed", track="Elsewhere", key="k"))

    assert plan.ids["k"] == Ids(1, 1, 1)
    assert not plan.resolved
    assert not plan.artists + plan.releases + plan.tracks


def test_a_cached_key_adds_what_its_entities_lack() -> None:
    known = listen("Ann", key="k", mbids=[RED], release=BLUE, recording=GREEN, duration=100)
    plan = one_song().hit("k", 1, 1, 1).plan(known)

    assert plan.artist_mbids == {1: RED}
    assert plan.release_mbids == {1: BLUE}
    assert plan.track_mbids == {1: GREEN}
    assert plan.durations == {1: 100}


def test_a_cached_key_gives_no_mbid_to_an_album_of_another_title() -> None:
    assert not one_song().hit("k", 1, 1, 1).plan(listen("Ann", album="Best of", key="k", release=RED)).release_mbids


def test_a_cached_key_gives_no_mbid_to_an_artist_of_another_name() -> None:
    assert not one_song().hit("k", 1, 1, 1).plan(listen("Bo", key="k", mbids=[RED])).artist_mbids


def test_a_foreign_artist_mbid_of_a_cached_key_is_reported() -> None:
    world = World().artist(1, "Ann", mbid=RED).release(1, "Debut", 1).track(1, "Song", 1, 1).hit("k", 1, 1, 1)
    plan = world.plan(listen("Ann", key="k", mbids=[BLUE]))

    assert not plan.artist_mbids
    assert BLUE in plan.notes["k"]


# --- the order of listens ------------------------------------------------------------------------------------


def test_requests_are_resolved_in_the_order_of_their_earliest_listens() -> None:
    both = {"artists": ["Ann", "Bo"], "track": "Song", "album": "Debut"}
    one = {"artists": ["Ann"], "track": "Song", "album": "Debut"}

    assert len(plan_of_rows(Catalog(), one, both).tracks) == 2
    assert len(plan_of_rows(Catalog(), both, one).tracks) == 1


def test_content_orders_listens_of_one_second() -> None:
    second = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [
        {"artist": name, "track": "Song", "duration": duration, "listened_at": second}
        for name, duration in (("Ann", 200), ("ANN", 100), ("Ann", 150))
    ]

    plans = [plan_of_rows(Catalog(), *order) for order in (rows, rows[::-1])]

    assert plans[0] == plans[1]
    assert [artist.aliases for artist in plans[0].artists] == [["ANN"]]
    assert plans[0].tracks[0].duration == 100


def test_later_listens_of_a_key_add_what_is_missing() -> None:
    song = {"artists": ["Ann"], "track": "Song", "album": "Debut"}
    plan = plan_of_rows(
        Catalog(),
        song,
        song | {"duration": 100},
        song | {"release_mbid": RED},
        song | {"recording_mbid": BLUE, "duration": 200},
        song | {"artist_mbids": [GREEN]},
    )

    assert [(track.mbid, track.duration) for track in plan.tracks] == [(BLUE, 100)]
    assert [release.mbid for release in plan.releases] == [RED]
    assert [artist.mbid for artist in plan.artists] == [GREEN]


@pytest.mark.parametrize("mbid", [RED, BLUE, GREEN])
def test_one_mbid_for_several_names_is_not_for_all(mbid: str) -> None:
    world = World().artist(1, "Ann", mbid=RED).artist(3, "Bo", mbid=BLUE)
    plan = world.plan(listen("Ann", "Bo", mbids=[mbid]))
    assert plan.release_artists == [[1, 3]]
    assert not plan.artists


def test_one_mbid_for_several_names_belongs_to_its_name() -> None:
    world = World().artist(1, "Ann").artist(2, "Ann", mbid=RED).artist(3, "Bo")
    assert world.plan(listen("Bo", "Ann", mbids=[RED])).release_artists == [[3, 2]]
