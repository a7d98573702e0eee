"""A play that a streaming service and a scrobbler recorded is loaded once, in either order; the scrobble stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.helpers.applemusic import played, table
from tests.helpers.disturbances import inserted
from tests.helpers.plays import NOON, lastfm
from tests.helpers.support import load, query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCROBBLES = ((0, "Tide", "Shore"), (400, "Ebb", "Shore"))
STARTS = ((3, "Tide"), (396, "Ebb"), (1200, "Only streamed"))


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(NOON + second, UTC).replace(tzinfo=None)


def applemusic(path: Path) -> Path:
    start = "Event_Start_Timestamp"
    rows = [
        played(title, 0, Artist_Name="Kari Mo", **{start: f"{moment(second).isoformat()}.250Z"})
        for second, title in STARTS
    ]
    path.write_bytes(table(rows))
    return path


def deezer(path: Path) -> Path:
    rows = [
        {"Song Title": title, "Artist": "Kari Mo, Guest", "ISRC": "", "Listening Time": 200, "Date": moment(second)}
        for second, title in STARTS
    ]
    path.write_bytes(table(rows))
    return path


def youtubemusic(path: Path) -> Path:
    rows = [
        {
            "header": "YouTube Music",
            "title": f"Watched {title}",
            "titleUrl": "https://music.youtube.com/watch?v=x",
            "subtitles": [{"name": "Kari Mo - Topic"}],
            "time": f"{moment(second).isoformat()}.9Z",
            "products": ["YouTube"],
        }
        for second, title in STARTS
    ]
    path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize("scrobbles_first", [True, False])
@pytest.mark.parametrize("write", [applemusic, deezer, youtubemusic], ids=lambda write: write.__name__)
def test_one_play_of_two_services_is_one_listen(
    tmp_path: Path, any_database: str, write: Callable[[Path], Path], scrobbles_first: bool
) -> None:
    files = [lastfm(tmp_path / "l.json", *SCROBBLES), write(tmp_path / "streamed")]
    counts = [load(tmp_path, any_database, file) for file in (files if scrobbles_first else files[::-1])]
    assert inserted(any_database) == 3
    assert counts[1]["skipped_by_reason"] == {"likely_double": 2}
    clients = {client for (client,) in query(any_database, "SELECT client FROM listens")}
    assert clients == {write.__name__, *(["lastfm"] if scrobbles_first else [])}
    again = load(tmp_path, any_database, *files, force=True)
    assert (again["counts"]["inserted"], again["imbalances"]) == (0, [])


@pytest.mark.parametrize("write", [applemusic, deezer, youtubemusic], ids=lambda write: write.__name__)
def test_the_scrobble_stays_if_one_run_has_both_records(
    tmp_path: Path, any_database: str, write: Callable[[Path], Path]
) -> None:
    load(tmp_path, any_database, write(tmp_path / "streamed"), lastfm(tmp_path / "l.json", *SCROBBLES))
    clients = query(any_database, "SELECT client, count(*) FROM listens GROUP BY client")
    assert sorted(clients) == sorted([("lastfm", 2), (write.__name__, 1)])
