"""What the tests of the whole job share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from etl import formats
from tests.helpers.support import SPOTIFY_PLAYS, content, load, scrobble, write_maloja, write_spotify
from tests.helpers.worlds import PLAIN, wipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tests' own format known, for runs in this process."""
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, PLAIN))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def scrobbles() -> list[dict[str, Any]]:
    """Return 36 listens of four artists, each with three albums of three tracks; on one of them they have a guest."""
    return [
        scrobble(
            100 * artist + 10 * album + track,
            [f"Artist {artist}"] if album else [f"Artist {artist}", "Guest"],
            f"Track {track}",
            f"Album {album}",
            200,
        )
        for artist in range(4)
        for album in range(3)
        for track in range(3)
    ]


@pytest.fixture
def export(tmp_path: Path, scrobbles: list[dict[str, Any]]) -> Path:
    return write_maloja(tmp_path / "maloja_export.json", scrobbles)


@pytest.fixture
def undisturbed(tmp_path: Path, database: str, export: Path) -> list[tuple[str, str]]:
    """Return the content of the database after an undisturbed load; the database is empty again."""
    load(tmp_path / "undisturbed", database, export)
    found = content(database)
    wipe(database)
    return found


@pytest.fixture
def spotify(tmp_path: Path) -> Path:
    """Return an export of three plays; one was heard and not played to its end."""
    return write_spotify(tmp_path / "Streaming_History_Audio_2020.json", SPOTIFY_PLAYS)
