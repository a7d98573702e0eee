"""Reads several files at the same time, starting before the first one is asked for, within a limit of memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from etl.core.schema import FileStatus
from etl.core.signals import SIGNAL_POLL
from etl.extract.reader import Decoded, FileReader, Opened, Unread
from etl.extract.worker import MOST, reader_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from etl.extract.archive import InputFile
    from etl.extract.worker import ReaderProcess
    from etl.formats import Format

    _Task: TypeAlias = tuple[FileReader | ReaderProcess, Sequence[InputFile]]
    IsKnown: TypeAlias = Callable[[str, str, Format, str], bool]

BYTES_AT_ONCE = 1 << 26  # files are read at the same time up to this many bytes; a larger one is read alone
TINY = 1 << 12  # bytes; files up to this size are handed over together
TOGETHER = 64
THREADS = 3  # without reader processes: one holds Python's lock and decodes, the others read, hash or wait for Polars

Item = TypeVar("Item")


class Prefetcher:
    """Reads ``files``, and starts at once.

    The threads of this process decode one file at a time; others are read and hashed at the same time. If there is much
    to read, reader processes take a share.
    """

    def __init__(self, here: FileReader, files: Sequence[InputFile]) -> None:
        self._waiting = deque(files)
        self._tasks: dict[Future[list[Opened | Decoded | Unread]], _Task] = {}
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
                for task in wait(self._tasks, SIGNAL_POLL, FIRST_COMPLETED).done:
                    reader, files = self._tasks.pop(task)
                    finished: list[tuple[InputFile, Decoded | Unread]] = []
                    undecoded: list[Opened] = []
                    for file, read in zip(files, task.result(), strict=True):
                        if not isinstance(read, Opened):
                            finished.append((file, read))
                        elif is_known(file.path, read.sha256, read.kind, read.companions.digest):
                            finished.append((file, _known(read)))
                        else:
                            undecoded.append(read)
                    if undecoded:
                        self._submit(reader, [read.file for read in undecoded], reader.decode, undecoded)
                    else:
                        self._idle.append(reader)
                    del task, read, undecoded  # they hold the bytes
                    yield from finished
                self._open_more()
        finally:
            self.close()

    def close(self) -> None:
        """End the threads and processes. Files that are being read are dropped without waiting: a disk may be slow."""
        self._ends.close()

    def _open_more(self) -> None:
        while self._waiting and self._idle:
            taken = sum(file.size for _, files in self._tasks.values() for file in files)
            if self._tasks and taken + self._waiting[0].size > BYTES_AT_ONCE:
                return
            reader = self._idle.pop()
            files = self._next_files() if isinstance(reader, FileReader) else [self._waiting.popleft()]
            self._submit(reader, files, reader.open, files)

    def _next_files(self) -> list[InputFile]:
        """Return the next file; if many wait, several tiny ones: handing one over takes longer than reading it."""
        most = min(TOGETHER, len(self._waiting) // TOGETHER)
        files = [self._waiting.popleft()]
        while len(files) < most and self._waiting[0].size <= TINY >= files[-1].size:
            files.append(self._waiting.popleft())
        return files

    def _submit(
        self,
        reader: FileReader | ReaderProcess,
        files: Sequence[InputFile],
        step: Callable[[Item], Opened | Decoded | Unread],
        given: Sequence[Item],
    ) -> None:
        """Make a thread do a ``step`` of the ``reader`` with each of ``given``, which belong to ``files``."""
        self._tasks[self._threads.submit(lambda: [step(one) for one in given])] = reader, files


def _known(file: Opened) -> Unread:
    return Unread(FileStatus.KNOWN, "loaded before", file.sha256, file.kind, file.kind.title, file.totals)
