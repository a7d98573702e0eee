"""Which listens are the same, which are likely doubles, and which are two: an example of each kind."""

from __future__ import annotations

import pytest

from tests.dedupe.rows import START, Row, account, at, by_start, extended, find, held, listen


def test_same_second_the_one_that_knows_its_album_stays() -> None:
    found = find([listen("lastfm", 5), listen("listenbrainz", 5, album="Shore"), listen("lastfm", 106)])
    assert found.same == {0: 1}
    assert found.loaded == [1, 2]


def test_one_second_and_one_artist_are_not_enough() -> None:
    found = find([listen("lastfm", 5), listen("listenbrainz", 5, "Ebb"), listen("maloja", 5, artist="Mossrose")])
    assert found.verdicts.is_empty()


def test_one_export_with_a_play_twice_in_one_second() -> None:
    rows = [
        listen("listenbrainz", 0),
        listen("listenbrainz", 0, album="Shore"),
        listen("listenbrainz", 300, "Ebb", artist="Kari mo", album="Shore"),
        listen("listenbrainz", 300, "Ebb (feat. LiLa)", album="Shore"),
        listen("listenbrainz", 600, "Flow"),
        listen("listenbrainz", 660, "Flow"),
    ]
    found = find(rows)
    assert found.loaded == [1, 3, 4, 5]
    assert found.same == {0: 1, 2: 3}


def test_rows_of_one_key_in_one_second_are_left_to_the_load() -> None:
    rows = [listen("listenbrainz", 5, album="Shore"), listen("listenbrainz", 5, album="Shore", recording_mbid="x")]
    assert find(rows).loaded == [0, 1]


def test_plays_of_one_service_in_different_seconds_stay() -> None:
    assert find([listen("lastfm", 0), listen("lastfm", 5), listen("lastfm", 10)]).verdicts.is_empty()
    assert find([extended(200), extended(231, 31)]).verdicts.is_empty()


def test_koito_hands_on_the_plays_of_several_services() -> None:
    scrobbles = [listen("koito", 0, client="lastfm"), listen("koito", 5, client="Player")]
    assert find(scrobbles).verdicts.is_empty()
    assert find([scrobbles[0], listen("lastfm", 0, album="Shore")]).same == {0: 1}
    assert find([scrobbles[0], listen("lastfm", 5)]).verdicts.is_empty()
    assert find([scrobbles[1], listen("lastfm", 0)]).likely == {1: ("run", 0)}


def test_artists_of_one_credit_in_one_second_are_two_plays() -> None:
    credit = {**held(0, "Player"), "artists": ["Kari Mo", "LiLa"]}
    rows = [listen("lastfm", 8), listen("lastfm", 8, artist="LiLa")]
    found = find(rows, [credit])
    assert found.same == {}
    assert list(found.likely.values()) == [("database", 0)]
    assert len(found.loaded) == 1
    both = listen("listenbrainz", 8, artist="Kari Mo & LiLa")
    assert len(find([*rows, both]).loaded) == 2


@pytest.mark.parametrize("listed", [["Kari Mo", "LiLa"], ["LiLa", "Kari Mo"], ["Kari Mo & LiLa"]])
def test_a_credit_and_the_artists_that_it_lists_are_comparable(listed: list[str]) -> None:
    one = listen("lastfm", 5, artist="Kari Mo & LiLa")
    other = listen("listenbrainz", 5, artist="Kari Mo & LiLa", artists=listed, album="Shore")
    assert find([one, other]).same == {0: 1}
    there = {**held(8, "Player", album="Shore"), "artists": listed}
    assert find([one], [there]).likely == {0: ("database", 0)}


def test_account_data_gives_way_to_the_extended_history_of_the_same_minute() -> None:
    assert find([account(4), account(9), extended(4 * 60 + 33)]).same == {0: 2}


@pytest.mark.parametrize("second", [0, 1, 33, 59])
def test_records_to_the_minute_give_way_also_if_the_album_is_the_same(second: int) -> None:
    exact = {**extended(4 * 60 + second, album=None), "lookup_key": account(4)["lookup_key"]}
    of_lastfm = [listen("lastfm", 60, minute_only=True, file="minutes"), listen("lastfm", 60 + second)]
    for rows in ([account(4), exact], of_lastfm):  # a load stores listens of one key in one second once
        assert find(rows).settled.listens.select("lookup_key", "listened_at").n_unique() == 1


def test_two_plays_of_one_minute_go_with_those_that_were_played_as_long() -> None:
    rows = [account(4, 35), account(4, 31), extended(4 * 60 + 3, 31), extended(4 * 60 + 38, 35)]
    assert find(rows).loaded == [2, 3]


def test_account_data_does_not_bring_back_what_is_not_counted() -> None:
    found = find([account(4), account(5)], over=[extended(4 * 60 + 59)])
    assert found.not_counted == [0]
    assert found.loaded == [1]
    assert found.settled.skipped.get_column("reason").to_list() == ["not_played_to_end"]


def test_minutes_give_way_to_seconds_though_commas_are_lost() -> None:
    coarse = listen("lastfm", 60, "Tide Ebb and Flow", minute_only=True)
    assert find([coarse, listen("lastfm", 119, 'Tide, "Ebb" and Flow')]).same == {0: 1}
    assert find([coarse, listen("lastfm", 120, "Tide Ebb and Flow")]).verdicts.is_empty()


def test_what_the_same_row_is_the_same_as_is_handed_on() -> None:
    rows = [account(4), extended(4 * 60 + 33), listen("listenbrainz", 75, album="Shore"), listen("lastfm", 75)]
    found = find(rows)
    assert found.loaded == [2]
    assert found.likely == {0: ("run", 2), 1: ("run", 2)}
    assert found.same == {3: 2}
    kept = find(rows, drop_doubles=False)
    assert kept.loaded == [1, 2]
    assert kept.settled.duplicates.select("row", "of_row").rows() == [(4, 3), (1, 2)]
    assert kept.settled.likely.select("row", "double_of").rows() == [(2, "listenbrainz:3")]


@pytest.mark.parametrize(("scrobbled", "is_double"), [(-10, True), (-11, False), (100, True), (181, False)])
def test_a_scrobble_begun_while_the_play_went_on(scrobbled: int, is_double: bool) -> None:
    before = extended(0, 150, track="Ebb")
    found = find([before, extended(200, 200), listen("lastfm", scrobbled)])
    assert found.likely == ({1: ("run", 2)} if is_double else {})


@pytest.mark.parametrize(("apart", "is_double"), [(10, True), (-10, True), (11, False)])
def test_two_starts_are_ten_seconds_apart_at_most(apart: int, is_double: bool) -> None:
    assert bool(find([listen("lastfm", 0), listen("maloja", apart)]).likely) is is_double


@pytest.mark.parametrize(("apart", "is_double"), [(60, True), (61, False), (-10, True), (-11, False)])
@pytest.mark.parametrize("is_stored", [False, True])
def test_listenbrainz_is_early_before_2017(apart: int, is_double: bool, is_stored: bool) -> None:
    year = at(0).replace(year=2016)
    early, other = (listen(name, 0) for name in ("listenbrainz", "lastfm"))
    early["listened_at"], other["listened_at"] = year, year + (at(apart) - at(0))
    if not is_stored:
        assert bool(find([early, other]).likely) is is_double
        return
    there = {**held(0, "Player"), "second": int(year.timestamp())}
    assert bool(find([other], [there]).likely) is is_double


def test_a_pause_moves_the_end_and_not_the_beginning() -> None:
    late = extended(2000, 200, began=0)
    before = extended(1700, 100, track="Ebb")
    assert find([late, listen("lastfm", 3)]).likely == {0: ("run", 1)}
    assert find([before, extended(2000, 200), listen("lastfm", 3)]).verdicts.is_empty()


def test_a_play_without_recorded_start_began_after_the_one_before() -> None:
    before = extended(0, 150, track="Ebb")
    assert find([before, extended(2000, 200), listen("lastfm", 3)]).likely == {1: ("run", 2)}
    there = [held(0, "spotify", track="Ebb"), held(2000, "spotify")]
    assert find([listen("lastfm", 3)], there).likely == {0: ("database", 1)}
    assert find([listen("lastfm", -11)], there).verdicts.is_empty()


def test_another_track_was_scrobbled_before_the_play() -> None:
    rows = [listen("maloja", 500, "Ebb"), extended(2000, 200), listen("lastfm", 3)]
    assert find(rows).verdicts.is_empty()


def test_a_play_lasts_two_days_at_most() -> None:
    assert find([listen("lastfm", 0)], [held(48 * 3600, "spotify")]).likely
    assert not find([listen("lastfm", 0)], [held(48 * 3600 + 11, "spotify")]).likely


def test_an_end_is_not_compared_with_a_start() -> None:
    loop = [extended(200), extended(400)]
    both = [listen("lastfm", 0), listen("lastfm", 200)]
    assert find([*loop, *both]).loaded == [2, 3]
    assert find(both, [held(200, "spotify"), held(400, "spotify")]).likely == {0: ("database", 0), 1: ("database", 1)}
    assert find(loop, [held(0, "lastfm"), held(200, "lastfm")]).likely == {0: ("database", 0), 1: ("database", 1)}


def test_one_scrobble_is_the_double_of_one_play() -> None:
    loop = [extended(200), extended(401)]
    assert find([*loop, listen("lastfm", 201)]).loaded == [0, 2]
    assert find([listen("lastfm", 201)], [held(200, "spotify"), held(401, "spotify")]).likely == {0: ("database", 1)}
    assert find(loop, [held(201, "lastfm")]).loaded == [0]


def test_two_plays_that_would_be_stored_in_one_second_are_two() -> None:
    loop = [extended(200), extended(400)]
    assert find([*loop, listen("lastfm", 200, album="Shore")]).loaded == [0, 1]
    there = held(200, "lastfm")
    stored = find(loop, [there])
    assert stored.loaded == [0, 1]  # the load finds the first there, by its track and second
    again = find([*loop, listen("lastfm", 200, album="Shore")], [there, held(400, "spotify")])
    assert again.settled.skipped.is_empty() or again.loaded == [0, 1]


def test_a_grown_export_is_compared_row_by_row() -> None:
    there = [held(200, "spotify"), held(500, "spotify")]
    rows = [listen("lastfm", 0), listen("lastfm", 300), listen("lastfm", 900), extended(200), extended(500)]
    found = find([*rows, extended(1100)], there)
    assert found.likely == {0: ("database", 0), 1: ("database", 1), 5: ("run", 2)}
    assert found.loaded == [2, 3, 4]  # the load finds two of them there


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Tide (feat. LiLa)", "Tide"),
        ("Tide [ft. LiLa]", "Tide"),
        ("Tide feat. LiLa", "Tide"),
        ("Tide - Remastered 2011", "Tide"),
        ("Tide (2011 Remaster)", "TIDE"),
        ("Tide - Mono", "Tide"),
        ("Tide (Album Version)", "Tide"),
        ("Don’t Go", "Don't Go"),
        ("Low‐Tide", "Low Tide"),
        ("???", "???"),
    ],
)
def test_services_spell_titles_in_their_own_ways(ours: str, theirs: str) -> None:
    assert find([extended(200, track=ours), listen("lastfm", 3, theirs)]).likely
    assert find([listen("lastfm", 3, theirs)], [held(200, "spotify", track=ours)]).likely


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("???", "!!!"),
        ("Tide II", "Tide"),
        ("Tide - Live", "Tide"),
        ("50 Ft. Queenie", "50"),
        ("Live at Ft. Worth", "Live at"),
        ("Medley featuring Autumn Leaves", "Medley"),
    ],
)
def test_different_titles_are_never_doubles(ours: str, theirs: str) -> None:
    assert find([extended(200, track=ours), listen("lastfm", 3, theirs)]).verdicts.is_empty()


def test_the_preferred_service_stays_in_any_order() -> None:
    rows = [listen("maloja", 4), listen("lastfm", 3), listen("listenbrainz", 0), extended(200)]
    assert find(rows).likely == {0: ("run", 2), 1: ("run", 2), 3: ("run", 2)}
    assert find(rows[::-1]).likely == {0: ("run", 1), 2: ("run", 1), 3: ("run", 1)}


def test_the_database_has_the_second_under_another_album_or_spelling() -> None:
    rows = [listen("listenbrainz", 5), listen("listenbrainz", 60, "Ebb")]
    assert find(rows, [held(5, "lastfm")]).present == {0: 0}
    assert find([listen("lastfm", 5, "TIDE", album="Shore")], [held(5, "lastfm")]).present == {0: 0}


def test_a_key_that_the_run_spells_twice_is_not_left_to_the_load() -> None:
    there = held(5, "Player", album="Tide")
    written = [listen("maloja", 5, lookup_key="key"), listen("listenbrainz", 500, "TIDE", lookup_key="key")]
    assert find(written[:1], [there]).present == {}
    assert find(written, [there]).present == {0: 0}


def test_what_finds_its_own_track_is_left_to_the_load() -> None:
    row = listen("listenbrainz", 5, album="Shore")
    assert find([row], [held(5, "lastfm")]).loaded == [0]
    assert find([row], [held(5, "lastfm")], cached=[(row["lookup_key"], 7)]).loaded == [0]
    elsewhere = find([row], [held(5, "lastfm")], cached=[(row["lookup_key"], 8)])
    assert elsewhere.present == {0: 0}
    assert elsewhere.loaded == []


@pytest.mark.parametrize("there", [held(5, None, artist="Mossrose"), held(16, "lastfm"), held(5, None, track="Ebb")])
def test_another_listen_of_the_database_is_no_double(there: Row) -> None:
    assert find([listen("listenbrainz", 5)], [there]).verdicts.is_empty()


def test_a_listen_of_an_unknown_service_is_a_start() -> None:
    assert find([listen("lastfm", 5)], [held(12, None)]).likely == {0: ("database", 0)}
    assert find([extended(200)], [held(0, "Player")]).likely == {0: ("database", 0)}


@pytest.mark.parametrize(("second", "is_there"), [(240, True), (299, True), (239, False), (300, False)])
def test_account_data_gives_way_to_the_database(second: int, is_there: bool) -> None:
    assert find([account(4)], [held(second, "spotify")]).present == ({0: 0} if is_there else {})


def test_a_play_whose_account_data_is_there_is_its_twin() -> None:
    there = [held(240, "spotify", album="Tide"), held(300, "spotify", album="Tide")]
    found = find([extended(4 * 60 + 33), extended(300)], there, coarse=["spotify"])
    assert found.likely == {0: ("database", 0)}
    assert found.present == {1: 1}
    assert found.verdicts.get_column("is_twin").to_list() == [True, False]
    assert find([extended(4 * 60 + 33)], there).verdicts.is_empty()  # no account data was loaded


@pytest.mark.parametrize("played", [200, 199.6])
def test_account_data_that_is_stored_by_its_start(played: float) -> None:
    play = by_start(extended(4 * 60 + 33, played))
    there = held(40, "spotify", album="Tide")
    assert find([play], [there], clock=START, coarse=["spotify"]).likely == {0: ("database", 0)}
    assert find([by_start(account(4))], [held(73, "spotify")], clock=START).present == {0: 0}


def test_spotify_stored_by_its_start_is_found_by_scrobbles() -> None:
    there = [held(-300, "spotify", track="Ebb"), held(60, "spotify")]
    assert find([listen("lastfm", 3)], there, clock=START).likely == {0: ("database", 1)}
    assert find([listen("lastfm", 75)], there, clock=START).verdicts.is_empty()
    assert find([by_start(extended(200)), listen("lastfm", 0)], clock=START).same == {1: 0}


def test_the_evidence_names_service_distance_and_rule() -> None:
    rows = [listen("maloja", 4), listen("listenbrainz", 0), extended(200)]
    pairs = find(rows).settled.evidence
    assert pairs.select("file", "row", "double_of", "seconds_apart", "evidence").rows() == [
        ("maloja", 1, "listenbrainz:2", 4, "ListenBrainz, 4 s apart (both times are starts)"),
        ("spotify", 3, "listenbrainz:2", 0, "ListenBrainz, starts 0 s apart (this time is the end of the play)"),
    ]
    (there,) = find([listen("maloja", 4)], [held(200, "spotify")]).settled.evidence.get_column("evidence")
    assert there == "spotify, starts 4 s apart (that time is the end of the play)"


@pytest.mark.parametrize("drop_doubles", [True, False])
def test_a_double_stands_next_to_its_partner(drop_doubles: bool) -> None:
    (pair,) = find([listen("maloja", 4), listen("lastfm", 0)], drop_doubles=drop_doubles).settled.evidence.rows(
        named=True
    )
    assert (pair["artist"], pair["track"], pair["service"]) == (pair["of_artist"], pair["of_track"], "maloja")
    assert (pair["of_listened_at"] - pair["listened_at"]).total_seconds() == -4
