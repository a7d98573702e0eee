"""Files are opened before they are asked for, as many as fit; closing leaves nothing behind."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from etl.core.schema import FileStatus
from etl.extract import prefetch, worker
from etl.extract.prefetch import Prefetcher
from etl.extract.reader import Decoded, FileReader, Unread
from etl.formats import ReadOptions
from tests.extract.test_extractor import play, watched, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from etl.extract.archive import InputFile
    from etl.extract.reader import Opened
    from etl.formats import Format

HERE = FileReader("auto", ReadOptions())


def never(*_: object) -> bool:
    return False


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("etl-extract")]


def is_soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize(("at_once", "number"), [(1, 1), (1 << 26, prefetch.THREADS)])
def test_the_first_files_are_opened_before_anybody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, number: int
) -> None:
    monkeypatch.setattr(prefetch, "BYTES_AT_ONCE", at_once)
    reads: list[str] = []
    files = [watched(tmp_path, f"{place}.json", reads, [play()]) for place in range(9)]
    with closing(Prefetcher(HERE, files)) as reading:
        assert is_soon(lambda: len(reads) >= number)
        time.sleep(0.05)  # in which another one would be opened
        assert len(reads) == number
        assert len([read for _, read in reading.results(never) if isinstance(read, Decoded)]) == 9
    assert sorted(reads) == [file.path for file in files]


def test_close_before_the_first_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WORTH_IT", 1)
    monkeypatch.setattr(worker, "available_cores", lambda: 2)
    started: list[worker.ReaderProcess] = []

    class Noted(worker.ReaderProcess):
        def __init__(self, here: FileReader) -> None:
            super().__init__(here)
            started.append(self)

    monkeypatch.setattr(worker, "ReaderProcess", Noted)
    assert is_soon(lambda: not threads())  # those of other tests
    reading = Prefetcher(HERE, written(tmp_path, [[play()]] * 9).files)
    assert threads()
    reading.close()
    assert is_soon(lambda: not threads())
    assert [reader.process.poll() is not None for reader in started] == [True]


def test_who_gives_up_does_not_wait_for_a_slow_disk(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(FileReader, frozen=True):
        def open(self, file: InputFile) -> Opened | Unread:
            begun.set()
            go_on.wait(60)
            return super().open(file)

    assert is_soon(lambda: not threads())  # those of other tests
    reading = Prefetcher(Slow("auto", ReadOptions()), written(tmp_path, [[play()]]).files)
    assert begun.wait(60)
    reading.close()
    assert threads()  # still reading: nobody has waited
    go_on.set()
    assert is_soon(lambda: not threads())


def test_stopping_in_the_middle_leaves_no_thread(tmp_path: Path) -> None:
    assert is_soon(lambda: not threads())  # those of other tests
    for _ in Prefetcher(HERE, written(tmp_path, [[play()]] * 9).files).results(never):
        break
    assert is_soon(lambda: not threads())


def test_known_file_is_not_decoded(tmp_path: Path) -> None:
    asked: list[tuple[str, str, str]] = []

    def is_known(path: str, sha256: str, kind: Format, companions: str) -> bool:
        asked.append((path, sha256, kind.name + companions))
        return True

    (file,) = written(tmp_path, [[play()]]).files
    ((found, read),) = Prefetcher(HERE, [file]).results(is_known)
    assert isinstance(read, Unread)
    assert (read.status, read.kind and read.kind.name) == (FileStatus.KNOWN, "spotify-extended")
    assert asked == [(found.path, read.sha256, "spotify-extended")]
