"""A history that is too large for the memory is spilled to disk, and gives the result that it gives in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from polars.testing import assert_frame_equal

from etl.core.errors import ExitCode
from etl.core.schema import RUN_FILES
from etl.extract import spill
from etl.load import snapshot
from etl.load.loader import Sizes
from etl.runs.directory import RunDirectory
from etl.targets.base import Failure, StatementError
from tests.helpers.disturbances import inserted, refuse_listen
from tests.helpers.koito_actions import merge_tracks, track_id
from tests.helpers.support import content, load, play, scrobble, write_maloja, write_spotify
from tests.helpers.worlds import wipe

if TYPE_CHECKING:
    import polars as pl

pytestmark = pytest.mark.slow

BY_DISK = Sizes(batch=25, round=7, together=1, chunk=8)


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def chunks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of chunks each time that listens are spilled."""
    seen: list[int] = []
    plain = spill.SpillFolder.chunks

    def watched(self: spill.SpillFolder, rows: int) -> list[spill.OnDisk]:
        found = plain(self, rows)
        seen.append(len(found))
        return found

    monkeypatch.setattr(spill.SpillFolder, "chunks", watched)
    return seen


def frames(manifest: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return the Parquet files of a run, by file and row; ids differ from run to run."""
    run = RunDirectory(Path(manifest["run_dir"]))
    found = {name: run.read_frame(name).drop("artist_id", "album_id", "track_id", strict=False) for name in RUN_FILES}
    return {name: frame.sort(frame.columns[:2]) for name, frame in found.items()}


def test_a_spilled_run_leaves_what_a_run_in_memory_leaves(
    home: Path, database: str, scrobbles: list[dict[str, Any]], tmp_path: Path, chunks: list[int]
) -> None:
    exports = [write_maloja(tmp_path / f"{part}.json", [*scrobbles[part::3], scrobbles[0]]) for part in range(3)]
    write_maloja(exports[2], [*scrobbles[2::3], scrobble(500, ["ARTIST 1"], "Track 1", "Album 1", 200), {"time": "x"}])
    in_memory = load(home, database, *exports)
    expected = content(database)
    assert chunks == []

    wipe(database)
    by_disk = load(home, database, *exports, sizes=BY_DISK)

    assert max(chunks) > 3
    assert content(database) == expected
    for name in ("counts", "created", "skipped_by_reason", "rejected_by_reason", "likely_doubles", "exit_code"):
        assert by_disk[name] == in_memory[name]
    assert [file["counts"] for file in by_disk["files"]] == [file["counts"] for file in in_memory["files"]]
    for name, frame in frames(by_disk).items():
        assert_frame_equal(frame, frames(in_memory)[name])
    assert [path for path in (home / "runs").iterdir() if path.name.startswith(".")] == []


def test_a_forced_spilled_run_inserts_nothing(home: Path, database: str, export: Path, chunks: list[int]) -> None:
    load(home, database, export)
    again = load(home, database, export, force=True, sizes=BY_DISK)

    assert chunks
    assert (again["counts"]["already_present"], again["counts"]["cache_hits"]) == (36, again["counts"]["keys"])


def test_listens_of_two_services_are_compared_in_memory(
    home: Path, database: str, tmp_path: Path, chunks: list[int]
) -> None:
    spotify = write_spotify(
        tmp_path / "Streaming_History_Audio_2020_0.json", [play(10, "Artist 1", "Track 1", "Album 1")]
    )
    maloja = write_maloja(tmp_path / "maloja.json", [scrobble(10, ["Artist 1"], "Track 1", "Album 1")])
    files = [spotify, maloja]
    expected = load(home, database, *files, dry_run=True)["counts"]

    found = load(home, database, *files, sizes=BY_DISK)

    assert chunks[-1] == 1
    assert found["counts"] == expected


def test_chunks_that_a_failed_run_did_not_reach_are_loaded_by_the_next(
    home: Path, database: str, export: Path, undisturbed: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = snapshot.look_up, 0

    def failing(*args: Any, **kwargs: Any) -> snapshot.LookupResult:  # noqa: ANN401 (those of look_up)
        nonlocal calls
        calls += 1
        if calls == 3:
            raise StatementError("the connection is gone", Failure.LOST)
        return plain(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "look_up", failing)
        first = load(home, database, export, sizes=BY_DISK)

    assert (first["status"], first["imbalances"]) == ("failed", [])
    assert first["counts"]["inserted"] == inserted(database) == 16
    assert first["counts"]["not_reached"] == 20

    second = load(home, database, export, sizes=BY_DISK)
    assert (second["exit_code"], second["counts"]["inserted"]) == (0, 20)
    assert content(database) == undisturbed


def test_a_merge_in_koito_between_two_chunks_balances(
    home: Path, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays = [scrobble(10 * second, ["Ann"], title, "Hits") for second, title in enumerate(["One", "Two"] * 8)]
    export = write_maloja(tmp_path / "maloja.json", plays)
    plain, calls = snapshot.look_up, 0

    def merging(*args: Any, **kwargs: Any) -> snapshot.LookupResult:  # noqa: ANN401 (those of look_up)
        nonlocal calls
        calls += 1
        if calls == 2:
            merge_tracks(database, track_id(database, "One", "Hits", "Ann"), track_id(database, "Two", "Hits", "Ann"))
        return plain(*args, **kwargs)

    monkeypatch.setattr(snapshot, "look_up", merging)
    found = load(home, database, export, sizes=Sizes(together=1, chunk=8))

    assert calls == 2
    assert (found["exit_code"], found["imbalances"]) == (0, [])
    assert (found["counts"]["inserted"], found["counts"]["resolved"]) == (16, 2)
    keys = RunDirectory(Path(found["run_dir"])).read_frame("keys")
    assert keys["track_id"].to_list() == [track_id(database, "Two", "Hits", "Ann")] * 2
    outcome = RunDirectory(Path(found["run_dir"])).read_frame("outcome").sort("row")
    assert outcome["track_id"].n_unique() == 2
    assert outcome["track_id"].tail(8).n_unique() == 1
    assert inserted(database) == 16


def test_a_dry_run_looks_at_everything_at_once(home: Path, database: str, export: Path, chunks: list[int]) -> None:
    rehearsed = load(home, database, export, dry_run=True, sizes=BY_DISK)
    assert chunks == []

    real = load(home, database, export, sizes=BY_DISK)
    assert (rehearsed["counts"], rehearsed["created"]) == (real["counts"], real["created"])


@pytest.mark.parametrize(("second", "loaded"), [(1, 12), (9, 12), (18, 16)], ids=["first", "middle", "last"])
def test_a_key_that_fails_in_one_chunk_alone_makes_the_run_a_partial_one(
    home: Path, database: str, tmp_path: Path, second: int, loaded: int
) -> None:
    rows = [scrobble(one, ["Artist"], "Track", "Album", 200) for one in range(20)]
    export = write_maloja(tmp_path / "export.json", rows)
    refuse_listen(database, rows[second]["time"])

    by_disk = load(home, database, export, sizes=BY_DISK)

    assert (by_disk["counts"]["inserted"], by_disk["counts"]["unresolved"]) == (loaded, 20 - loaded)
    assert by_disk["exit_code"] == ExitCode.REJECTS
    assert by_disk["status"] == "partial"


def test_files_without_a_listen_to_load_are_spilled_too(home: Path, database: str, tmp_path: Path) -> None:
    scrobbled = write_maloja(tmp_path / "export.json", [scrobble(1, ["Artist"], "Track", "Album", 200)])
    played = write_spotify(tmp_path / "Streaming_History_Audio_2020_0.json", [play(2, "Artist", "Track")])
    since = datetime(2030, 1, 1, tzinfo=UTC)

    found = load(home, database, scrobbled, played, sizes=BY_DISK, since=since)

    assert (found["exit_code"], found["counts"]["skipped"]) == (0, 2)
