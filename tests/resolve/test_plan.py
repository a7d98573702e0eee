"""The rules of resolution, one by one, on catalogs made by hand: no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.lookup import units
from etl.normalize.credit import DEFAULT_SEPARATORS, compile_separators
from etl.normalize.listens import Rules, normalize
from etl.resolve.catalog import FIRST_NEW, Artist, Catalog, Release, Track
from etl.resolve.plan import Ids, Plan, Planner, Unit
from etl.resolve.rounds import plan_units
from etl.schema import EXTRACTED, TRACK_LOOKUP, empty

if TYPE_CHECKING:
    from collections.abc import Sequence

RED, BLUE, GREEN = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")


@dataclass
class World:
    """A database in miniature, and what a plan makes of it."""

    catalog: Catalog = field(default_factory=Catalog)
    hits: dict[str, Ids] = field(default_factory=dict)

    def artist(self, number: int, *names: str, mbid: str | None = None) -> World:
        self.catalog.add_artist(Artist(number, mbid, list(names)))
        return self

    def release(self, number: int, title: str, *artists: int, mbid: str | None = None) -> World:
        self.catalog.add_release(Release(number, mbid, (title,), list(artists)))
        return self

    def track(
        self, number: int, title: str, release: int, *artists: int, mbid: str | None = None, duration: int = 0
    ) -> World:
        self.catalog.add_track(Track(number, mbid, (title,), release, list(artists), duration))
        return self

    def hit(self, key: str, artist: int, album: int, track: int) -> World:
        self.hits[key] = Ids(artist, album, track)
        return self

    def plan(self, *listens: Unit) -> Plan:
        planner = Planner(self.catalog, self.hits)
        for unit in listens:
            planner.resolve(unit)
        return planner.plan


def one_song() -> World:
    """Return a world with the artist 1, who has the album 1 with the track 1."""
    return World().artist(1, "Ann").release(1, "Debut", 1).track(1, "Song", 1, 1)


def listen(
    *artists: str,
    track: str = "Song",
    album: str | None = "Debut",
    key: str | None = None,
    mbids: list[str | None] | None = None,
    release: str | None = None,
    recording: str | None = None,
    duration: int | None = None,
    raw: tuple[list[str] | None, str | None, str | None] = (None, None, None),
) -> Unit:
    own_key = key or "|".join(str(part) for part in (artists, track, album, mbids, release, recording, duration))
    return Unit(own_key, list(artists), mbids, track, album, release, recording, duration, *raw)


def tracks_of(plan: Plan) -> list[int]:
    return [ids.track for ids in plan.resolved.values()]


def plan_of_rows(catalog: Catalog, *rows: dict[str, Any]) -> Plan:
    """Return the plan of rows as a source's reader gives them, a second apart."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    given = [
        {**dict.fromkeys(EXTRACTED), "row": number, "listened_at": start.replace(second=number), **row}
        for number, row in enumerate(rows, start=1)
    ]
    rules = Rules(datetime(2024, 1, 1, tzinfo=UTC), compile_separators(DEFAULT_SEPARATORS))
    extracted = pl.DataFrame(given, schema=EXTRACTED)
    found = normalize(extracted, "file", "test", datetime(2002, 1, 1, tzinfo=UTC), rules)
    assert found.listens.height == len(rows)
    return plan_units(catalog, empty(TRACK_LOOKUP), units(found.listens))


# --- names ---------------------------------------------------------------------------------------------------


def test_names_are_cleaned_before_they_are_looked_up_and_before_they_are_stored() -> None:
    untidy = {"artist": " Zoe\u0308 \t X ", "track": "One\n Two", "album": "\u00a0Al\u0007bum "}
    tidy = {"artist": "Zoë X", "track": "One Two", "album": "Album"}

    plan = plan_of_rows(Catalog(), untidy, tidy)
    again = World().artist(5, "Zoë X").release(6, "Album", 5).track(7, "One Two", 6, 5)

    assert [artist.aliases for artist in plan.artists] == [["Zoë X"]]
    assert [release.titles for release in plan.releases] == [("Album",)]
    assert [track.titles for track in plan.tracks] == [("One Two",)]
    assert tracks_of(plan_of_rows(again.catalog, untidy)) == [7]


def test_the_text_as_exported_is_tried_where_the_cleaned_one_matches_nothing() -> None:
    raw = "Zoe\u0308"
    stored = World().artist(5, raw).release(6, f"{raw} live", 5).track(7, f"{raw} sings", 6, 5)
    row = {"artist": f" {raw} ", "track": f" {raw} sings ", "album": f"{raw} live "}

    plan = plan_of_rows(stored.catalog, row)

    assert tracks_of(plan) == [7]
    assert not plan.artists + plan.releases + plan.tracks


def test_the_cleaned_text_goes_before_the_text_as_exported() -> None:
    stored = World().artist(1, "Zoe\u0308").artist(2, "Zoë").release(1, "Debut", 1).release(2, "Debut", 2)

    plan = plan_of_rows(stored.catalog, {"artist": "Zoe\u0308", "track": "Song", "album": "Debut"})

    assert [(ids.artist, ids.album) for ids in plan.resolved.values()] == [(2, 2)]


def test_artists_whose_names_differ_in_case_are_two() -> None:
    plan = World().plan(listen("LISA", track="Lalisa"), listen("LiSA", track="Gurenge"))

    assert [artist.aliases for artist in plan.artists] == [["LISA"], ["LiSA"]]
    assert [ids.artist for ids in plan.resolved.values()] == [FIRST_NEW, FIRST_NEW + 1]


def test_titles_that_differ_in_case_are_two() -> None:
    assert len(set(tracks_of(one_song().plan(listen("Ann"), listen("Ann", track="SONG"), listen("Ann"))))) == 2
    assert len(one_song().plan(listen("Ann", album="DEBUT")).releases) == 1


def test_names_of_one_listen_that_differ_in_case_are_one() -> None:
    plan = World().plan(listen("LISA", "Bo", "LiSA"))
    of_rows = plan_of_rows(Catalog(), {"artists": ["LISA", "Bo", "LiSA"], "track": "Song"})

    for made in (plan, of_rows):
        assert [artist.aliases for artist in made.artists] == [["LISA"], ["Bo"]]
        assert made.tracks[0].artists == [FIRST_NEW, FIRST_NEW + 1]


def test_a_name_that_is_an_alias_of_an_artist_of_the_listen_is_that_artist() -> None:
    plan = World().artist(1, "Ann", "Ann Wells").plan(listen("Ann", "ANN WELLS", "Bo"))

    assert [artist.aliases for artist in plan.artists] == [["Bo"]]
    assert plan.tracks[0].artists == [1, FIRST_NEW]


def test_an_artist_is_found_by_any_of_its_names() -> None:
    assert World().artist(3, "Ann", "Anna").plan(listen("Anna")).tracks[0].artists == [3]


def test_duplicates_in_a_list_of_artists_count_once_so_that_their_track_is_found_again() -> None:
    first = listen("Ann", "Ann", "Bo", key="a", mbids=[RED, RED, BLUE])
    second = listen("Ann", "Bo", "Bo", key="b", mbids=[RED, BLUE, BLUE])

    plan = World().plan(first, second)

    assert [track.artists for track in plan.tracks] == [[FIRST_NEW, FIRST_NEW + 1]]
    assert plan.resolved["a"] == plan.resolved["b"]


def test_of_several_matches_the_lowest_id_is_used() -> None:
    world = World().artist(1, "Ann").artist(2, "Ann")
    world.release(5, "Debut", 1).release(4, "Debut", 1).track(8, "Song", 4, 1).track(9, "Song", 4, 1)

    assert list(world.plan(listen("Ann")).resolved.values()) == [Ids(1, 4, 8)]


# --- artists' MBIDs ------------------------------------------------------------------------------------------


def test_an_artist_is_found_by_its_mbid_before_its_name() -> None:
    world = World().artist(1, "Ann").artist(2, "Someone", mbid=RED)
    plan = world.plan(listen("Ann", mbids=[RED]))

    assert plan.tracks[0].artists == [2]
    assert not plan.artists
    assert not plan.artist_mbids


def test_an_artist_without_mbid_is_found_by_name_and_gets_the_mbid() -> None:
    plan = World().artist(1, "Ann").plan(listen("Ann", mbids=[RED]))

    assert plan.artist_mbids == {1: RED}
    assert not plan.artists


def test_an_artist_of_the_same_name_with_another_mbid_is_another_artist() -> None:
    world = World().artist(1, "Nirvana", mbid=RED)

    plan = world.plan(listen("Nirvana", mbids=[BLUE]), listen("Nirvana", mbids=[RED]), listen("Nirvana", mbids=[BLUE]))

    assert [(artist.aliases, artist.mbid) for artist in plan.artists] == [(["Nirvana"], BLUE)]
    assert [ids.artist for ids in plan.resolved.values()] == [FIRST_NEW, 1]
    assert not plan.artist_mbids


def test_a_namesake_without_mbid_is_preferred_to_a_new_artist() -> None:
    plan = World().artist(1, "Nirvana", mbid=RED).artist(2, "Nirvana").plan(listen("Nirvana", mbids=[BLUE]))

    assert plan.artist_mbids == {2: BLUE}
    assert plan.tracks[0].artists == [2]


def test_a_listen_without_mbids_means_the_artist_of_that_name_whatever_its_mbid() -> None:
    assert World().artist(1, "Ann", mbid=RED).plan(listen("Ann")).tracks[0].artists == [1]


def test_the_mbid_of_an_artist_that_the_plan_made_is_stored_with_it() -> None:
    plan = World().plan(listen("Ann", key="a"), listen("Ann", track="Other", key="b", mbids=[RED]))

    assert [(artist.aliases, artist.mbid) for artist in plan.artists] == [(["Ann"], RED)]
    assert not plan.artist_mbids


def test_mbids_that_do_not_stand_beside_names_are_used_where_all_are_known() -> None:
    world = World().artist(1, "Ann", mbid=RED).artist(2, "Bo", mbid=BLUE)

    assert world.plan(listen("Ann and Bo", mbids=[RED, BLUE])).tracks[0].artists == [1, 2]


def test_mbids_that_do_not_stand_beside_names_are_never_stored() -> None:
    plan = World().artist(1, "Ann", mbid=RED).plan(listen("Ann and Bo", mbids=[RED, BLUE]))

    assert [(artist.aliases, artist.mbid) for artist in plan.artists] == [(["Ann and Bo"], None)]
    assert not plan.artist_mbids


def test_a_name_without_mbid_beside_names_with_one_is_found_by_name() -> None:
    world = World().artist(1, "Ann", mbid=RED).artist(2, "Bo", mbid=BLUE)

    assert world.plan(listen("Ann", "Bo", mbids=[RED, None])).tracks[0].artists == [1, 2]


# --- albums --------------------------------------------------------------------------------------------------


def test_a_missing_album_is_called_like_its_track() -> None:
    plan = World().plan(listen("Ann", album=None, key="a"), listen("Ann", album="Song", key="b"))

    assert [release.titles for release in plan.releases] == [("Song",)]
    assert plan.resolved["a"] == plan.resolved["b"]


def test_an_album_is_found_by_its_title_and_the_first_artist_in_any_role() -> None:
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


def test_an_album_that_is_found_by_its_title_gets_the_mbid_that_it_lacks() -> None:
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


def test_a_recording_mbid_decides_whatever_the_release_and_creates_nothing() -> None:
    world = World().artist(1, "Ann").release(1, "Debut", 1).track(1, "Song", 1, 1, mbid=RED)
    plan = world.plan(listen("Someone", track="Song (live)", album="Best of", recording=RED))

    assert list(plan.resolved.values()) == [Ids(1, 1, 1)]
    assert not plan.artists + plan.releases + plan.tracks + plan.attached


def test_a_recording_of_the_same_plan_is_found_by_its_mbid() -> None:
    plan = World().plan(listen("Ann", recording=RED, key="a"), listen("Ann", album="Best of", recording=RED, key="b"))

    assert plan.resolved["a"] == plan.resolved["b"]
    assert [track.mbid for track in plan.tracks] == [RED]


def test_a_track_that_is_found_by_its_title_gets_the_mbid_that_it_lacks() -> None:
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
    plan = World().plan(*(listen("Ann", key=f"k{place}", duration=found) for place, found in enumerate(durations)))

    assert [track.duration for track in plan.tracks] == [stored]


def test_a_track_in_the_database_gets_the_duration_that_it_lacks() -> None:
    assert one_song().plan(listen("Ann", duration=100), listen("Ann", duration=200)).durations == {1: 100}


def test_a_duration_is_never_overwritten() -> None:
    world = World().artist(1, "Ann").release(1, "Debut", 1).track(1, "Song", 1, 1, duration=50)

    assert not world.plan(listen("Ann", duration=100)).durations


# --- keys that the cache knows -------------------------------------------------------------------------------


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


def test_units_are_resolved_in_the_order_of_their_earliest_listens() -> None:
    both = {"artists": ["Ann", "Bo"], "track": "Song", "album": "Debut"}
    one = {"artists": ["Ann"], "track": "Song", "album": "Debut"}

    assert len(plan_of_rows(Catalog(), one, both).tracks) == 2
    assert len(plan_of_rows(Catalog(), both, one).tracks) == 1


def test_of_listens_in_one_second_the_content_decides_whichever_row_comes_first() -> None:
    second = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [
        {"artist": name, "track": "Song", "duration": duration, "listened_at": second}
        for name, duration in (("Ann", 200), ("ANN", 100), ("Ann", 150))
    ]

    plans = [plan_of_rows(Catalog(), *order) for order in (rows, rows[::-1])]

    assert plans[0] == plans[1]
    assert [artist.aliases for artist in plans[0].artists] == [["ANN"]]
    assert plans[0].tracks[0].duration == 100
