"""Koito's deletes keep ``track_lookup`` true, and a forced load after them restores what was deleted, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.koito_actions import (
    album_id,
    all_keys,
    artist_id,
    delete_album,
    delete_artist,
    delete_track,
    key_ids,
    track_id,
    untrue_lookups,
)
from tests.helpers.support import content, query

if TYPE_CHECKING:
    from collections.abc import Callable

    Action = Callable[[str, str], None]  # (uri, role)


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _track(uri: str, title: str, album: str = "Debut", artist: str = "Ann") -> int:
    return track_id(uri, title, album, artist)


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
    keys = [key for key, *_ in all_keys(history)]

    delete_artist(history, artist_id(history, "Ann"), role)

    assert untrue_lookups(history) == []
    alone = "ann\x1f"  # where others are on the track, it is theirs now
    assert [key for key, *_ in all_keys(history)] == [key for key in keys if not key.startswith(alone)]

    again = load_again()

    assert again["counts"]["records"] == again["counts"]["inserted"] + again["counts"]["already_present"]
    assert untrue_lookups(history) == []
    assert [key for key, *_ in all_keys(history)] == keys
    assert key_ids(history, "Ann", "First", "Hits")[0] == artist_id(history, "Ann")


def test_a_track_that_loses_an_artist_keeps_its_key_and_its_listens(
    history: str, role: str, load_again: Callable[[], dict[str, Any]]
) -> None:
    def shared() -> list[tuple[Any, ...]]:
        listens = "SELECT k.lookup_key, k.track_id, l.listened_at FROM track_lookup k JOIN listens l USING (track_id)"
        return sorted(row for row in query(history, listens) if row[0].startswith("ann\x1e"))

    before = shared()

    delete_artist(history, artist_id(history, "Ann"), role)
    load_again()

    assert before
    assert shared() == before
