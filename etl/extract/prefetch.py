"""Reads files side by side: the first ones before anybody asks for them, and never more than the memory allows."""

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

    IsKnown: TypeAlias = Callable[[str, str, Format], bool]

BYTES_AT_ONCE = 1 << 26  # files are read side by side up to so many bytes; a larger one is read alone
THREADS = 3  # where they read alone: one has Python's lock and decodes, the others read, hash, or wait for Polars


class Prefetcher:
    """Reads ``files``, of which it opens the first at once.

    In the threads of this process one file is decoded at a time, while others are read and hashed; where there is
    much to read, other processes take a part of it.
    """

    def __init__(self, here: FileReader, files: Sequence[InputFile]) -> None:
        self._waiting = deque(files)
        self._tasks: dict[Future[Opened | Decoded | Unread], tuple[FileReader | ReaderProcess, InputFile]] = {}
        self._threads = ThreadPoolExecutor(THREADS + MOST, "etl-extract")
        with ExitStack() as ends:
            beside = ends.enter_context(reader_processes(here, files))
            ends.callback(self._threads.shutdown, wait=False, cancel_futures=True)
            self._idle: list[FileReader | ReaderProcess] = [here, *beside] if beside else [here] * THREADS
            self._open_more()
            self._ends = ends.pop_all()

    def results(self, is_known: IsKnown) -> Iterator[tuple[InputFile, Decoded | Unread]]:
        """Yield each file and what became of it, in the order in which they are done.

        ``is_known`` is called with path, SHA-256 and format; a known file is not decoded.
        """
        try:
            while self._tasks:
                for task in wait(self._tasks, LISTEN_EVERY, FIRST_COMPLETED).done:
                    reader, file = self._tasks.pop(task)
                    read = task.result()
                    if isinstance(read, Opened) and not is_known(file.path, read.sha256, read.kind):
                        self._tasks[self._threads.submit(reader.decode, read)] = reader, file
                    else:
                        self._idle.append(reader)
                        yield file, _known(read) if isinstance(read, Opened) else read
                    del task, read  # and with them the bytes
                self._open_more()
        finally:
            self.close()

    def close(self) -> None:
        """End the threads and processes; what they have begun is given up, and not waited for: a disk may be slow."""
        self._ends.close()

    def _open_more(self) -> None:
        while self._waiting and self._idle:
            taken = sum(file.size for _, file in self._tasks.values())
            if self._tasks and taken + self._waiting[0].size > BYTES_AT_ONCE:
                return
            reader, file = self._idle.pop(), self._waiting.popleft()
            self._tasks[self._threads.submit(reader.open, file)] = reader, file


def _known(file: Opened) -> Unread:
    return Unread(FileStatus.KNOWN, "loaded before", file.sha256, file.kind)
