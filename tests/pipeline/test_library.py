"""A dedupe removes the poorer listen of each likely double, whoever wrote it, and can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.errors import ExitCode
from etl.core.schema import REMOVED
from etl.core.settings import RunSettings
from etl.core.workspace import Workspace
from etl.pipeline.library import dedupe
from etl.pipeline.restore import removed_listens
from etl.runs.directory import RunDirectory
from etl.verify import verify_database, verify_run
from tests.helpers.plays import NOON, extended, lastfm, listenbrainz
from tests.helpers.support import content, execute, load, query
from tests.helpers.undos import undo

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTS = list(range(0, 4000, 400))


def exports(folder: Path) -> list[Path]:
    """Write ten plays as Spotify, Last.fm and ListenBrainz have them."""
    return [
        extended(folder / "e.json", *((start + 200, "Tide - Remastered 2011", 200) for start in STARTS)),
        lastfm(folder / "l.json", *((start + 3, "Tide", "Shore") for start in STARTS)),
        listenbrainz(folder / "b.jsonl", *((start + 1, "TIDE", None) for start in STARTS[::2])),
    ]


def load_each(home: Path, uri: str) -> list[dict[str, Any]]:
    """Load the exports one after the other, likely doubles too."""
    return [load(home, uri, path, doubles="keep") for path in exports(home)]


def run_dedupe(home: Path, uri: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 (of each option's own type)
    return dedupe(Workspace(home, uri), RunSettings(), dry_run=False, **options)


def check_verified(home: Path, uri: str, manifests: Sequence[dict[str, Any]]) -> None:
    workspace = Workspace(home, uri)
    assert [check.as_json() for check in verify_database(workspace).checks if check.rows.height] == []
    for manifest in manifests:
        verdict = verify_run(RunDirectory(Path(manifest["run_dir"])), workspace)
        assert verdict.exit_code == ExitCode.OK, verdict.as_json()


def test_a_library_of_three_services_keeps_each_play_once(tmp_path: Path, any_database: str) -> None:
    runs = load_each(tmp_path, any_database)
    assert query(any_database, "SELECT count(*) FROM listens") == [(25,)]
    manifest = run_dedupe(tmp_path, any_database)

    assert (manifest["status"], manifest["counts"]["removed"], manifest["looked_at"]) == ("complete", 15, 25)
    assert {(one["removed"], one["kept"], one["listens"]) for one in manifest["doubles"]} == {
        ("spotify", "lastfm", 5),
        ("spotify", "Player", 5),
        ("lastfm", "Player", 5),
    }
    left = query(any_database, "SELECT client, count(*) FROM listens GROUP BY client ORDER BY client")
    assert left == [("Player", 5), ("lastfm", 5)]
    assert manifest["removed"]["tracks"] == 1
    check_verified(tmp_path, any_database, [*runs, manifest])
    assert run_dedupe(tmp_path, any_database)["counts"]["removed"] == 0


def test_a_dry_run_removes_nothing_and_counts_the_same(tmp_path: Path, any_database: str) -> None:
    load_each(tmp_path, any_database)
    before = content(any_database)
    expected = dedupe(Workspace(tmp_path, any_database), RunSettings())
    assert (expected["status"], content(any_database)) == ("dry_run", before)
    done = run_dedupe(tmp_path, any_database)
    same = ("counts", "removed", "kept", "doubles", "looked_at")
    assert {name: expected[name] for name in same} == {name: done[name] for name in same}


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 4, 100])
def test_an_undone_dedupe_leaves_the_library_as_it_was(tmp_path: Path, any_database: str, batch: int) -> None:
    runs = load_each(tmp_path, any_database)
    before = content(any_database)
    manifest = run_dedupe(tmp_path, any_database, batch=batch)
    undone = undo(tmp_path, any_database, manifest)

    assert (undone["status"], undone["counts"]["inserted"], undone["undone_run"]) == (
        "complete",
        15,
        manifest["run_id"],
    )
    assert content(any_database) == before
    assert RunDirectory(Path(manifest["run_dir"])).read_manifest()["undone_by"] == undone["run_id"]
    assert undo(tmp_path, any_database, manifest)["undone_before"]
    check_verified(tmp_path, any_database, [*runs, manifest, undone])


def test_a_load_is_taken_back_after_a_dedupe_and_its_undo(tmp_path: Path, any_database: str) -> None:
    spotify, scrobbles, _ = load_each(tmp_path, any_database)
    undo(tmp_path, any_database, run_dedupe(tmp_path, any_database))
    assert undo(tmp_path, any_database, spotify)["counts"]["removed"] == 10
    assert undo(tmp_path, any_database, scrobbles)["counts"]["removed"] == 10
    left = query(any_database, "SELECT client, count(*) FROM listens GROUP BY client")
    assert left == [("Player", 5)]


def test_listens_of_a_batch_with_an_unknown_commit_are_restored(tmp_path: Path, any_database: str) -> None:
    load_each(tmp_path, any_database)
    run = RunDirectory(Path(run_dedupe(tmp_path, any_database)["run_dir"]))
    outcomes = pl.read_parquet(run.path / "removed.parquet").with_columns(outcome=pl.lit("not_reached"))
    run.write_frame("removed", outcomes, REMOVED)
    assert removed_listens(run, 15).height == 15
    assert removed_listens(run, 4).get_column("row").to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["1", "2"])
def test_a_user_whose_name_is_a_number_gets_the_listens_back(tmp_path: Path, any_database: str, name: str) -> None:
    load_each(tmp_path, any_database)
    manifest = run_dedupe(tmp_path, any_database)
    execute(any_database, f"INSERT INTO users (username, password, role) VALUES ('{name}', 'x', 'user')")
    assert undo(tmp_path, any_database, manifest)["counts"]["inserted"] == 15


def test_files_loaded_again_after_a_dedupe_insert_nothing(tmp_path: Path, any_database: str) -> None:
    load_each(tmp_path, any_database)
    run_dedupe(tmp_path, any_database)
    again = load(tmp_path, any_database, *exports(tmp_path))
    assert ({file["status"] for file in again["files"]}, again["counts"]["inserted"]) == ({"loaded"}, 0)
    assert {file["status"] for file in load(tmp_path, any_database, *exports(tmp_path))["files"]} == {"known"}


def test_a_play_whose_other_record_is_undone_is_loaded_again(tmp_path: Path, any_database: str) -> None:
    spotify, scrobbles, _ = exports(tmp_path)
    load(tmp_path, any_database, spotify, doubles="keep")
    scrobbled = load(tmp_path, any_database, scrobbles, doubles="keep")
    run_dedupe(tmp_path, any_database)
    undo(tmp_path, any_database, scrobbled)
    assert query(any_database, "SELECT count(*) FROM listens") == [(0,)]
    assert load(tmp_path, any_database, spotify)["counts"]["inserted"] == 10


def test_each_double_names_the_listen_that_stays_and_why(tmp_path: Path, any_database: str) -> None:
    _, scrobbles, listens = exports(tmp_path)
    load(tmp_path, any_database, scrobbles, doubles="keep")
    load(tmp_path, any_database, listens, doubles="keep")
    directory = Path(run_dedupe(tmp_path, any_database)["run_dir"])
    pairs = pl.read_parquet(directory / "likely_doubles.parquet")
    first = pairs.row(0, named=True)
    assert (pairs.height, first["file"], first["row"]) == (5, "database", 1)
    assert first["double_of"].startswith("database!")
    assert first["double_of"].endswith(f":{NOON + 1}")
    assert "2 s apart" in first["evidence"]


def test_listens_of_koito_itself_and_of_other_users_stay(tmp_path: Path, any_database: str) -> None:
    load_each(tmp_path, any_database)
    execute(any_database, "UPDATE listens SET client = 'Navidrome' WHERE client = 'lastfm'")
    execute(
        any_database,
        "INSERT INTO users (username, password, role) VALUES ('other', 'x', 'user');"
        "UPDATE listens SET user_id = (SELECT id FROM users WHERE username = 'other') WHERE client = 'spotify';",
    )
    settings = RunSettings(user="admin")
    manifest = dedupe(Workspace(tmp_path, any_database), settings, dry_run=False)
    assert manifest["counts"]["removed"] == 5
    left = query(any_database, "SELECT client, count(*) FROM listens GROUP BY client ORDER BY client")
    assert sorted(left) == [("Navidrome", 10), ("spotify", 10)] or sorted(left) == [
        ("Navidrome", 5),
        ("Player", 5),
        ("spotify", 10),
    ]
