"""``etl verify`` of Koito's file: problems of the file, and what Koito's user has changed since a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import SQLITE
from etl.core.errors import ExitCode
from etl.verify import Result, named_checks
from tests.helpers.koito_sqlite import opened_file
from tests.helpers.koito_sqlite_actions import SWEEP, delete_track, merge_tracks, purge
from tests.helpers.support import load, query, scrobble, write_maloja
from tests.verify.conftest import HISTORY, STORED, Run, findings, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

DEBUT = "(SELECT release_id FROM release_aliases WHERE alias = 'Debut' ORDER BY 1 LIMIT 1)"
SOLO = "(SELECT track_id FROM track_aliases WHERE alias = 'Solo' ORDER BY 1 LIMIT 1)"
CY = "(SELECT id FROM artists_with_name WHERE name = 'Cy' ORDER BY 1 LIMIT 1)"
NEW_RELEASE = ["INSERT INTO releases (id) VALUES (900)", f"INSERT INTO artist_releases VALUES ({CY}, 900, 1)"]
NEW_TRACK = [
    "INSERT INTO tracks (id, release_id) VALUES (900, 900)",
    "INSERT INTO track_aliases VALUES (900, 'Solo', 'Canonical', 1)",
    f"INSERT INTO artist_tracks VALUES ({CY}, 900, 1)",
    "INSERT INTO listens VALUES (900, 1600000000, 1, '')",
]
# What is done to the file, and how many rows which checks find then.
DAMAGES: dict[str, tuple[Sequence[str], dict[str, int]]] = {
    "an artist without a name": (["DELETE FROM artist_aliases WHERE alias = 'Cy'"], {"nameless": 1}),
    "two primary names": ([f"INSERT INTO artist_aliases VALUES ({CY}, 'Cyd', 'Manual', 1)"], {"several_names": 1}),
    "a track without an artist": (
        [f"DELETE FROM artist_tracks WHERE track_id = {SOLO}"],
        {"tracks_without_artist": 1, "artists_without_tracks": 1},
    ),
    "an album without an artist": (
        ["INSERT INTO releases (id) VALUES (900)", "INSERT INTO release_aliases VALUES (900, 'New', 'Canonical', 1)"],
        {"albums_without_artist": 1, "albums_without_tracks": 1},
    ),
    "batches that do not add up": (["UPDATE etl_batches SET inserted = inserted + 1"], {"unbalanced_runs": 1}),
    "a time that is a text": (
        [f"UPDATE listens SET listened_at = '2020-01-01T01:02:03' WHERE track_id = {SOLO}"],
        {"wrong_types": 1, "unvouched_lookups": 1},
    ),
    "an invalid MBID": (["UPDATE artists SET musicbrainz_id = '' WHERE id = 1"], {"wrong_types": 1}),
    "a listen of nobody": (
        ["PRAGMA foreign_keys = OFF", f"UPDATE listens SET user_id = 77 WHERE track_id = {SOLO}"],
        {"broken_references": 1},
    ),
}
WARNINGS: dict[str, tuple[Sequence[str], dict[str, int]]] = {
    "a key whose listen is gone": (
        [f"UPDATE listens SET listened_at = listened_at + 1 WHERE track_id = {SOLO}"],
        {"unvouched_lookups": 1},
    ),
    "a key that refers to another track": (
        [
            """
            UPDATE etl_track_lookup SET (track_id, witness, listen) = (
                SELECT track_id, witness, listen FROM etl_track_lookup WHERE lookup_key LIKE 'ann%second%'
            ) WHERE lookup_key LIKE 'cy%solo%'
            """
        ],
        {"misled_lookups": 1},
    ),
    "two artists of one name": (
        ["INSERT INTO artists (id) VALUES (900)", "INSERT INTO artist_aliases VALUES (900, 'Cy', 'Canonical', 1)"],
        {"duplicate_artists": 1, "artists_without_tracks": 1},
    ),
    "two albums of one name": (
        [*NEW_RELEASE, *NEW_TRACK, "INSERT INTO release_aliases VALUES (900, 'Shared', 'Canonical', 1)"],
        {"duplicate_albums": 1},
    ),
    "two tracks of one name on an album": (
        [
            *NEW_RELEASE,
            *NEW_TRACK,
            f"UPDATE tracks SET release_id = (SELECT release_id FROM tracks WHERE id = {SOLO}) WHERE id = 900",
            "DELETE FROM releases WHERE id = 900",
        ],
        {"duplicate_tracks": 1},
    ),
    "a track without listens": (
        [f"DELETE FROM listens WHERE track_id = {SOLO}"],
        {"tracks_without_listens": 1, "unvouched_lookups": 1},
    ),
    "an album without tracks": (
        [f"UPDATE tracks SET release_id = {DEBUT} WHERE id = {SOLO}"],
        {"albums_without_tracks": 1},
    ),
    "an artist on an album without a track there": (
        [f"INSERT INTO artist_releases VALUES ({CY}, {DEBUT}, 0)"],
        {"credits_without_track": 1},
    ),
}
SOUND: dict[str, Sequence[str]] = {
    "nothing": [],
    "another album of the same name by another artist": [
        *NEW_RELEASE, *NEW_TRACK, "INSERT INTO release_aliases VALUES (900, 'Debut', 'Canonical', 1)",
    ],
    "a track that was renamed": ["UPDATE track_aliases SET alias = 'New' WHERE alias = 'Solo'"],
    "a listen that was merged": [
        *NEW_RELEASE, *NEW_TRACK, "INSERT INTO release_aliases VALUES (900, 'More', 'Canonical', 1)",
        f"UPDATE listens SET track_id = 900 WHERE track_id = {SOLO}", *SWEEP,
    ],
}  # fmt: skip


@pytest.fixture
def run(koito_file: str, tmp_path: Path) -> Run:
    """Return the run that loaded HISTORY into Koito's file."""
    export = write_maloja(tmp_path / "maloja_export.json", HISTORY)
    return Run(tmp_path / "home", koito_file, export, load(tmp_path / "home", koito_file, export))


def file_of(run: Run) -> Path:
    return Path(run.uri.removeprefix(SQLITE))


def do(run: Run, *statements: str) -> None:
    with opened_file(file_of(run)) as run_sql:
        for sql in statements:
            run_sql(sql)


def found(run: Run) -> dict[str, int]:
    return {check.name: check.rows.height for check in run.verify_database().checks if check.rows.height}


@pytest.mark.parametrize("name", [*DAMAGES, *WARNINGS])
def test_each_problem_is_found_and_nothing_else(run: Run, name: str) -> None:
    statements, expected = (DAMAGES | WARNINGS)[name]
    do(run, *statements)
    assert found(run) == expected


@pytest.mark.parametrize("name", SOUND)
def test_sound_data_gives_no_findings(run: Run, name: str) -> None:
    if SOUND[name]:
        do(run, *SOUND[name])
    assert found(run) == {}


def test_a_broken_index_is_found(run: Run) -> None:
    do(
        run,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX idx_listens_listened_at ON listens (user_id)'"
        " WHERE name = 'idx_listens_listened_at'",
    )
    assert "integrity" in found(run)
    assert run.verify_database().exit_code == ExitCode.UNBALANCED


def test_every_check_is_tried() -> None:
    severities = {check.name: check.severity for check in named_checks("sqlite")}
    tried = {name for _, expected in (DAMAGES | WARNINGS).values() for name in expected}
    assert set(severities) == {*tried, "integrity"}
    assert {name for name, found in severities.items() if found is Result.FAILED} == {
        *(next(iter(expected)) for _, expected in DAMAGES.values()),
        "integrity",
    }


# --- a run -----------------------------------------------------------------------------------------------------


def track(run: Run, title: str, album: str) -> int:
    """Return the id of Ann's track ``title`` on ``album``."""
    ((found,),) = query(
        run.uri,
        "SELECT t.id FROM tracks_with_title t JOIN releases_with_title r ON r.id = t.release_id"
        " JOIN artist_tracks l ON l.track_id = t.id AND l.is_primary JOIN artists_with_name a ON a.id = l.artist_id"
        f" WHERE t.title = '{title}' AND r.title = '{album}' AND a.name = 'Ann'",
    )
    return int(found)


def numbers(run: Run) -> tuple[int, int, int]:
    """Return how many listens verifying the run finds merged, removed and missing."""
    listens = run.verify().about["listens"]
    assert listens["then"] == STORED
    return listens["merged_since"], listens["removed_since"], listens["missing"]


def test_an_untouched_run_passes(run: Run) -> None:
    verdict = run.verify()
    assert findings(verdict) == {}
    assert verdict.about["listens"]["expected"] == verdict.about["listens"]["found"]
    known, forced = run.load_again(), run.load_again(force=True)
    assert [known["counts"]["inserted"], forced["counts"]["already_present"]] == [0, STORED]
    assert findings(run.verify()) == {}


def test_tracks_that_were_merged_are_no_error(run: Run) -> None:
    old, new = track(run, "First", "Hits"), track(run, "First", "Debut")
    merge_tracks(file_of(run), old, new)
    verdict = run.verify()
    assert (findings(verdict), numbers(run)) == ({"changes": Result.CHANGED_SINCE}, (2, 0, 0))
    assert [row["change"] for row in rows(verdict, "changes")] == ["another track"]


def test_a_track_that_was_deleted_is_no_error(run: Run) -> None:
    delete_track(file_of(run), track(run, "First", "Debut"))
    assert (findings(run.verify()), numbers(run)) == ({"changes": Result.CHANGED_SINCE}, (0, 2, 0))


def test_a_deleted_track_whose_id_was_reused_counts_as_deleted(run: Run, tmp_path: Path) -> None:
    ((last,),) = query(run.uri, "SELECT max(id) FROM tracks")
    ((gone,),) = query(run.uri, f"SELECT count(*) FROM listens WHERE track_id = {last}")
    delete_track(file_of(run), last)
    load(run.home, run.uri, write_maloja(tmp_path / "b.json", [scrobble(50, ["Di"], "Else", "Other")]))
    assert query(run.uri, f"SELECT title FROM tracks_with_title WHERE id = {last}") == [("Else",)]
    assert (findings(run.verify()), numbers(run)) == ({"changes": Result.CHANGED_SINCE}, (0, gone, 0))


def test_a_listen_missing_from_an_existing_track_is_an_error(run: Run) -> None:
    do(run, f"DELETE FROM listens WHERE rowid = (SELECT min(rowid) FROM listens WHERE track_id = {SOLO})")
    assert (findings(run.verify())["listens"], numbers(run)) == (Result.FAILED, (0, 0, 1))


def test_all_data_deleted_and_loaded_again(run: Run) -> None:
    purge(file_of(run))
    assert numbers(run) == (0, STORED, 0)
    run.load_again()
    assert findings(run.verify_database()) == {}


def test_verifying_writes_nothing(run: Run) -> None:
    with opened_file(file_of(run)) as look:
        before = look("PRAGMA data_version")
        run.verify()
        run.verify_database()
        assert look("PRAGMA data_version") == before
