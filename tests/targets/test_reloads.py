"""After each edit in Koito, the same export again: without ``--force`` it is known, with it nothing comes back.

Koito's own import brings back what an edit did away with, or counts listens twice. Of four listens (A1, t1, al1),
(A1, t2, al1), (A1, t1, al2) and (A2, t1, al1), imported again after an edit, it makes:

=====================================  =============================  ==================================================
edit                                   Koito                          here
=====================================  =============================  ==================================================
merge track (t1, al2) into (t1, al1)   al2 and its t1, 5 listens      nothing, 4 listens; more merges: test_merges
merge album al2 into al1               al2, 5 listens                 nothing, 4 listens; more merges: test_merges
merge artist A2 into A1                A2, its album, track; 5        nothing, 4 listens; more merges: test_merges
delete a track, an album, an artist    all of it, 4 listens           nothing; all of it by force; more: test_deletes
new primary name of track t1           a second t1, 5 listens         nothing, 4 listens
new primary name of album al1          al1 and its tracks, 6 listens  nothing, 4 listens
new primary name of artist A1          nothing, 4 listens             nothing, 4 listens
=====================================  =============================  ==================================================

The other edits that Koito has follow behind them. On PostgreSQL all are made as a
role without rights on our objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.koito_actions import (
    add_alias,
    add_track_artist,
    album_id,
    artist_id,
    delete_album,
    delete_alias,
    delete_artist,
    delete_track,
    koito_role,
    merge_albums,
    merge_artists,
    merge_tracks,
    remove_track_artist,
    rename,
    set_mbid,
    set_primary_artist,
    set_various_artists,
    track_id,
    untrue_lookups,
)
from tests.helpers.support import content, load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    NewLibrary = Callable[[str | None], AbstractContextManager[str]]
    Edit = Callable[[str, str], None]  # (uri, role)
    Rows = list[tuple[str, str]]

FOUR = [
    scrobble(1, ["A1"], "t1", "al1"),
    scrobble(2, ["A1"], "t2", "al1"),
    scrobble(3, ["A1"], "t1", "al2"),
    scrobble(4, ["A2"], "t1", "al1"),
]
MBID = "aaaaaaaa-0000-4000-8000-000000000000"


def _track(uri: str, title: str = "t1", album: str = "al1") -> int:
    return track_id(uri, title, album, "A1")


def _album(uri: str, title: str = "al1") -> int:
    return album_id(uri, title, "A1")


def _artist(uri: str, name: str = "A1") -> int:
    return artist_id(uri, name)


def _replace_name(uri: str, artist: int, role: str) -> None:
    rename(uri, "artist", artist, "A-ONE", role)
    delete_alias(uri, "artist", artist, "A1", role)


def _second_artist_first(uri: str, role: str) -> None:
    track, second = _track(uri), _artist(uri, "A2")
    add_track_artist(uri, track, second, role)
    set_primary_artist(uri, track, second, role)


def _other_artist(uri: str, role: str) -> None:
    track, first = _track(uri), _artist(uri)
    add_track_artist(uri, track, _artist(uri, "A2"), role)
    remove_track_artist(uri, track, first, role)


def _rename_and_merge(uri: str, role: str) -> None:
    track, other = _track(uri), _track(uri, "t1", "al2")
    rename(uri, "track", track, "T-ONE", role)
    rename(uri, "release", _album(uri), "AL-ONE", role)
    merge_tracks(uri, other, track, role)


EDITS: dict[str, Edit] = {
    # the rows of the table
    "merge track": lambda uri, role: merge_tracks(uri, _track(uri, "t1", "al2"), _track(uri), role),
    "merge album": lambda uri, role: merge_albums(uri, _album(uri, "al2"), _album(uri), role),
    "merge artist": lambda uri, role: merge_artists(uri, _artist(uri, "A2"), _artist(uri), role),
    "primary name of a track": lambda uri, role: rename(uri, "track", _track(uri), "T-ONE", role),
    "primary name of an album": lambda uri, role: rename(uri, "release", _album(uri), "AL-ONE", role),
    "primary name of an artist": lambda uri, role: rename(uri, "artist", _artist(uri), "A-ONE", role),
    # and what Koito has in addition
    "a new name, and the old one deleted": lambda uri, role: _replace_name(uri, _artist(uri), role),
    "an artist gets the name of another": lambda uri, role: add_alias(uri, "artist", _artist(uri, "A2"), "A1", role),
    "an album gets the name of another": lambda uri, role: rename(uri, "release", _album(uri, "al2"), "al1", role),
    "a track gets the name of another": lambda uri, role: rename(uri, "track", _track(uri, "t2"), "t1", role),
    "MBID of an artist": lambda uri, role: set_mbid(uri, "artists", _artist(uri), MBID, role),
    "MBID of an album": lambda uri, role: set_mbid(uri, "releases", _album(uri), MBID, role),
    "MBID of a track": lambda uri, role: set_mbid(uri, "tracks", _track(uri), MBID, role),
    "an artist is added to a track": lambda uri, role: add_track_artist(uri, _track(uri), _artist(uri, "A2"), role),
    "the primary artist": _second_artist_first,
    "an artist is taken from a track": _other_artist,
    "various artists": lambda uri, role: set_various_artists(uri, _album(uri), role),
    "merge after a new name": _rename_and_merge,
}

DELETES: dict[str, Edit] = {
    "delete track": lambda uri, role: delete_track(uri, _track(uri), role),
    "delete album": lambda uri, role: delete_album(uri, _album(uri), role),
    "delete artist": lambda uri, role: delete_artist(uri, _artist(uri), role),
}


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def imported(new_library: NewLibrary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the address of a database with the four listens, to be copied, and their export."""
    home = tmp_path_factory.mktemp("imported")
    export = write_maloja(home / "maloja_export.json", FOUR)
    with new_library(None) as uri:
        load(home, uri, export)
        yield uri, export


@pytest.fixture(scope="module")
def before(imported: tuple[str, Path]) -> Rows:
    return content(imported[0])


@pytest.fixture
def uri(new_library: NewLibrary, imported: tuple[str, Path]) -> Iterator[str]:
    with new_library(imported[0]) as uri:
        yield uri


@pytest.fixture
def again(uri: str, imported: tuple[str, Path], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that loads the same export once more."""
    return lambda **settings: load(tmp_path / "home", uri, imported[1], **settings)


def _listens(rows: Rows) -> int:
    return sum(kind == "listen" for kind, _ in rows)


@pytest.mark.parametrize("name", EDITS)
def test_the_same_export_brings_nothing_back_and_counts_nothing_twice(
    uri: str, before: Rows, again: Callable[..., dict[str, Any]], name: str
) -> None:
    with koito_role(uri) as role:
        EDITS[name](uri, role)
    rows = content(uri)

    assert rows != before
    assert untrue_lookups(uri) == []

    assert [file["status"] for file in again()["files"]] == ["known"]
    assert content(uri) == rows

    forced = again(force=True)

    assert forced["counts"]["cache_hits"] == forced["counts"]["already_present"] == 4
    assert forced["created"] == {"artists": 0, "albums": 0, "tracks": 0}
    assert _listens(rows) == 4
    assert content(uri) == rows


@pytest.mark.parametrize("name", DELETES)
def test_deleted_listens_come_back_only_with_force(
    uri: str, before: Rows, again: Callable[..., dict[str, Any]], name: str
) -> None:
    with koito_role(uri) as role:
        DELETES[name](uri, role)
    rows = content(uri)

    assert _listens(rows) < 4
    assert [file["status"] for file in again()["files"]] == ["known"]
    assert content(uri) == rows

    again(force=True)

    assert content(uri) == before
    assert untrue_lookups(uri) == []
