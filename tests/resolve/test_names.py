"""Names and MBIDs of a listen find its artists; which text is matched and stored. No database."""

from __future__ import annotations

from etl.resolve.catalog import FIRST_NEW, Catalog
from etl.resolve.requests import Ids
from tests.helpers.plans import BLUE, RED, World, listen, one_song, plan_of_rows, tracks_of

# --- names ---------------------------------------------------------------------------------------------------


def test_names_are_cleaned_before_match_and_storage() -> None:
    untidy = {"artist": " Zoe\u0308 \t X ", "track": "One\n Two", "album": "\u00a0Al\u0007bum "}
    tidy = {"artist": "Zoë X", "track": "One Two", "album": "Album"}

    plan = plan_of_rows(Catalog(), untidy, tidy)
    again = World().artist(5, "Zoë X").release(6, "Album", 5).track(7, "One Two", 6, 5)

    assert [artist.aliases for artist in plan.artists] == [["Zoë X"]]
    assert [release.titles for release in plan.releases] == [("Album",)]
    assert [track.titles for track in plan.tracks] == [("One Two",)]
    assert tracks_of(plan_of_rows(again.catalog, untidy)) == [7]


def test_raw_text_is_tried_if_the_clean_one_has_no_match() -> None:
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


def test_alias_of_a_credited_artist_is_that_artist() -> None:
    plan = World().artist(1, "Ann", "Ann Wells").plan(listen("Ann", "ANN WELLS", "Bo"))

    assert [artist.aliases for artist in plan.artists] == [["Bo"]]
    assert plan.tracks[0].artists == [1, FIRST_NEW]


def test_an_artist_is_found_by_any_of_its_names() -> None:
    assert World().artist(3, "Ann", "Anna").plan(listen("Anna")).tracks[0].artists == [3]


def test_duplicate_artists_count_once() -> None:
    first = listen("Ann", "Ann", "Bo", key="a", mbids=[RED, RED, BLUE])
    second = listen("Ann", "Bo", "Bo", key="b", mbids=[RED, BLUE, BLUE])

    plan = World().plan(first, second)

    assert [track.artists for track in plan.tracks] == [[FIRST_NEW, FIRST_NEW + 1]]
    assert plan.resolved["a"] == plan.resolved["b"]


def test_the_lowest_id_of_several_matches_is_used() -> None:
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


def test_same_name_with_another_mbid_is_another_artist() -> None:
    world = World().artist(1, "Nirvana", mbid=RED)

    plan = world.plan(listen("Nirvana", mbids=[BLUE]), listen("Nirvana", mbids=[RED]), listen("Nirvana", mbids=[BLUE]))

    assert [(artist.aliases, artist.mbid) for artist in plan.artists] == [(["Nirvana"], BLUE)]
    assert [ids.artist for ids in plan.resolved.values()] == [FIRST_NEW, 1]
    assert not plan.artist_mbids


def test_a_namesake_without_mbid_is_preferred_to_a_new_artist() -> None:
    plan = World().artist(1, "Nirvana", mbid=RED).artist(2, "Nirvana").plan(listen("Nirvana", mbids=[BLUE]))

    assert plan.artist_mbids == {2: BLUE}
    assert plan.tracks[0].artists == [2]


def test_name_without_mbid_matches_any_mbid() -> None:
    assert World().artist(1, "Ann", mbid=RED).plan(listen("Ann")).tracks[0].artists == [1]


def test_mbid_of_a_new_artist_is_stored_with_it() -> None:
    plan = World().plan(listen("Ann", key="a"), listen("Ann", track="Other", key="b", mbids=[RED]))

    assert [(artist.aliases, artist.mbid) for artist in plan.artists] == [(["Ann"], RED)]
    assert not plan.artist_mbids


def test_unaligned_mbids_are_used_if_all_are_known() -> None:
    world = World().artist(1, "Ann", mbid=RED).artist(2, "Bo", mbid=BLUE)

    assert world.plan(listen("Ann and Bo", mbids=[RED, BLUE])).tracks[0].artists == [1, 2]


def test_unaligned_mbids_are_never_stored() -> None:
    plan = World().artist(1, "Ann", mbid=RED).plan(listen("Ann and Bo", mbids=[RED, BLUE]))

    assert [(artist.aliases, artist.mbid) for artist in plan.artists] == [(["Ann and Bo"], None)]
    assert not plan.artist_mbids


def test_name_without_mbid_among_names_with_mbids() -> None:
    world = World().artist(1, "Ann", mbid=RED).artist(2, "Bo", mbid=BLUE)

    assert world.plan(listen("Ann", "Bo", mbids=[RED, None])).tracks[0].artists == [1, 2]
