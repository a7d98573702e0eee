"""Deletions that Koito never makes, and that our triggers must not be in the way of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.support import counts, execute, load, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path


def test_artists_of_one_track_can_be_deleted_in_one_statement(tmp_path: Path, database: str) -> None:
    both = [scrobble(1, ["Ann", "Bo"], "Song", "Debut"), scrobble(2, ["Bo", "Ann", "Cy"], "Other", "Debut")]
    load(tmp_path / "home", database, write_maloja(tmp_path / "maloja_export.json", both))

    execute(database, "DELETE FROM artists")

    assert (counts(database)["artists"], counts(database)["releases"], counts(database)["track_lookup"]) == (0, 0, 0)
