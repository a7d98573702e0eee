"""What the triggers alone do: with deletions and moves that Koito never makes, and with a merge that it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.targets.base import Failure
from etl.targets.postgres.errors import PostgresError
from tests.helpers.koito_actions import all_keys, key_ids, merge_tracks, track_id
from tests.helpers.support import content, counts, execute, load, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path


def test_artists_of_one_track_can_be_deleted_in_one_statement(tmp_path: Path, database: str) -> None:
    both = [scrobble(1, ["Ann", "Bo"], "Song", "Debut"), scrobble(2, ["Bo", "Ann", "Cy"], "Other", "Debut")]
    load(tmp_path / "home", database, write_maloja(tmp_path / "maloja_export.json", both))

    execute(database, "DELETE FROM artists")

    assert (counts(database)["artists"], counts(database)["releases"], counts(database)["track_lookup"]) == (0, 0, 0)


def track_of(uri: str, title: str, album: str = "Debut", artist: str = "Ann") -> int:
    return track_id(uri, title, album, artist)


def test_a_key_stays_with_its_track_while_the_track_has_a_listen_left(history: str, role: str) -> None:
    old, new = track_of(history, "First", "Hits"), track_of(history, "Second")
    before = key_ids(history, "Ann", "First", "Hits")
    move = f"SET ROLE {role}; UPDATE listens SET track_id = {new} WHERE track_id = {old}"

    execute(history, f"{move} AND listened_at = (SELECT min(listened_at) FROM listens WHERE track_id = {old})")
    assert key_ids(history, "Ann", "First", "Hits") == before

    execute(history, move)
    assert key_ids(history, "Ann", "First", "Hits") == key_ids(history, "Ann", "Second", "Debut")


def test_a_merge_that_koito_refuses_leaves_the_keys_as_they_were(database: str, tmp_path: Path) -> None:
    same_second = [scrobble(1, ["Ann"], "First", "Hits"), scrobble(2, ["Ann"], "First", "Hits")]
    export = write_maloja(tmp_path / "maloja_export.json", [*same_second, scrobble(2, ["Bo"], "Alone")])
    load(tmp_path / "home", database, export)
    lookups, rows = all_keys(database), content(database)

    with pytest.raises(PostgresError) as caught:
        merge_tracks(database, track_of(database, "First", "Hits"), track_of(database, "Alone", "Alone", "Bo"))

    assert (caught.value.sqlstate, caught.value.failure) == ("23505", Failure.DUPLICATE)
    assert all_keys(database) == lookups
    assert content(database) == rows
