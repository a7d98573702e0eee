"""Koito's merges and deletes keep ``track_lookup`` true, and a forced load after them brings nothing back."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from etl.database.failures import Failure, StatementError
from tests.conftest import uri_of
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


@pytest.fixture(scope="module")
def loaded(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of a database into which HISTORY was loaded, to be copied."""
    name, home = f"etl_test_{uuid4().hex[:12]}", tmp_path_factory.mktemp("loaded")
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    load(home, uri_of(server, name), write_maloja(home / "maloja_export.json", HISTORY))
    yield name
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def history(server: str, loaded: str) -> Iterator[str]:
    """Return the URI of a database that holds HISTORY."""
    name = f"etl_test_{uuid4().hex[:12]}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {loaded}")
    yield uri_of(server, name)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def role(history: str) -> Iterator[str]:
    """Return a role that may do what Koito does, and has no rights on our objects."""
    with koito_role(history) as name:
        yield name


@pytest.fixture
def load_again(history: str, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Return what loads HISTORY once more by force."""
    export = write_maloja(tmp_path / "maloja_export.json", HISTORY)
    return lambda: load(tmp_path / "home", history, export, force=True)


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
    history: str, role: str, load_again: Callable[[], dict[str, Any]], merge: Action
) -> None:
    before = counts(history)
    merge(history, role)
    merged, rows = counts(history), content(history)

    assert untrue_lookups(history) == []
    assert merged != before
    assert (merged["listens"], merged["track_lookup"]) == (before["listens"], before["track_lookup"])

    again = load_again()

    assert again["counts"]["inserted"] == 0
    assert again["counts"]["cache_hits"] == again["counts"]["keys"] == merged["track_lookup"]
    assert again["created"] == {"artists": 0, "albums": 0, "tracks": 0}
    assert counts(history) == merged
    assert content(history) == rows


def test_the_keys_of_a_merged_track_stand_for_what_the_survivor_stands_for(history: str, role: str) -> None:
    merge_tracks(history, _track(history, "First", artist="Bo"), _track(history, "First"), role)

    assert _ids(history, "Bo", "First", "Debut") == _ids(history, "Ann", "First", "Debut")


def test_a_merged_track_takes_the_primary_artist_of_the_survivor(history: str, role: str) -> None:
    duet = _ids(history, "Ann\x1eBo", "Duet", "Debut")

    merge_tracks(history, _track(history, "Alone", "Alone", "Bo"), duet[2], role)

    assert _ids(history, "Bo", "Alone", "") == duet


def test_the_keys_of_a_merged_album_keep_their_tracks_and_artists(history: str, role: str) -> None:
    artist, hits, track = _ids(history, "Ann", "First", "Hits")
    debut = album_id(history, "Debut", "Ann")

    merge_albums(history, hits, debut, role)

    assert _ids(history, "Ann", "First", "Hits") == (artist, debut, track)


def test_the_keys_of_a_merged_artist_keep_their_tracks_and_albums(history: str, role: str) -> None:
    ann = artist_id(history, "Ann")
    first, duet = _ids(history, "Bo", "First", "Debut"), _ids(history, "Ann\x1eBo", "Duet", "Debut")

    merge_artists(history, artist_id(history, "Bo"), ann, role)

    assert _ids(history, "Bo", "First", "Debut") == (ann, *first[1:])
    assert _ids(history, "Ann\x1eBo", "Duet", "Debut") == (ann, *duet[1:])


def test_where_both_merged_artists_are_on_a_track_its_key_moves_to_the_one_that_stays(history: str, role: str) -> None:
    ann, album, duet = _ids(history, "Ann\x1eBo", "Duet", "Debut")
    bo = artist_id(history, "Bo")

    merge_artists(history, ann, bo, role)

    assert _ids(history, "Ann\x1eBo", "Duet", "Debut") == (bo, album, duet)
    assert query(history, f"SELECT artist_id FROM artist_tracks WHERE track_id = {duet}") == [(bo,)]


def test_a_merge_of_a_featured_artist_leaves_the_keys_with_the_main_one(history: str, role: str) -> None:
    before = _ids(history, "Ann\x1eBo", "Duet", "Debut")

    merge_artists(history, artist_id(history, "Bo"), artist_id(history, "Cy"), role)

    assert _ids(history, "Ann\x1eBo", "Duet", "Debut") == before


def test_a_credit_that_koito_removes_hands_its_keys_to_one_that_is_left(
    history: str, role: str, load_again: Callable[[], dict[str, Any]]
) -> None:
    ann, album, duet = _ids(history, "Ann\x1eBo", "Duet", "Debut")
    execute(
        history,
        f"SET ROLE {role}; DELETE FROM artist_tracks WHERE track_id = {duet} AND artist_id = {ann}",
    )
    rows = content(history)

    assert _ids(history, "Ann\x1eBo", "Duet", "Debut") == (artist_id(history, "Bo"), album, duet)
    assert untrue_lookups(history) == []
    load_again()
    assert content(history) == rows


def test_a_key_stays_with_its_track_while_the_track_has_a_listen_left(history: str, role: str) -> None:
    old, new = _track(history, "First", "Hits"), _track(history, "Second")
    before = _ids(history, "Ann", "First", "Hits")
    move = f"SET ROLE {role}; UPDATE listens SET track_id = {new} WHERE track_id = {old}"

    execute(history, f"{move} AND listened_at = (SELECT min(listened_at) FROM listens WHERE track_id = {old})")
    assert _ids(history, "Ann", "First", "Hits") == before

    execute(history, move)
    assert _ids(history, "Ann", "First", "Hits") == _ids(history, "Ann", "Second", "Debut")


def test_a_merge_that_koito_refuses_leaves_the_keys_as_they_were(database: str, tmp_path: Path) -> None:
    same_second = [scrobble(1, ["Ann"], "First", "Hits"), scrobble(2, ["Ann"], "First", "Hits")]
    export = write_maloja(tmp_path / "maloja_export.json", [*same_second, scrobble(2, ["Bo"], "Alone")])
    load(tmp_path / "home", database, export)
    lookups, rows = _lookups(database), content(database)

    with pytest.raises(StatementError) as caught:
        merge_tracks(database, _track(database, "First", "Hits"), _track(database, "Alone", "Alone", "Bo"))

    assert (caught.value.sqlstate, caught.value.failure) == ("23505", Failure.DATA)
    assert _lookups(database) == lookups
    assert content(database) == rows


def test_a_chain_of_merges_ends_at_the_last_survivor(
    history: str, role: str, load_again: Callable[[], dict[str, Any]]
) -> None:
    last = _track(history, "Solo", "Shared", "Cy")
    chain = [_track(history, "First", "Hits"), _track(history, "First"), _track(history, "Second"), last]
    for old, new in pairwise(chain):
        merge_tracks(history, old, new, role)
    cy, bo = artist_id(history, "Cy"), artist_id(history, "Bo")
    merge_artists(history, artist_id(history, "Ann"), cy, role)
    merge_albums(history, album_id(history, "Shared", "Cy"), album_id(history, "Alone", "Bo"), role)
    merge_artists(history, cy, bo, role)
    rows = content(history)

    final = (bo, album_id(history, "Alone", "Bo"), last)
    for key in (
        ("Ann", "First", "Hits"),
        ("Ann", "First", "Debut"),
        ("Ann", "Second", "Debut"),
        ("Cy", "Solo", "Shared"),
    ):
        assert _ids(history, *key) == final
    assert untrue_lookups(history) == []
    load_again()
    assert content(history) == rows


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_merges_keeps_every_key_true(database: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    export = write_maloja(tmp_path / "maloja_export.json", _random_history(chance, listens=60))
    load(tmp_path / "home", database, export)
    keys = counts(database)["track_lookup"]

    merges = {"tracks": merge_tracks, "releases": merge_albums, "artists": merge_artists}
    for table in chance.choices(list(merges), [2, 1, 1], k=8):
        left = [number for (number,) in query(database, f"SELECT id FROM {table} ORDER BY id")]
        if len(left) > 2:
            old, new = chance.sample(left, 2)
            merges[table](database, old, new)
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
    history: str, role: str, load_again: Callable[[], dict[str, Any]], delete: Action
) -> None:
    before = content(history)
    delete(history, role)

    assert untrue_lookups(history) == []
    assert len(content(history)) < len(before)

    load_again()

    assert content(history) == before
    assert untrue_lookups(history) == []


def test_an_artist_who_was_deleted_comes_back_with_all_keys(
    history: str, role: str, load_again: Callable[[], dict[str, Any]]
) -> None:
    keys = [key for key, *_ in _lookups(history)]

    delete_artist(history, artist_id(history, "Ann"), role)

    assert untrue_lookups(history) == []
    alone = "ann\x1f"  # where others are on the track, it is theirs now
    assert [key for key, *_ in _lookups(history)] == [key for key in keys if not key.startswith(alone)]

    again = load_again()

    assert again["counts"]["records"] == again["counts"]["inserted"] + again["counts"]["already_present"]
    assert untrue_lookups(history) == []
    assert [key for key, *_ in _lookups(history)] == keys
    assert _ids(history, "Ann", "First", "Hits")[0] == artist_id(history, "Ann")


def test_a_track_that_loses_one_of_its_artists_keeps_its_key_and_its_listens(
    history: str, role: str, load_again: Callable[[], dict[str, Any]]
) -> None:
    shared = """
        SELECT k.lookup_key, k.track_id, l.listened_at FROM track_lookup k JOIN listens l USING (track_id)
        WHERE starts_with(k.lookup_key, 'ann' || chr(30)) ORDER BY 1, 3
    """
    before = query(history, shared)

    delete_artist(history, artist_id(history, "Ann"), role)
    load_again()

    assert before
    assert query(history, shared) == before
