"""Run directories: files that are complete or missing, and runs found by what people type."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from etl.core.errors import InputError, InternalError, SettingsError
from etl.core.schema import LISTENS, RUN_FILES, SKIPPED, conform, empty
from etl.runs.accounting import NO_COUNTS
from etl.runs.directory import RunDirectory, create_run, find_run, list_runs, versions
from etl.runs.identity import RUN_JSON
from tests.helpers.frames import NOW, listens

if TYPE_CHECKING:
    from pathlib import Path

ROWS = pl.DataFrame([("a.json", 1, "podcast")], SKIPPED, orient="row")


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path / "runs", "maloja", NOW)


def files_of(run: RunDirectory) -> list[str]:
    return sorted(path.name for path in run.path.iterdir() if path.name != ".number")


def make_runs(runs: Path, *names: str) -> None:
    for name in names:
        (runs / name).mkdir(parents=True)


def test_a_new_run_has_a_folder_of_its_own_named_after_time_and_source(tmp_path: Path) -> None:
    made = [create_run(tmp_path / "some" / "runs", "auto", NOW) for _ in range(20)]
    assert len({run.run_id for run in made}) == 20
    for run in made:
        assert re.fullmatch(r"20240101T000000Z-auto-[0-9a-f]{6}", run.run_id)
        assert run.path.parent == tmp_path / "some" / "runs"
        assert not files_of(run)


def test_nobody_else_may_look_into_a_run(run: RunDirectory) -> None:
    assert run.path.stat().st_mode & 0o777 == 0o700
    assert run.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", RUN_FILES)
def test_an_empty_frame_comes_back_with_its_schema(run: RunDirectory, name: str) -> None:
    run.write_frame(name, empty(RUN_FILES[name]))
    assert_frame_equal(run.read_frame(name), empty(RUN_FILES[name]))
    assert files_of(run) == [f"{name}.parquet"]


def test_a_frame_comes_back_as_it_was(run: RunDirectory) -> None:
    frame = conform(listens({"artists": ["Ann", "Bo"], "artist_mbids": [None, "x"], "duration": 7}, {}), LISTENS)
    run.write_frame("listens", frame)
    assert_frame_equal(run.read_frame("listens"), frame)


def test_writing_again_replaces_the_file(run: RunDirectory) -> None:
    run.write_frame("skipped", ROWS)
    run.write_frame("skipped", ROWS.clear())
    assert run.read_frame("skipped").height == 0
    assert files_of(run) == ["skipped.parquet"]


def test_a_frame_of_another_schema_is_not_written(run: RunDirectory) -> None:
    with pytest.raises(InternalError, match="reason"):
        run.write_frame("skipped", ROWS.drop("reason"))
    with pytest.raises(InternalError, match="row: Int64"):
        run.write_frame("skipped", ROWS.with_columns(pl.col("row").cast(pl.Int64)))
    assert files_of(run) == []


def test_a_frame_of_another_schema_is_not_read(run: RunDirectory) -> None:
    ROWS.drop("reason").write_parquet(run.path / "skipped.parquet")
    with pytest.raises(InternalError, match="reason"):
        run.read_frame("skipped")


def test_a_write_that_breaks_off_leaves_the_old_file_as_it_was(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(frame: pl.DataFrame, path: Path, **options: Any) -> None:  # noqa: ANN401 (Polars' own)
        path.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    run.write_frame("skipped", ROWS)
    monkeypatch.setattr(pl.DataFrame, "write_parquet", write_half)
    for name, frame in (("skipped", ROWS.clear()), ("listens", empty(LISTENS))):
        with pytest.raises(SettingsError, match=rf"{name}\.parquet cannot be written: No space left on device"):
            run.write_frame(name, frame)
    assert files_of(run) == ["skipped.parquet"]
    assert_frame_equal(run.read_frame("skipped"), ROWS)


def test_a_file_that_cannot_take_its_name_leaves_no_part_either(run: RunDirectory) -> None:
    (run.path / "skipped.parquet").mkdir()
    with pytest.raises(SettingsError, match=r"skipped\.parquet cannot be written: Is a directory"):
        run.write_frame("skipped", ROWS)
    assert files_of(run) == ["skipped.parquet"]


def test_a_file_has_its_name_only_when_it_is_whole(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    write = pl.DataFrame.write_parquet

    def watched(frame: pl.DataFrame, path: Path, **options: Any) -> None:  # noqa: ANN401 (Polars' own)
        write(frame, path, **options)
        seen.append(files_of(run))

    monkeypatch.setattr(pl.DataFrame, "write_parquet", watched)
    run.write_frame("skipped", ROWS)
    assert seen == [[f".skipped.parquet.{os.getpid()}.partial"]]
    assert files_of(run) == ["skipped.parquet"]


def test_the_manifest_comes_back_and_is_readable_by_people(run: RunDirectory) -> None:
    manifest = {"run_id": run.run_id, "counts": NO_COUNTS, "files": [{"path": "Müsik/紅.json"}], "error": None}
    run.write_manifest(manifest)
    assert run.read_manifest() == manifest
    assert "Müsik/紅.json" in (run.path / RUN_JSON).read_text(encoding="utf-8")
    assert files_of(run) == [RUN_JSON]


def test_a_manifest_that_cannot_be_written_leaves_the_old_one(run: RunDirectory) -> None:
    run.write_manifest({"run_id": "old"})
    with pytest.raises(TypeError):
        run.write_manifest({"run_id": object()})
    assert run.read_manifest() == {"run_id": "old"}
    assert files_of(run) == [RUN_JSON]


@pytest.mark.parametrize("content", [None, b"", b'{"run_id": ', b"\xff\xfe", b"[]"])
def test_a_run_without_a_readable_manifest_did_not_finish(run: RunDirectory, content: bytes | None) -> None:
    if content is not None:
        (run.path / RUN_JSON).write_bytes(content)
    with pytest.raises(InputError, match=f"run {run.run_id} has no readable run.json"):
        run.read_manifest()


def test_runs_are_listed_the_newest_last(tmp_path: Path) -> None:
    make_runs(tmp_path, "20240102T000000Z-auto-aaaaaa", "20240101T000000Z-auto-bbbbbb")
    assert [run.run_id[-6:] for run in list_runs(tmp_path)] == ["bbbbbb", "aaaaaa"]
    assert list_runs(tmp_path / "nowhere") == []


def test_folders_that_only_look_like_runs_are_not_listed(tmp_path: Path) -> None:
    run = create_run(tmp_path, "auto", NOW)
    make_runs(tmp_path, "2019-thesis", "zz", "20300101T000000Z-auto-ABCDEF", "20300101T000000Z-auto-abcdef copy")
    for path, name in (("20300101T000000Z-auto-aaaaaa", "thesis.odt"), ("20300101T000000Z-auto-bbbbbb", "listens.csv")):
        make_runs(tmp_path, path)
        (tmp_path / path / name).write_text("x")
    (tmp_path / "20300101T000000Z-auto-cccccc").symlink_to(run.path)
    (tmp_path / "20300101T000000Z-auto-dddddd").write_text("x")
    (tmp_path / "notes.txt").write_text("x")
    assert list_runs(tmp_path) == [run]
    assert find_run(tmp_path, "latest") == run


@pytest.mark.parametrize("name", ["run.json", "listens.parquet", ".inserted", ".run.json.1.partial"])
def test_a_run_of_an_older_version_is_known_by_its_files(tmp_path: Path, name: str) -> None:
    make_runs(tmp_path, "20240101T000000Z-auto-aaaaaa")
    (tmp_path / "20240101T000000Z-auto-aaaaaa" / name).write_text("x")
    assert [run.run_id for run in list_runs(tmp_path)] == ["20240101T000000Z-auto-aaaaaa"]


def test_the_newest_run_is_the_one_made_last_whatever_the_clock_says(tmp_path: Path) -> None:
    make_runs(tmp_path, "20500101T000000Z-auto-aaaaaa", "20240101T000000Z-auto-bbbbbb")  # without numbers
    made = [create_run(tmp_path, "auto", NOW.replace(year=year)) for year in (2038, 2018, 2024)]
    for second, run in enumerate(reversed(made)):
        os.utime(run.path, (second, second))
    assert list_runs(tmp_path)[2:] == made
    assert [run.run_id[-6:] for run in list_runs(tmp_path)[:2]] == ["bbbbbb", "aaaaaa"]
    assert find_run(tmp_path, None) == made[-1]


def test_a_run_whose_number_is_damaged_is_still_listed(tmp_path: Path) -> None:
    runs = [create_run(tmp_path, "auto", NOW) for _ in range(2)]
    (runs[1].path / ".number").write_bytes(b"\xff")
    assert list_runs(tmp_path) == [runs[1], runs[0]]
    assert list_runs(tmp_path)[0] != create_run(tmp_path, "auto", NOW)


def test_the_run_written_to_last_is_the_newest_within_a_second(tmp_path: Path) -> None:
    names = ["20240101T000000Z-maloja-aaaaaa", "20240101T000000Z-auto-cccccc", "20240101T000000Z-auto-bbbbbb"]
    make_runs(tmp_path, *names)
    for second, name in enumerate(names):
        os.utime(tmp_path / name, (second, second))
    assert [run.run_id for run in list_runs(tmp_path)] == names
    assert find_run(tmp_path, None).run_id == names[-1]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, "20240102T000000Z-maloja-abcdef"),
        ("latest", "20240102T000000Z-maloja-abcdef"),
        ("20240101T000000Z-auto-123456", "20240101T000000Z-auto-123456"),
        ("20240101T", "20240101T000000Z-auto-123456"),
        ("abcdef", "20240102T000000Z-maloja-abcdef"),
        ("f", "20240102T000000Z-maloja-abcdef"),
    ],
)
def test_a_run_is_found_by_its_id_or_how_it_begins_or_ends(tmp_path: Path, wanted: str | None, found: str) -> None:
    make_runs(tmp_path, "20240101T000000Z-auto-123456", "20240102T000000Z-maloja-abcdef")
    assert find_run(tmp_path, wanted).run_id == found


def test_an_ambiguous_id_is_refused_with_the_runs_that_fit(tmp_path: Path) -> None:
    first, second, other = (f"{year}T000000Z-auto-aaaaaa" for year in (20240101, 20240102, 20230101))
    make_runs(tmp_path, first, second, other)
    with pytest.raises(InputError, match='several runs fit "2024"') as caught:
        find_run(tmp_path, "2024")
    assert f"{second}, {first};" in caught.value.hint
    assert other not in caught.value.hint


def test_an_unknown_id_is_refused_with_the_newest_runs(tmp_path: Path) -> None:
    names = [f"2024010{day}T000000Z-auto-aaaaaa" for day in (4, 3, 2, 1)]
    make_runs(tmp_path, *names)
    with pytest.raises(InputError, match='no run fits "x"') as caught:
        find_run(tmp_path, "x")
    assert f"{', '.join(names[:3])} and 1 more;" in caught.value.hint


@pytest.mark.parametrize("wanted", [None, "latest", "x"])
def test_where_there_are_no_runs_the_hint_says_how_to_make_one(tmp_path: Path, wanted: str | None) -> None:
    with pytest.raises(InputError, match="there are no runs") as caught:
        find_run(tmp_path, wanted)
    assert "etl run" in caught.value.hint


def test_versions_name_the_program_and_what_decides_its_results() -> None:
    libraries = {"adbc-driver-postgresql", "adbc-driver-sqlite", "duckdb", "polars", "pyarrow"}
    assert set(versions()) == {"etl", "python", *libraries}
    assert all(re.match(r"\d+\.\d+", version) for version in versions().values())
    assert json.dumps(versions())


def test_latest_is_no_undo(tmp_path: Path) -> None:
    names = ("20240101T000000Z-auto-aaaaaa", "20240102T000000Z-undo-bbbbbb")
    make_runs(tmp_path, *names)
    for wanted in ("latest", None):
        assert find_run(tmp_path, wanted).run_id == names[0]
    assert find_run(tmp_path, names[1]).is_undo


def test_latest_can_leave_out_dry_runs(tmp_path: Path) -> None:
    make_runs(tmp_path, "20240101T000000Z-auto-aaaaaa", "20240102T000000Z-auto-bbbbbb")
    dry = RunDirectory(tmp_path / "20240102T000000Z-auto-bbbbbb")
    dry.write_manifest({"settings": {"dry_run": True}})
    assert find_run(tmp_path, "latest") == dry
    assert find_run(tmp_path, "latest", undoable=True).run_id == "20240101T000000Z-auto-aaaaaa"


def test_latest_is_missing_where_only_undos_are_left(tmp_path: Path) -> None:
    make_runs(tmp_path, "20240102T000000Z-undo-bbbbbb")
    with pytest.raises(InputError, match="only undos and dry runs are left"):
        find_run(tmp_path, "latest")


def test_an_empty_name_fits_no_run(tmp_path: Path) -> None:
    make_runs(tmp_path, "20240101T000000Z-auto-aaaaaa")
    with pytest.raises(InputError, match="no run fits"):
        find_run(tmp_path, "")
