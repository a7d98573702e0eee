"""Koito's merges and deletes keep ``track_lookup`` true, and a forced load after them brings nothing back."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.koito_actions import (
    album_id,
    artist_id,
    delete_credit,
    key_ids,
    merge_albums,
    merge_artists,
    merge_tracks,
    track_id,
    untrue_lookups,
)
from tests.helpers.support import content, counts, load, query, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Action = Callable[[str, str], None]  # (uri, role)


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


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


def test_the_keys_of_a_merged_track_refer_to_the_survivor(history: str, role: str) -> None:
    merge_tracks(history, _track(history, "First", artist="Bo"), _track(history, "First"), role)

    assert key_ids(history, "Bo", "First", "Debut") == key_ids(history, "Ann", "First", "Debut")


def test_a_merged_track_takes_an_artist_of_the_survivor(history: str, role: str, kind: str) -> None:
    duet = key_ids(history, "Ann\x1eBo", "Duet", "Debut")

    merge_tracks(history, _track(history, "Alone", "Alone", "Bo"), duet[2], role)

    bo = artist_id(history, "Bo")  # is on both tracks: in a file, where the artist is not rewritten, the key keeps it
    assert key_ids(history, "Bo", "Alone", "") == (duet[0] if kind == "postgres" else bo, *duet[1:])


def test_the_keys_of_a_merged_album_keep_their_tracks_and_artists(history: str, role: str) -> None:
    artist, hits, track = key_ids(history, "Ann", "First", "Hits")
    debut = album_id(history, "Debut", "Ann")

    merge_albums(history, hits, debut, role)

    assert key_ids(history, "Ann", "First", "Hits") == (artist, debut, track)


def test_the_keys_of_a_merged_artist_keep_their_tracks_and_albums(history: str, role: str) -> None:
    ann = artist_id(history, "Ann")
    first, duet = key_ids(history, "Bo", "First", "Debut"), key_ids(history, "Ann\x1eBo", "Duet", "Debut")

    merge_artists(history, artist_id(history, "Bo"), ann, role)

    assert key_ids(history, "Bo", "First", "Debut") == (ann, *first[1:])
    assert key_ids(history, "Ann\x1eBo", "Duet", "Debut") == (ann, *duet[1:])


def test_the_key_of_a_track_by_both_merged_artists_moves_to_who_stays(history: str, role: str) -> None:
    ann, album, duet = key_ids(history, "Ann\x1eBo", "Duet", "Debut")
    bo = artist_id(history, "Bo")

    merge_artists(history, ann, bo, role)

    assert key_ids(history, "Ann\x1eBo", "Duet", "Debut") == (bo, album, duet)
    assert query(history, f"SELECT artist_id FROM artist_tracks WHERE track_id = {duet}") == [(bo,)]


def test_a_merge_of_a_featured_artist_leaves_the_keys_with_the_main_one(history: str, role: str) -> None:
    before = key_ids(history, "Ann\x1eBo", "Duet", "Debut")

    merge_artists(history, artist_id(history, "Bo"), artist_id(history, "Cy"), role)

    assert key_ids(history, "Ann\x1eBo", "Duet", "Debut") == before


def test_keys_of_a_removed_credit_move_to_a_remaining_one(
    history: str, role: str, load_again: Callable[[], dict[str, Any]]
) -> None:
    ann, album, duet = key_ids(history, "Ann\x1eBo", "Duet", "Debut")
    delete_credit(history, duet, ann, role)
    rows = content(history)

    assert key_ids(history, "Ann\x1eBo", "Duet", "Debut") == (artist_id(history, "Bo"), album, duet)
    assert untrue_lookups(history) == []
    load_again()
    assert content(history) == rows


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
        assert key_ids(history, *key) == final
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
