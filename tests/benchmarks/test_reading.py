"""The history that reading is measured on has the bad rows that it is said to have, and both sides read all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.history import spotify
from benchmarks.readers import by_duckdb, ours
from benchmarks.reading import TENTH, pretty, write_history

if TYPE_CHECKING:
    from pathlib import Path

PLAYS, ROWS = 2_000, 40


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    files, for_duckdb = (tmp_path_factory.mktemp(name) for name in ("files", "duckdb"))
    return files, for_duckdb, write_history(files, for_duckdb, PLAYS, rows=ROWS)


def test_two_rows_of_every_tenth_file_are_bad_and_we_reject_just_these(folders: tuple[Path, Path, int]) -> None:
    files, _, bad = folders
    assert len(list(files.iterdir())) == PLAYS // ROWS
    assert bad == 2 * PLAYS // ROWS // TENTH
    found = ours(str(files))
    assert (found["records"], found["rejected"]) == (PLAYS, bad)


def test_duckdb_gets_through_its_copy_and_not_through_ours(folders: tuple[Path, Path, int]) -> None:
    files, for_duckdb, _ = folders
    assert by_duckdb(str(for_duckdb))["records"] == PLAYS
    with pytest.raises(Exception, match="Malformed JSON"):
        by_duckdb(str(files))


def test_most_files_are_one_file_under_two_names(folders: tuple[Path, Path, int]) -> None:
    files, for_duckdb, bad = folders
    shared = [path for path in files.iterdir() if path.samefile(for_duckdb / path.name)]
    assert len(shared) >= PLAYS // ROWS - bad


def test_a_record_is_written_as_spotify_does_and_takes_about_800_bytes() -> None:
    rows = list(spotify(500))
    assert json.loads(pretty(rows[0])) == rows[0]
    assert pretty(rows[0]) == json.dumps([rows[0]], ensure_ascii=False, indent=2)[2:-2]
    assert 750 < sum(len(pretty(row).encode()) for row in rows) / len(rows) < 850
