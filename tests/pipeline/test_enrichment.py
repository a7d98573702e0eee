"""Cached keys still add missing fields: set-based, without overwriting, and foreign MBIDs are reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.runs.directory import RunDirectory
from tests.helpers.recorder import Recorder
from tests.helpers.support import content, load, query
from tests.helpers.worlds import MBIDS, write_plain

if TYPE_CHECKING:
    import polars as pl

    from tests.helpers.worlds import Row

pytestmark = pytest.mark.usefixtures("plain")

RED, BLUE, GREEN = MBIDS
SONG: Row = {"artist": "Ann", "track": "Song", "album": "Debut"}
ALL: Row = {"duration": 200, "recording_mbid": RED, "release_mbid": BLUE, "artists": ["Ann"], "artist_mbids": [GREEN]}
HELD = """
SELECT n.title, n.duration, n.musicbrainz_id::text AS t, r.musicbrainz_id::text AS r, a.musicbrainz_id::text AS a
FROM tracks_with_title n JOIN releases r ON r.id = n.release_id
JOIN artist_tracks l ON l.track_id = n.id JOIN artists a ON a.id = l.artist_id ORDER BY n.title
"""


def run(folder: Path, uri: str, name: str, *rows: Row) -> dict[str, Any]:
    """Load ``rows``, a second each, from a file of their own."""
    start = 100 * int(name)
    timed = [{**row, "listened_at": start + second} for second, row in enumerate(rows)]
    # one worker: of two, the second opens a connection only if the first is still busy with its own
    return load(folder / "home", uri, write_plain(folder / f"{name}.json", timed), workers=1)


def keys(manifest: dict[str, Any]) -> pl.DataFrame:
    return RunDirectory(Path(manifest["run_dir"])).read_frame("keys")


def test_what_cached_entities_lack_is_added_and_nothing_else_changes(tmp_path: Path, any_database: str) -> None:
    run(tmp_path, any_database, "1", SONG)
    manifest = run(tmp_path, any_database, "2", {**SONG, **ALL})

    assert query(any_database, HELD) == [("Song", 200, RED, BLUE, GREEN)]
    assert (manifest["counts"]["cache_hits"], manifest["counts"]["keys"]) == (1, 1)
    assert manifest["created"] == {"artists": 0, "albums": 0, "tracks": 0}
    before = content(any_database)
    other: Row = {
        "duration": 9,
        "recording_mbid": GREEN,
        "release_mbid": RED,
        "artists": ["Ann"],
        "artist_mbids": [BLUE],
    }
    run(tmp_path, any_database, "3", {**SONG, **other})
    kinds = ("artist", "release", "track", "lookup")
    assert [row for row in content(any_database) if row[0] in kinds] == [row for row in before if row[0] in kinds]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"recording_mbid": RED}, "recording"),
        ({"release_mbid": BLUE}, "release"),
        ({"artists": ["Bo"], "artist_mbids": [GREEN]}, "artist"),
    ],
)
@pytest.mark.parametrize("has_another", [False, True], ids=["it has none", "it has another"])
def test_an_mbid_of_another_entity_is_reported_with_the_cached_key(
    tmp_path: Path, any_database: str, row: Row, word: str, has_another: bool
) -> None:
    own = f"dddddddd-0000-4000-8000-00000000000{int(has_another)}"
    mine: Row = {"recording_mbid": own, "release_mbid": own, "artists": ["Bo"], "artist_mbids": [own]}
    other: Row = {"artist": "Bo", "track": "Other", "album": "Else"}
    run(tmp_path, any_database, "1", {**SONG, **ALL}, {**other, **(mine if has_another else {})})
    before = query(any_database, HELD)
    manifest = run(tmp_path, any_database, "2", {**other, **row})

    (key,) = keys(manifest).rows(named=True)
    assert key["status"] == "hit"
    assert key["detail"].startswith(f"{word} {next(one for one in MBIDS if one in str(row))} is ")
    assert key["detail"].endswith("it was not stored")
    assert query(any_database, HELD) == before


def test_the_cost_follows_the_run_and_not_its_keys(tmp_path: Path, database: str) -> None:
    def statements(name: str, count: int) -> int:
        titles: list[Row] = [{**SONG, "track": f"{name} {number}"} for number in range(count)]
        run(tmp_path, database, f"{name}0", *titles)
        with Recorder(database) as server:
            run(tmp_path, server.uri, f"{name}1", *({**title, "duration": 200} for title in titles))
            return len(server.statements)

    assert statements("1", 2) == statements("2", 40)
    assert query(database, "SELECT DISTINCT duration FROM tracks") == [(200,)]


def test_the_spellings_that_share_a_key_are_listed_with_it(tmp_path: Path, any_database: str) -> None:
    manifest = run(tmp_path, any_database, "1", SONG, {**SONG, "track": "SONG"}, {**SONG, "artist": "ANN"}, SONG)
    (key,) = keys(manifest).rows(named=True)
    assert (key["lookup_key"], key["listens"]) == ("ann\x1fsong\x1fdebut", 4)
    assert key["spellings"] == ["ANN / Song / Debut", "Ann / SONG / Debut", "Ann / Song / Debut"]
