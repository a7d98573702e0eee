"""Reads several files at the same time: begins before the first is asked for, and keeps within a limit of memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING

from etl.core.schema import FileStatus
from etl.core.signals import LISTEN_EVERY
from etl.extract.reader import Decoded, FileReader, Opened, Unread
from etl.extract.worker import MOST, reader_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from etl.extract.archive import InputFile
    from etl.extract.worker import ReaderProcess
    from etl.formats import Format

    IsKnown: TypeAlias = Callable[[str, str, Format, str], bool]

BYTES_AT_ONCE = 1 << 26  # files are read at the same time up to this many bytes; a larger one is read alone
THREADS = 3  # without reader processes: one holds Python's lock and decodes, the others read, hash or wait for Polars


class Prefetcher:
    """Reads ``files``, and begins at once.

    The threads of this process decode one file at a time, and read and hash others meanwhile. If there is much to
    read, reader processes take a share.
    """

    def __init__(self, here: FileReader, files: Sequence[InputFile]) -> None:
        self._waiting = deque(files)
        self._tasks: dict[Future[Opened | Decoded | Unread], tuple[FileReader | ReaderProcess, InputFile]] = {}
        self._threads = ThreadPoolExecutor(THREADS + MOST, "etl-extract")
        with ExitStack() as ends:
            processes = ends.enter_context(reader_processes(here, files))
            ends.callback(self._threads.shutdown, wait=False, cancel_futures=True)
            self._idle: list[FileReader | ReaderProcess] = [here, *processes] if processes else [here] * THREADS
            self._open_more()
            self._ends = ends.pop_all()

    def results(self, is_known: IsKnown) -> Iterator[tuple[InputFile, Decoded | Unread]]:
        """Yield each file with its result, in the order in which they are finished.

        ``is_known`` is called with path, SHA-256, format and digest of the companions; a known file is not decoded.
        """
        try:
            while self._tasks:
                for task in wait(self._tasks, LISTEN_EVERY, FIRST_COMPLETED).done:
                    reader, file = self._tasks.pop(task)
                    read = task.result()
                    if isinstance(read, Opened) and not is_known(
                        file.path, read.sha256, read.kind, read.companions.digest
                    ):
                        self._tasks[self._threads.submit(reader.decode, read)] = reader, file
                    else:
                        self._idle.append(reader)
                        yield file, _known(read) if isinstance(read, Opened) else read
                    del task, read  # which hold the bytes
                self._open_more()
        finally:
            self.close()

    def close(self) -> None:
        """End the threads and processes. Files that they have begun are dropped without waiting: a disk may be slow."""
        self._ends.close()

    def _open_more(self) -> None:
        while self._waiting and self._idle:
            taken = sum(file.size for _, file in self._tasks.values())
            if self._tasks and taken + self._waiting[0].size > BYTES_AT_ONCE:
                return
            reader, file = self._idle.pop(), self._waiting.popleft()
            self._tasks[self._threads.submit(reader.open, file)] = reader, file


def _known(file: Opened) -> Unread:
    return Unread(FileStatus.KNOWN, "loaded before", file.sha256, file.kind, file.kind.title, file.totals)
