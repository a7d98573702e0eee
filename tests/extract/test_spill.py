"""Spilled listens come back whole, by time range, and leave nothing behind."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from etl.core.errors import SettingsError
from etl.core.schema import NORMALIZED, empty
from etl.extract.row_store import InMemory, RowStore, spilled
from etl.extract.spill import SpillFolder
from tests.helpers.frames import at, listens

if TYPE_CHECKING:
    from pathlib import Path

    from etl.extract.row_store import Chunk

ROWS = st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=4)


def rows_at(part: int, seconds: list[int]) -> pl.DataFrame:
    rows = [{"listened_at": at(second), "row": row} for row, second in enumerate(seconds)]
    return listens(*rows, file=f"{part}.json")


@pytest.fixture
def folder(tmp_path: Path) -> SpillFolder:
    return SpillFolder(tmp_path / "runs")


@given(parts=ROWS, size=st.integers(1, 20))
def test_each_listen_is_in_one_chunk_and_chunks_are_in_time_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], size: int
) -> None:
    folder = SpillFolder(tmp_path_factory.mktemp("runs"))
    frames = [rows_at(number, seconds) for number, seconds in enumerate(parts)]
    for frame in frames:
        folder.add(frame)

    found = [chunk.read() for chunk in folder.chunks(size)]

    assert_frame_equal(pl.concat(found).sort("file", "row"), pl.concat(frames).sort("file", "row"))
    for earlier, later in pairwise(found):
        assert earlier["listened_at"].max() < later["listened_at"].min()  # type: ignore[operator]
    for times in (one["listened_at"] for one in found):
        assert (times.rank("min") > 1).sum() < size  # in addition to those of its first second
    folder.close()


def test_a_chunk_has_the_number_of_listens_that_was_asked_for(folder: SpillFolder) -> None:
    folder.add(rows_at(0, list(range(0, 100, 2))))
    folder.add(rows_at(1, list(range(1, 100, 2))))

    assert [chunk.read().height for chunk in folder.chunks(30)] == [30, 30, 30, 10]
    folder.close()


def test_only_the_columns_that_are_asked_for_are_read(folder: SpillFolder) -> None:
    folder.add(rows_at(0, [1, 2]))
    in_memory = InMemory(rows_at(0, [1, 2]))

    chunks: list[Chunk] = [*folder.chunks(10), in_memory]
    for chunk in chunks:
        assert chunk.read(["row", "lookup_key"]).columns == ["row", "lookup_key"]
        assert chunk.read().schema == NORMALIZED
    folder.close()


def test_without_any_listens_there_is_one_empty_chunk(folder: SpillFolder) -> None:
    folder.add(empty(NORMALIZED))

    assert [chunk.read().height for chunk in folder.chunks(10)] == [0]
    folder.close()


def test_the_folder_exists_from_the_first_listens_until_it_is_closed(folder: SpillFolder) -> None:
    assert not folder.parent.exists()
    folder.add(rows_at(0, [1]))
    assert [path.name[:7] for path in folder.parent.iterdir()] == [".spill-"]
    folder.close()
    assert list(folder.parent.iterdir()) == []


def test_the_folder_of_a_killed_run_is_removed_that_of_another_run_stays(folder: SpillFolder) -> None:
    folder.add(rows_at(0, [1]))
    left_behind = folder.parent / ".spill-killed"
    left_behind.mkdir()
    (left_behind / "0.parquet").touch()

    another = SpillFolder(folder.parent)
    another.add(rows_at(0, [1]))

    assert not left_behind.exists()
    assert folder.chunks(1)[0].read().height == 1
    folder.close()
    another.close()


def test_an_unwritable_path_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="file"):
        SpillFolder(tmp_path / "file" / "runs").add(rows_at(0, [1]))


def test_a_part_that_is_missing_is_reported(folder: SpillFolder) -> None:
    folder.add(rows_at(0, [1]))
    (chunk,) = folder.chunks(10)
    folder.parts[0].unlink()

    with pytest.raises(SettingsError, match="cannot be read any more"):
        chunk.read()
    folder.close()


def test_a_store_in_memory_is_one_chunk() -> None:
    store = RowStore(rows_at(0, [2, 1]))
    (chunk,) = store.chunks(1)

    assert (store.height, store.spilled) == (2, None)
    assert chunk.read() is store.read() is store.listens


def test_a_spilled_store_is_read_by_file_and_row(folder: SpillFolder) -> None:
    frames = [rows_at(1, [5, 3, 4]), rows_at(0, [4, 1])]
    for frame in frames:
        folder.add(frame)
    store = spilled(folder)

    assert store.height == 5
    assert len(store.chunks(2)) == 3
    assert_frame_equal(store.read(), pl.concat(frames).sort("file", "row"))
    folder.close()
