"""``etl verify RUN`` reports what Koito's user has changed since the run as a change, not as an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.verify import Result
from tests.helpers.koito_actions import (
    album_id,
    artist_id,
    delete_album,
    delete_track,
    koito_role,
    merge_albums,
    merge_artists,
    merge_tracks,
    track_id,
)
from tests.helpers.support import execute, scrobble, write_maloja
from tests.verify.conftest import STORED, Run, findings, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Edit = Callable[[str, str], None]  # (uri, role)


def _track(uri: str, title: str, album: str = "Debut", artist: str = "Ann") -> int:
    return track_id(uri, title, album, artist)


# What Koito's user does; the keys that change, and how; listens that moved, and that are gone.
EDITS: dict[str, tuple[Edit, dict[str, str], int, int]] = {
    "tracks are merged": (
        lambda uri, role: merge_tracks(uri, _track(uri, "First", "Hits"), _track(uri, "First"), role),
        {"ann|first|hits": "another track"},
        2,
        0,
    ),
    "albums are merged": (
        lambda uri, role: merge_albums(uri, album_id(uri, "Hits", "Ann"), album_id(uri, "Debut", "Ann"), role),
        {"ann|first|hits": "another album"},
        0,
        0,
    ),
    "artists are merged": (
        lambda uri, role: merge_artists(uri, artist_id(uri, "Cy"), artist_id(uri, "Bo"), role),
        {"cy|solo|shared": "another artist"},
        0,
        0,
    ),
    "a track is deleted": (
        lambda uri, role: delete_track(uri, _track(uri, "First"), role),
        {"ann|first|debut": "the key is gone"},
        0,
        2,
    ),
    "an album is deleted": (
        lambda uri, role: delete_album(uri, album_id(uri, "Hits", "Ann"), role),
        {"ann|first|hits": "the key is gone"},
        0,
        2,
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_was_merged_or_deleted_since_is_listed_and_no_error(run: Run, name: str) -> None:
    edit, changes, moved, gone = EDITS[name]
    with koito_role(run.uri) as role:
        edit(run.uri, role)
    verdict = run.verify()

    assert findings(verdict) == {"changes": Result.CHANGED_SINCE}
    assert verdict.exit_code == ExitCode.OK
    found = {row["lookup_key"].replace("\x1f", "|"): row["change"] for row in rows(verdict, "changes")}
    assert found == changes
    numbers = verdict.about["listens"]
    assert (numbers["then"], numbers["merged_since"], numbers["removed_since"]) == (STORED, moved, gone)
    assert numbers["expected"] == numbers["found"]
    assert numbers["found"]["listens"] == STORED - gone


def test_a_listen_that_was_lost_after_a_merge_is_missing(run: Run) -> None:
    target = _track(run.uri, "First")
    merge_tracks(run.uri, _track(run.uri, "First", "Hits"), target)
    execute(run.uri, f"DELETE FROM listens WHERE track_id = {target} AND listened_at = '2020-01-01 00:00:03Z'")
    verdict = run.verify()

    assert findings(verdict) == {"listens": Result.FAILED, "changes": Result.CHANGED_SINCE}
    assert [row["row"] for row in rows(verdict, "listens")] == [3]


def test_a_deleted_track_that_came_back_in_part_counts_as_deleted(run: Run, tmp_path: Path) -> None:
    delete_track(run.uri, _track(run.uri, "First", "Hits"))
    other = Run(run.home, run.uri, write_maloja(tmp_path / "b.json", [scrobble(9, ["Ann"], "First", "Hits")]), {})
    other.load_again()
    verdict = run.verify()

    assert findings(verdict) == {"changes": Result.CHANGED_SINCE}
    numbers = verdict.about["listens"]
    assert (numbers["merged_since"], numbers["removed_since"]) == (1, 1)


def test_new_names_change_nothing(run: Run) -> None:
    execute(run.uri, "UPDATE track_aliases SET alias = 'New'; UPDATE artist_aliases SET alias = alias || '!'")

    assert findings(run.verify()) == {}
