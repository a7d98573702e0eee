"""Koito's merges and deletes keep ``track_lookup`` true, and a forced load after them brings nothing back."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from etl.database.failures import Failure, StatementError
from tests.koito_actions import (
    album_id,
    artist_id,
    delete_album,
    delete_artist,
    delete_track,
    koito_role,
    merge_albums,
    merge_artists,
    merge_tracks,
    track_id,
    untrue_lookups,
)
from tests.support import content, counts, execute, load, query, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Action = Callable[[str, str], None]  # (uri, role)

HISTORY = [
    scrobble(1, ["Ann"], "First", "Debut"),
    scrobble(2, ["Ann"], "Second", "Debut"),
    scrobble(3, ["Ann"], "First", "Hits"),
    scrobble(4, ["Bo"], "First", "Debut"),
    scrobble(5, ["Ann", "Bo"], "Duet", "Debut"),
    scrobble(6, ["Bo"], "Alone"),
    scrobble(7, ["Bo", "Cy"], "Joint", "Shared"),
    scrobble(8, ["Cy"], "Solo", "Shared"),
    scrobble(9, ["Ann"], "First", "Debut"),
    scrobble(10, ["Ann"], "First", "Hits"),
]


@pytest.fixture
def role(database: str) -> Iterator[str]:
    """Return a role that may do what Koito does, and has no rights on our objects."""
    with koito_role(database) as name:
        yield name


@pytest.fixture
def history(database: str, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Load HISTORY, and return what loads it once more by force."""
    export = write_maloja(tmp_path / "maloja_export.json", HISTORY)

    def again() -> dict[str, Any]:
        return load(tmp_path / "home", database, export, force=True)

    assert again()["status"] == "complete"
    return again


def _ids(uri: str, *key: str) -> tuple[int, int, int]:
    """Return artist, album and track that the key of (artist, title, album) stands for."""
    text = "\x1f".join(key).lower()
    ((artist, album, track),) = query(
        uri, f"SELECT artist_id, album_id, track_id FROM track_lookup WHERE lookup_key = '{text}'"
    )
    return artist, album, track


def _lookups(uri: str) -> list[tuple[Any, ...]]:
    return query(uri, "SELECT lookup_key, artist_id, album_id, track_id FROM track_lookup ORDER BY lookup_key")


def _track(uri: str, title: str, album: str = "Debut", artist: str = "Ann") -> int:
    return track_id(uri, title, album, artist)


# What is merged into what.
MERGES: dict[str, Action] = {
    "tracks of one album": lambda uri, role: merge_tracks(uri, _track(uri, "Second"), _track(uri, "First"), role),
    "tracks of two albums": lambda uri, role: merge_tracks(
        uri, _track(uri, "First", "Hits"), _track(uri, "First"), role
    ),
    "tracks of two artists": lambda uri, role: merge_tracks(
        uri, _track(uri, "First", artist="Bo"), _track(uri, "First"), role
    ),
    "a track into one with more artists": lambda uri, role: merge_tracks(
        uri, _track(uri, "Second"), _track(uri, "Duet"), role
    ),
    "albums of one artist": lambda uri, role: merge_albums(
        uri, album_id(uri, "Hits", "Ann"), album_id(uri, "Debut", "Ann"), role
    ),
    "albums of two artists": lambda uri, role: merge_albums(
        uri, album_id(uri, "Alone", "Bo"), album_id(uri, "Hits", "Ann"), role
    ),
    "a featured artist into the main one": lambda uri, role: merge_artists(
        uri, artist_id(uri, "Bo"), artist_id(uri, "Ann"), role
    ),
    "the main artist into a featured one": lambda uri, role: merge_artists(
        uri, artist_id(uri, "Ann"), artist_id(uri, "Bo"), role
    ),
    "artists without a common track": lambda uri, role: merge_artists(
        uri, artist_id(uri, "Cy"), artist_id(uri, "Ann"), role
    ),
}


@pytest.mark.parametrize("merge", MERGES.values(), ids=MERGES)
def test_a_forced_load_after_a_merge_brings_nothing_back(
    database: str, role: str, history: Callable[[], dict[str, Any]], merge: Action
) -> None:
    before = counts(database)
    merge(database, role)
    merged, rows = counts(database), content(database)

    assert untrue_lookups(database) == []
    assert merged != before
    assert (merged["listens"], merged["track_lookup"]) == (before["listens"], before["track_lookup"])

    again = history()

    assert again["counts"]["inserted"] == 0
    assert again["counts"]["cache_hits"] == again["counts"]["keys"] == merged["track_lookup"]
    assert again["created"] == {"artists": 0, "albums": 0, "tracks": 0}
    assert counts(database) == merged
    assert content(database) == rows


def test_the_keys_of_a_merged_track_stand_for_what_the_survivor_stands_for(
    database: str, role: str, history: object
) -> None:
    merge_tracks(database, _track(database, "First", artist="Bo"), _track(database, "First"), role)

    assert _ids(database, "Bo", "First", "Debut") == _ids(database, "Ann", "First", "Debut")


def test_a_merged_track_takes_the_primary_artist_of_the_survivor(database: str, role: str, history: object) -> None:
    duet = _ids(database, "Ann\x1eBo", "Duet", "Debut")

    merge_tracks(database, _track(database, "Alone", "Alone", "Bo"), duet[2], role)

    assert _ids(database, "Bo", "Alone", "") == duet


def test_the_keys_of_a_merged_album_keep_their_tracks_and_artists(database: str, role: str, history: object) -> None:
    artist, hits, track = _ids(database, "Ann", "First", "Hits")
    debut = album_id(database, "Debut", "Ann")

    merge_albums(database, hits, debut, role)

    assert _ids(database, "Ann", "First", "Hits") == (artist, debut, track)


def test_the_keys_of_a_merged_artist_keep_their_tracks_and_albums(database: str, role: str, history: object) -> None:
    ann = artist_id(database, "Ann")
    first, duet = _ids(database, "Bo", "First", "Debut"), _ids(database, "Ann\x1eBo", "Duet", "Debut")

    merge_artists(database, artist_id(database, "Bo"), ann, role)

    assert _ids(database, "Bo", "First", "Debut") == (ann, *first[1:])
    assert _ids(database, "Ann\x1eBo", "Duet", "Debut") == (ann, *duet[1:])


def test_where_both_merged_artists_are_on_a_track_its_key_moves_to_the_one_that_stays(
    database: str, role: str, history: object
) -> None:
    ann, album, duet = _ids(database, "Ann\x1eBo", "Duet", "Debut")
    bo = artist_id(database, "Bo")

    merge_artists(database, ann, bo, role)

    assert _ids(database, "Ann\x1eBo", "Duet", "Debut") == (bo, album, duet)
    assert query(database, f"SELECT artist_id FROM artist_tracks WHERE track_id = {duet}") == [(bo,)]


def test_a_credit_that_koito_removes_hands_its_keys_to_one_that_is_left(
    database: str, role: str, history: Callable[[], dict[str, Any]]
) -> None:
    ann, album, duet = _ids(database, "Ann\x1eBo", "Duet", "Debut")
    execute(
        database,
        f"SET ROLE {role}; DELETE FROM artist_tracks WHERE track_id = {duet} AND artist_id = {ann}",
    )
    rows = content(database)

    assert _ids(database, "Ann\x1eBo", "Duet", "Debut") == (artist_id(database, "Bo"), album, duet)
    assert untrue_lookups(database) == []
    history()
    assert content(database) == rows


def test_a_key_stays_with_its_track_while_the_track_has_a_listen_left(
    database: str, role: str, history: object
) -> None:
    old, new = _track(database, "First", "Hits"), _track(database, "Second")
    before = _ids(database, "Ann", "First", "Hits")
    move = f"SET ROLE {role}; UPDATE listens SET track_id = {new} WHERE track_id = {old}"

    execute(database, f"{move} AND listened_at = (SELECT min(listened_at) FROM listens WHERE track_id = {old})")
    assert _ids(database, "Ann", "First", "Hits") == before

    execute(database, move)
    assert _ids(database, "Ann", "First", "Hits") == _ids(database, "Ann", "Second", "Debut")


def test_a_merge_that_koito_refuses_leaves_the_keys_as_they_were(database: str, role: str, tmp_path: Path) -> None:
    same_second = [scrobble(1, ["Ann"], "First", "Hits"), scrobble(2, ["Ann"], "First", "Hits")]
    export = write_maloja(tmp_path / "maloja_export.json", [*same_second, scrobble(2, ["Bo"], "Alone")])
    load(tmp_path / "home", database, export)
    lookups, rows = _lookups(database), content(database)

    with pytest.raises(StatementError) as caught:
        merge_tracks(database, _track(database, "First", "Hits"), _track(database, "Alone", "Alone", "Bo"), role)

    assert (caught.value.sqlstate, caught.value.failure) == ("23505", Failure.DATA)
    assert _lookups(database) == lookups
    assert content(database) == rows


def test_a_chain_of_merges_ends_at_the_last_survivor(
    database: str, role: str, history: Callable[[], dict[str, Any]]
) -> None:
    last = _track(database, "Solo", "Shared", "Cy")
    chain = [_track(database, "First", "Hits"), _track(database, "First"), _track(database, "Second"), last]
    for old, new in pairwise(chain):
        merge_tracks(database, old, new, role)
    cy, bo = artist_id(database, "Cy"), artist_id(database, "Bo")
    merge_artists(database, artist_id(database, "Ann"), cy, role)
    merge_albums(database, album_id(database, "Shared", "Cy"), album_id(database, "Alone", "Bo"), role)
    merge_artists(database, cy, bo, role)
    rows = content(database)

    final = (bo, album_id(database, "Alone", "Bo"), last)
    for key in (
        ("Ann", "First", "Hits"),
        ("Ann", "First", "Debut"),
        ("Ann", "Second", "Debut"),
        ("Cy", "Solo", "Shared"),
    ):
        assert _ids(database, *key) == final
    assert untrue_lookups(database) == []
    history()
    assert content(database) == rows


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_merges_keeps_every_key_true(database: str, role: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    export = write_maloja(tmp_path / "maloja_export.json", _random_history(chance, listens=60))
    load(tmp_path / "home", database, export)
    keys = counts(database)["track_lookup"]

    merges = {"tracks": merge_tracks, "releases": merge_albums, "artists": merge_artists}
    for table in chance.choices(list(merges), [2, 1, 1], k=8):
        left = [number for (number,) in query(database, f"SELECT id FROM {table} ORDER BY id")]
        if len(left) > 2:
            old, new = chance.sample(left, 2)
            merges[table](database, old, new, role)
        assert untrue_lookups(database) == []

    rows = content(database)
    again = load(tmp_path / "home", database, export, force=True)

    assert counts(database)["track_lookup"] == keys
    assert again["counts"]["already_present"] == 60
    assert content(database) == rows


def _random_history(chance: random.Random, listens: int) -> list[dict[str, Any]]:
    """Return scrobbles, each at a second of its own, of few artists, albums and titles in all combinations."""
    return [
        scrobble(
            second,
            chance.sample(["Ann", "Bo", "Cy", "Di"], chance.choice([1, 1, 2])),
            chance.choice(["One", "Two", "Three"]),
            chance.choice(["Red", "Blue", None]),
        )
        for second in range(listens)
    ]


# What is deleted; nothing is left behind without an artist, so that a load can restore it as it was.
DELETES: dict[str, Action] = {
    "a track": lambda uri, role: delete_track(uri, _track(uri, "First"), role),
    "the last track of an album": lambda uri, role: delete_track(uri, _track(uri, "First", "Hits"), role),
    "an album": lambda uri, role: delete_album(uri, album_id(uri, "Hits", "Ann"), role),
    "an album of several artists": lambda uri, role: delete_album(uri, album_id(uri, "Shared", "Cy"), role),
    "an album with tracks of several artists": lambda uri, role: delete_album(uri, album_id(uri, "Debut", "Ann"), role),
}


@pytest.mark.parametrize("delete", DELETES.values(), ids=DELETES)
def test_a_forced_load_restores_what_was_deleted(
    database: str, role: str, history: Callable[[], dict[str, Any]], delete: Action
) -> None:
    before = content(database)
    delete(database, role)

    assert untrue_lookups(database) == []
    assert len(content(database)) < len(before)

    history()

    assert content(database) == before
    assert untrue_lookups(database) == []


def test_an_artist_who_was_deleted_comes_back_with_all_keys(
    database: str, role: str, history: Callable[[], dict[str, Any]]
) -> None:
    keys = [key for key, *_ in _lookups(database)]

    delete_artist(database, artist_id(database, "Ann"), role)

    assert untrue_lookups(database) == []
    assert [key for key, *_ in _lookups(database)] == [key for key in keys if not key.startswith("ann")]

    again = history()

    assert again["counts"]["records"] == again["counts"]["inserted"] + again["counts"]["already_present"]
    assert untrue_lookups(database) == []
    assert [key for key, *_ in _lookups(database)] == keys
    assert _ids(database, "Ann", "First", "Hits")[0] == artist_id(database, "Ann")


def test_koitos_role_has_no_rights_on_our_objects(database: str, role: str) -> None:
    for table in ("public.track_lookup", "etl.migrations"):
        with pytest.raises(StatementError) as caught:
            execute(database, f"SET ROLE {role}; SELECT 1 FROM {table}")
        assert caught.value.sqlstate == "42501"
