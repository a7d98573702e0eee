"""A reader process returns what this process would, and nothing is lost if it dies."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from etl.core.schema import EXTRACTED, FileStatus
from etl.extract import prefetch, worker
from etl.extract.discover import discover
from etl.extract.reader import Decoded, FileReader, Opened, Unread
from etl.extract.worker import ReaderProcess, reader_processes
from etl.formats import ReadOptions
from tests.extract.test_extractor import FILE, extractor, play, same, written
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from etl.extract.archive import InputFile

HERE = FileReader("auto", ReadOptions(spotify_plays="trackdone"))


@pytest.fixture(scope="module")
def process() -> Iterator[ReaderProcess]:
    with closing(ReaderProcess(HERE)) as reader:
        yield reader


@pytest.fixture
def dying() -> Iterator[ReaderProcess]:
    with closing(ReaderProcess(HERE)) as reader:
        yield reader


def read(reader: FileReader | ReaderProcess, file: InputFile) -> Decoded | Unread:
    opened = reader.open(file)
    return reader.decode(opened) if isinstance(opened, Opened) else opened


def agree(theirs: Decoded | Unread, ours: Decoded | Unread) -> bool:
    if isinstance(theirs, Unread) or isinstance(ours, Unread):
        return theirs == ours
    frames = theirs.rows.equals(ours.rows) and theirs.locations.equals(ours.locations)
    return frames and theirs.rows.schema == EXTRACTED and theirs[:4] == ours[:4]


def one_file(folder: Path, content: Any) -> InputFile:  # noqa: ANN401 (any JSON value)
    return written(folder, [content]).files[0]


@examples(15)
@given(content=FILE)
def test_it_reads_what_is_read_here(
    tmp_path_factory: pytest.TempPathFactory,
    process: ReaderProcess,
    content: Any,  # noqa: ANN401 (any JSON value)
) -> None:
    file = one_file(tmp_path_factory.mktemp("file"), content)
    assert agree(read(process, file), read(HERE, file))
    assert process.is_there


def test_a_file_that_cannot_be_read_is_answered_with_the_reason(tmp_path: Path, process: ReaderProcess) -> None:
    gone = one_file(tmp_path, [play()])
    (tmp_path / "001.json").write_text('[{"ts": "2020-01-01T10:00:00Z", "ms_played": 1, "x', encoding="utf-8")
    cut = discover([tmp_path]).files[1]
    answer = read(process, cut)
    assert isinstance(answer, Unread)
    assert "the file ends at byte" in answer.reason
    gone.location.unlink()
    missing = process.open(gone)
    assert isinstance(missing, Unread)
    assert "cannot be read" in missing.reason
    assert process.is_there


def test_files_of_a_dead_reader_process_are_read_here(tmp_path: Path, dying: ReaderProcess) -> None:
    file = one_file(tmp_path, [play(), play(ms_played="long")])
    opened = dying.open(file)
    assert isinstance(opened, Opened)
    assert not opened.data
    os.kill(dying.pid, signal.SIGKILL)
    assert agree(dying.decode(opened), read(HERE, file))
    assert not dying.is_there
    assert agree(read(dying, file), read(HERE, file))


def test_a_file_that_changes_before_it_is_read_again_is_refused(tmp_path: Path, dying: ReaderProcess) -> None:
    file = one_file(tmp_path, [play()])
    opened = dying.open(file)
    assert isinstance(opened, Opened)
    dying.close()
    file.location.write_text(json.dumps([play(), play()]), encoding="utf-8")
    answer = dying.decode(opened)
    assert isinstance(answer, Unread)
    assert answer.status is FileStatus.REFUSED
    assert "was changed while it was read" in answer.reason


def test_a_signal_of_the_terminal_does_not_end_it(tmp_path: Path, dying: ReaderProcess) -> None:
    file = one_file(tmp_path, [play()])
    dying.open(file)  # by now it has begun to serve
    os.kill(dying.pid, signal.SIGINT)
    assert agree(read(dying, file), read(HERE, file))
    assert dying.is_there


def test_a_reader_process_ends_with_its_parent(dying: ReaderProcess, tmp_path: Path) -> None:
    dying.open(one_file(tmp_path, [play()]))
    assert dying.process.stdin is not None
    dying.process.stdin.close()
    assert dying.process.wait(timeout=60) == 0


@pytest.mark.parametrize(("cores", "files", "size", "number"), [(1, 9, 0, 0), (2, 9, 0, 1), (8, 9, 0, 2), (8, 9, 9, 0)])
def test_processes_are_started_for_many_bytes_in_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, files: int, size: int, number: int
) -> None:
    started: list[FileReader] = []

    class Counted(ReaderProcess):
        def __init__(self, here: FileReader) -> None:
            started.append(here)

        def close(self) -> None:
            started.pop()

    found = written(tmp_path, [[play()]] * files)
    total = sum(file.location.stat().st_size for file in found.files)
    monkeypatch.setattr(worker, "WORTH_IT", total + size)
    monkeypatch.setattr(worker, "available_cores", lambda: cores)
    monkeypatch.setattr(worker, "ReaderProcess", Counted)
    with reader_processes(HERE, found.files) as readers:
        assert len(readers) == len(started) == number
    assert not started


def test_where_no_process_can_be_started_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WORTH_IT", 1)
    monkeypatch.setattr(worker, "available_cores", lambda: 2)
    monkeypatch.setattr("sys.executable", str(tmp_path / "nothing"))
    with reader_processes(HERE, written(tmp_path, [[play()]] * 4).files) as readers:
        assert readers == []


def test_reader_processes_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[play(ts=f"2020-01-{day:02}T10:00:00Z"), play(ms_played="long"), play(ts="soon")] for day in range(1, 12)]
    found = written(tmp_path, [*rows, "no export", [{"ts": 1}]])
    alone = extractor(is_known=lambda path, *_: path.endswith("003.json")).extract(found)
    monkeypatch.setattr(worker, "WORTH_IT", 1)
    monkeypatch.setattr(worker, "available_cores", lambda: 2)
    monkeypatch.setattr(prefetch, "BYTES_AT_ONCE", 400)
    together = extractor(is_known=lambda path, *_: path.endswith("003.json")).extract(found)
    assert [result.path for result in together] == [file.path for file in found.files]
    assert all(same(ours, theirs) for ours, theirs in zip(together, alone, strict=True))
