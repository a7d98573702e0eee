"""Which listens are the same, which probably are, and which are two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dedupe.rows import Row, account, extended, find, held, listen

if TYPE_CHECKING:
    import polars as pl


def pairs(frame: pl.DataFrame) -> list[tuple[int, int]]:
    return sorted(frame.iter_rows())


def test_the_listen_that_knows_its_album_stays_of_two_services_in_one_second() -> None:
    found = find([listen("ghan", 5), listen("lb", 5, album="Shore"), listen("lb", 6)])
    assert pairs(found.same) == [(0, 1)]
    assert found.likely.is_empty()


def test_one_second_and_one_artist_are_not_enough() -> None:
    found = find([listen("ghan", 5, "Tide"), listen("lb", 5, "Ebb"), listen("lb", 5, artist="Mossrose")])
    assert found.same.is_empty()
    assert found.likely.is_empty()


def test_two_rows_of_one_format_stay_two() -> None:
    assert find([listen("lb", 5), listen("lb", 5, album="Shore")]).same.is_empty()


def test_a_credit_that_another_service_lists_is_the_same_credit() -> None:
    found = find(
        [
            listen("ghan", 5, artist="Kari Mo & LiLa", artists=["Kari Mo & LiLa"]),
            listen("lb", 5, artist="Kari Mo & LiLa", artists=["Kari Mo", "LiLa"], album="Shore"),
        ]
    )
    assert pairs(found.same) == [(0, 1)]


def test_account_data_gives_way_to_the_extended_history_of_the_same_minute() -> None:
    rows = [account(4), account(9), extended(4 * 60 + 33)]
    found = find(rows)
    assert pairs(found.same) == [(0, 2)]
    assert find(rows[:2]).same.is_empty()


def test_two_plays_of_one_minute_are_told_apart_by_how_long_they_were_played() -> None:
    found = find([account(4, 31), account(4, 35), extended(4 * 60 + 33, 31)])
    assert pairs(found.same) == [(0, 2)]


def test_account_data_does_not_bring_back_what_the_extended_history_passes_over() -> None:
    found = find([account(4), account(5)], over=[extended(4 * 60 + 59)])
    assert found.not_counted.to_list() == [0]


def test_an_export_by_the_minute_gives_way_to_one_by_the_second_though_it_has_lost_commas() -> None:
    coarse = listen("minutes", 60, "Tide Ebb and Flow", minute_only=True)
    rows = [coarse, listen("ghan", 119, 'Tide, "Ebb" and Flow'), {**coarse, "listened_at": coarse["listened_at"]}]
    found = find(rows)
    assert pairs(found.same) == [(0, 1), (2, 1)]
    assert find([coarse, listen("ghan", 120, "Tide Ebb and Flow")]).same.is_empty()


def test_what_the_same_listen_is_the_same_as_stays_itself() -> None:
    rows = [account(4), extended(4 * 60 + 33), listen("lb", 4 * 60 + 33, album="Shore", recording_mbid="x")]
    assert pairs(find(rows).same) == [(0, 2), (1, 2)]


@pytest.mark.parametrize(("scrobbled", "is_double"), [(-9, True), (-11, False), (100, True), (211, False)])
def test_a_scrobble_begun_while_the_play_went_on_is_probably_its_double(scrobbled: int, is_double: bool) -> None:
    found = find([extended(200, 200), listen("ghan", scrobbled)])
    assert pairs(found.likely) == ([(0, 1)] if is_double else [])
    assert found.same.is_empty()


def test_a_pause_moves_the_end_and_not_the_beginning() -> None:
    late = extended(2000, 200, began=0)
    assert pairs(find([late, listen("ghan", 3)]).likely) == [(0, 1)]
    assert find([extended(2000, 200), listen("ghan", 3)]).likely.is_empty()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Tide (feat. LiLa)", "Tide"),
        ("Tide - Remastered 2011", "Tide"),
        ("Tide (2011 Remaster)", "TIDE"),
        ("Don’t Go", "Don't Go"),
        ("Low‐Tide", "Low Tide"),
        ("???", "???"),
    ],
)
def test_services_spell_titles_in_their_own_ways(ours: str, theirs: str) -> None:
    assert find([extended(200, track=ours), listen("ghan", 3, theirs)]).likely.height == 1


def test_different_titles_are_never_doubles() -> None:
    assert find([extended(200, track="???"), listen("ghan", 3, "!!!")]).likely.is_empty()
    assert find([extended(200, track="Tide II"), listen("ghan", 3, "Tide")]).likely.is_empty()


def test_one_service_alone_has_no_doubles() -> None:
    found = find([listen("ghan", 0), listen("ghan", 5), listen("ghan", 5)])
    assert found.likely.is_empty()
    assert found.same.is_empty()


def test_the_less_telling_service_is_the_double() -> None:
    rows = [listen("maloja", 4), listen("ghan", 3), listen("lb", 0)]
    assert pairs(find(rows).likely) == [(0, 1), (1, 2)]
    assert pairs(find(rows[::-1]).likely) == [(1, 0), (2, 1)]


def test_the_database_has_the_listen_under_another_album() -> None:
    found = find([listen("lb", 5), listen("lb", 60, "Ebb")], [held(5, "lastfm")])
    assert pairs(found.present) == [(0, 0)]
    assert found.likely_present.is_empty()


@pytest.mark.parametrize(
    "there", [held(5, "lastfm", album="Tide"), held(5, None), held(5, "lastfm", artist="Mossrose"), held(6, "lastfm")]
)
def test_a_listen_that_finds_its_own_track_or_has_none_there_is_loaded(there: Row) -> None:
    assert find([listen("lb", 5)], [there]).present.is_empty()


def test_the_database_has_a_listen_that_begun_at_about_that_time() -> None:
    found = find([listen("ghan", 5)], [held(200, "spotify"), held(12, "Player", track="Ebb"), held(6, None)])
    assert pairs(found.likely_present) == [(0, 2)]
    assert pairs(find([listen("ghan", 5)], [held(200, "spotify")]).likely_present) == [(0, 0)]
    assert find([listen("ghan", 5)], [held(200, "spotify")], spotify_ends=False).likely_present.is_empty()


def test_a_listen_that_is_there_is_no_double_of_itself() -> None:
    found = find([listen("lb", 5, client="Player"), listen("lb", 9, client="Player")], [held(5, "Player")])
    assert found.present.is_empty()
    assert found.likely_present.is_empty()


@pytest.mark.parametrize(("second", "is_there"), [(240, True), (299, True), (239, False), (300, False)])
def test_account_data_gives_way_to_the_database(second: int, is_there: bool) -> None:
    found = find([account(4)], [held(second, "spotify")])
    assert pairs(found.present) == ([(0, 0)] if is_there else [])
    assert find([account(4)], [held(second, "lastfm")]).present.is_empty()


def test_a_play_whose_account_data_is_there_is_told() -> None:
    found = find([extended(4 * 60 + 33)], [held(240, "spotify"), held(300, "spotify"), held(273, "spotify")])
    assert pairs(found.account_twins) == [(0, 0)]
    assert found.present.is_empty()


def test_account_data_stored_by_its_start_is_found_again() -> None:
    play = extended(4 * 60 + 33, 200)
    play["listened_at"] = play["started_at"]
    found = find([play], [held(40, "spotify")], spotify_ends=False)
    assert pairs(found.account_twins) == [(0, 0)]


def test_the_result_does_not_depend_on_the_order_of_the_rows() -> None:
    rows = [account(4), extended(273), listen("ghan", 70), listen("lb", 70, album="Shore"), listen("maloja", 75)]
    there = [held(240, "spotify"), held(70, "Player", album="Else")]
    expected = find(rows, there)
    for turn in range(1, len(rows)):
        places = [*range(turn, len(rows)), *range(turn)]
        found = find([rows[place] for place in places], there)
        for name in ("same", "likely"):
            again = sorted((places[place], places[of]) for place, of in getattr(found, name).iter_rows())
            assert again == pairs(getattr(expected, name))
        for name in ("present", "likely_present", "account_twins"):
            again = sorted((places[place], of) for place, of in getattr(found, name).iter_rows())
            assert again == pairs(getattr(expected, name))
