"""An export is read again once a file next to it appears or changes, and what it then names is loaded once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from etl import formats
from etl.core.errors import ExitCode
from etl.core.workspace import Workspace
from etl.formats import applemusic_activity
from etl.verify.run import verify_run
from tests.helpers.ages import age_all
from tests.helpers.applemusic import ACTIVITY, DAILY, LIBRARY, daily, library, played, table
from tests.helpers.disturbances import inserted
from tests.helpers.replays import frame, replay, run_of, statuses
from tests.helpers.support import load
from tests.helpers.undos import undo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

DAYS = daily(("A - One", "20240203"))
TRACKS = library({"Title": "Two", "Artist": "B"})


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three plays: one names its artist; files that come later name those of the others."""
    folder = tmp_path / "apple"
    folder.mkdir()
    rows = [played("One", 0), played("Two", 10), played("Three", 20, Container_Artist_Name="C", Container_Type="ALBUM")]
    (folder / ACTIVITY).write_bytes(table(rows))
    return folder


def done(manifest: dict[str, Any]) -> tuple[int, ...]:
    counts = manifest["counts"]
    return tuple(counts[name] for name in ("records", "rejected", "already_present", "inserted"))


def test_a_file_is_read_again_when_a_companion_appears_or_changes(home: Path, database: str, folder: Path) -> None:
    first = load(home, database, folder)
    assert (done(first), first["exit_code"]) == ((3, 2, 0, 1), ExitCode.REJECTS)
    assert first["rejected_by_reason"] == {"artist_unknown": 2}
    (caveat,) = first["caveats"]
    assert caveat.startswith(f"2 plays in {folder / ACTIVITY} have no artist")
    assert "Daily Tracks and Apple Music Library Tracks next to it" in caveat
    assert done(load(home, database, folder)) == (3, 2, 1, 0)

    (folder / DAILY).write_bytes(DAYS)
    second = load(home, database, folder)
    assert done(second) == (3, 1, 1, 1)

    (folder / LIBRARY).write_bytes(TRACKS)
    third = load(home, database, folder)
    assert (done(third), third["exit_code"], third["caveats"]) == ((3, 0, 2, 1), ExitCode.OK, [])
    for manifest in (first, second, third):
        assert verify_run(run_of(manifest), Workspace(home, database)).exit_code == ExitCode.OK
    assert sorted(statuses(load(home, database, folder))) == ["known", "left_aside", "left_aside"]

    (folder / LIBRARY).unlink()
    assert done(load(home, database, folder)) == (3, 1, 2, 0)
    assert inserted(database) == 3


def test_replay_tries_unknown_artists_again(home: Path, database: str, folder: Path) -> None:
    first = load(home, database, folder)
    again = replay(home, database, first)
    assert done(again) == (2, 2, 0, 0)
    (folder / DAILY).write_bytes(DAYS)
    (folder / LIBRARY).write_bytes(TRACKS)
    second = replay(home, database, first)
    assert (done(second), second["exit_code"]) == ((2, 0, 0, 2), ExitCode.OK)
    assert frame(second, "listens")["artist"].to_list() == ["A", "B"]
    assert done(load(home, database, folder)) == (3, 0, 3, 0)
    assert inserted(database) == 3
    assert [file["path"] for file in undo(home, database, first)["files"]] == [str(folder / ACTIVITY)]


def test_replay_of_a_moved_export_finds_the_files_it_left(
    home: Path, database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / DAILY).write_bytes(DAYS)
    (folder / LIBRARY).write_bytes(TRACKS)
    age_all(folder)
    older = replace(applemusic_activity.FORMAT, earliest=datetime(2024, 2, 3, 12, 15, tzinfo=UTC))
    with monkeypatch.context() as older_program:
        older_program.setattr(formats, "FORMATS", (older,))
        moved = load(home, database, folder, move_to=str(folder.parent / "loaded"))
    assert moved["rejected_by_reason"] == {"time_too_early": 2}
    assert not (folder / ACTIVITY).exists()
    second = replay(home, database, moved)
    assert done(second) == (2, 0, 0, 2)
    assert frame(second, "listens")["artist"].to_list() == ["A", "B"]


def test_a_broken_companion_is_refused_and_the_plays_are_loaded(home: Path, database: str, folder: Path) -> None:
    (folder / DAILY).write_bytes(DAYS)
    (folder / LIBRARY).write_bytes(TRACKS[:-2])
    manifest = load(home, database, folder)
    assert (done(manifest), manifest["exit_code"]) == ((3, 1, 0, 2), ExitCode.INPUT)
    assert sorted(statuses(manifest)) == ["left_aside", "loaded", "refused"]
