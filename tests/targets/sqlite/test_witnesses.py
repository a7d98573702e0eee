"""Koito merges, deletes and reuses ids: a remembered key or file counts only while its listens are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.koito_sqlite import opened_file
from tests.helpers.koito_sqlite_actions import act, ask, delete_track, merge_albums, merge_artists, merge_tracks, purge
from tests.helpers.support import content, counts, load, scrobble, write_maloja
from tests.targets.conftest import HISTORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "SELECT e.lookup_key, e.track_id FROM etl_track_lookup e"


@pytest.fixture
def uri(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def load_history(uri: str, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that loads HISTORY."""
    export = write_maloja(tmp_path / "maloja_export.json", HISTORY)
    return lambda **settings: load(tmp_path / "home", uri, export, **settings)


@pytest.fixture
def loaded(load_history: Callable[..., dict[str, Any]], file: Path) -> Path:
    """Return a file that holds HISTORY."""
    assert load_history()["counts"]["inserted"] == len(HISTORY)
    return file


def track(file: Path, title: str, album: str = "Debut", artist: str = "Ann") -> int:
    rows = ask(
        file,
        "SELECT t.id FROM tracks_with_title t JOIN releases_with_title r ON r.id = t.release_id"
        " JOIN artist_tracks l ON l.track_id = t.id AND l.is_primary = 1 JOIN artists_with_name a ON a.id = l.artist_id"
        " WHERE t.title = ?1 AND r.title = ?2 AND a.name = ?3",
        title,
        album,
        artist,
    )
    assert len(rows) == 1
    return int(rows[0][0])


def one_id(file: Path, view: str, name: str) -> int:
    return int(
        ask(file, f"SELECT min(id) FROM {view} WHERE {'name' if 'artist' in view else 'title'} = ?1", name)[0][0]
    )


MERGES: dict[str, Callable[[Path], None]] = {
    "tracks of one album": lambda file: merge_tracks(file, track(file, "Second"), track(file, "First")),
    "tracks of two albums": lambda file: merge_tracks(file, track(file, "First", "Hits"), track(file, "First")),
    "tracks of two artists": lambda file: merge_tracks(file, track(file, "First", artist="Bo"), track(file, "First")),
    "albums": lambda file: merge_albums(
        file, one_id(file, "releases_with_title", "Hits"), one_id(file, "releases_with_title", "Debut")
    ),
    "a featured artist into the main one": lambda file: merge_artists(
        file, one_id(file, "artists_with_name", "Bo"), one_id(file, "artists_with_name", "Ann")
    ),
    "the main artist into a featured one": lambda file: merge_artists(
        file, one_id(file, "artists_with_name", "Ann"), one_id(file, "artists_with_name", "Bo")
    ),
}


@pytest.mark.parametrize("merge", MERGES.values(), ids=MERGES)
def test_a_forced_load_after_a_merge_brings_nothing_back(
    loaded: Path, uri: str, load_history: Callable[..., dict[str, Any]], merge: Callable[[Path], None]
) -> None:
    before = counts(uri)
    merge(loaded)
    merged = counts(uri)
    assert merged != before
    assert merged["listens"] == before["listens"]

    again = load_history(force=True)

    assert again["counts"]["inserted"] == 0
    assert again["counts"]["cache_hits"] == again["counts"]["keys"]
    assert again["created"] == {"artists": 0, "albums": 0, "tracks": 0}
    assert counts(uri) == merged


def test_a_merge_follows_a_merge(loaded: Path, uri: str, load_history: Callable[..., dict[str, Any]]) -> None:
    merge_tracks(loaded, track(loaded, "Second"), track(loaded, "First"))
    merge_tracks(loaded, track(loaded, "First"), track(loaded, "First", "Hits"))
    merged = counts(uri)

    assert load_history(force=True)["counts"]["inserted"] == 0
    assert counts(uri) == merged


def test_a_deleted_track_is_recreated_if_another_has_its_id(
    loaded: Path, uri: str, load_history: Callable[..., dict[str, Any]]
) -> None:
    before = content(uri)
    number = track(loaded, "Solo", "Shared", "Cy")
    assert ask(loaded, "SELECT max(id) FROM tracks") == [(number,)]
    delete_track(loaded, number)
    release = one_id(loaded, "releases_with_title", "Hits")
    act(
        loaded,
        f"INSERT INTO tracks (id, release_id) VALUES ({number}, {release})",
        f"INSERT INTO track_aliases VALUES ({number}, 'Other', 'Canonical', 1)",
        f"INSERT INTO artist_tracks SELECT id, {number}, 1 FROM artists_with_name WHERE name = 'Ann'",
        f"INSERT INTO listens VALUES ({number}, 5, 1, '')",
    )

    again = load_history(force=True)

    assert again["counts"]["inserted"] == 1
    assert again["counts"]["resolved"] == 1
    assert ask(loaded, "SELECT listened_at FROM listens WHERE track_id = ?1", number) == [(5,)]
    delete_track(loaded, number)
    assert content(uri) == before


def test_a_key_survives_a_renumbered_table_of_listens(
    loaded: Path, load_history: Callable[..., dict[str, Any]]
) -> None:
    act(
        loaded,
        "CREATE TEMP TABLE kept AS SELECT * FROM listens",
        "DELETE FROM listens",
        "INSERT INTO listens SELECT * FROM temp.kept ORDER BY listened_at DESC",
    )
    again = load_history(force=True)
    assert again["counts"]["cache_hits"] == again["counts"]["keys"]
    assert again["counts"]["inserted"] == 0


def test_after_a_purge_the_files_are_loaded_again(
    loaded: Path, uri: str, load_history: Callable[..., dict[str, Any]]
) -> None:
    before = content(uri)
    assert [one["status"] for one in load_history()["files"]] == ["known"]
    purge(loaded)

    again = load_history()

    assert [one["status"] for one in again["files"]] == ["loaded"]
    assert again["counts"]["inserted"] == len(HISTORY)
    assert again["counts"]["cache_hits"] == 0
    assert content(uri) == before


def test_a_file_stays_known_after_a_merge_or_a_deleted_track(
    loaded: Path, load_history: Callable[..., dict[str, Any]]
) -> None:
    merge_tracks(loaded, track(loaded, "Second"), track(loaded, "First"))
    delete_track(loaded, track(loaded, "Solo", "Shared", "Cy"))
    assert [one["status"] for one in load_history()["files"]] == ["known"]


def test_a_dry_run_sees_what_a_run_would(loaded: Path, uri: str, tmp_path: Path) -> None:
    merge_tracks(loaded, track(loaded, "Second"), track(loaded, "First"))
    delete_track(loaded, track(loaded, "Solo", "Shared", "Cy"))
    export = write_maloja(tmp_path / "more.json", [*HISTORY, scrobble(99, ["Di"], "New", "Newer")])
    before = content(uri)

    dry = load(tmp_path / "home", uri, export, dry_run=True, force=True)
    assert content(uri) == before
    real = load(tmp_path / "home", uri, export, force=True)

    assert dry["status"] == "dry_run"
    assert dry["counts"] == real["counts"]
    assert dry["created"] == real["created"]


# --- a file that SQLite has rewritten ---------------------------------------------------------------------------


def vacuumed(file: Path) -> None:
    with opened_file(file) as run:
        run("VACUUM")


def copied_and_put_back(file: Path) -> None:
    copy = file.with_name("copy.db")
    with opened_file(file) as run:
        run("VACUUM INTO ?1", str(copy))
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    copy.rename(file)


@pytest.mark.parametrize("rewritten", [vacuumed, copied_and_put_back])
@pytest.mark.parametrize("when", ["before the merge", "after the merge"])
def test_a_merge_is_followed_though_the_file_was_vacuumed(
    loaded: Path,
    uri: str,
    load_history: Callable[..., dict[str, Any]],
    rewritten: Callable[[Path], None],
    when: str,
) -> None:
    delete_track(loaded, track(loaded, "Alone", "Alone", "Bo"))  # leaves a gap in the numbers of the listens
    if when == "before the merge":
        rewritten(loaded)
    merge_tracks(loaded, track(loaded, "Second"), track(loaded, "First"))
    if when == "after the merge":
        rewritten(loaded)
    merged = counts(uri)

    again = load_history(force=True)

    assert (again["counts"]["inserted"], again["created"]["tracks"]) == (1, 1)  # what was deleted
    assert counts(uri) == merged | {name: merged[name] + 1 for name in ("tracks", "listens", "releases")}
