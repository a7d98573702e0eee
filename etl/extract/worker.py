"""Reads files in other processes, because Python decodes on one core only, however many threads it has.

A reader process gets one file at a time through a pipe. It ends when the pipe does, even if this process is killed.
Rows come back as Arrow. If a process does not start or dies, its files are read in this process.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import signal
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager, suppress
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from etl.core.schema import EXTRACTED, LOCATIONS, FileStatus, conform, empty
from etl.extract.archive import CHANGED
from etl.extract.reader import Decoded, Opened, Unread
from etl.formats import Companions, by_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from etl.extract.archive import InputFile
    from etl.extract.reader import FileReader

WORTH_IT = 1 << 28  # bytes to read; below that, starting a process takes longer than it saves
MOST = 3
PIPE_BYTES = 1 << 20  # Linux allows every user this much; the default is 64 KiB, and the rows of a file take 3 MB

# -P: nothing is imported from the working directory, which may contain anything.
_SERVE = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from etl.extract.worker import serve; serve()"
)
_GONE = (OSError, EOFError, pickle.UnpicklingError, ValueError)  # ValueError: the pipe was closed


class ReaderProcess:
    """A process that reads files as ``here`` does. Only one thread at a time may use it."""

    def __init__(self, here: FileReader) -> None:
        self._here = here
        self.process = subprocess.Popen(  # noqa: S603 (a constant, and no shell)
            (sys.executable, "-P", "-c", _SERVE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "POLARS_MAX_THREADS": "1"},
        )
        _widen(self.process.stdout)
        self.is_there = self._tell(sys.path) and self._tell(here)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def open(self, file: InputFile) -> Opened | Unread:
        """See ``FileReader``; the bytes stay in the process."""
        answer = self._ask(file)
        if answer is None:
            return self._here.open(file)
        if isinstance(answer, Unread):
            return answer
        name, sha256, totals, digest = answer
        return Opened(file, by_name(name), sha256, b"", totals, Companions(digest=digest))

    def decode(self, opened: Opened) -> Decoded | Unread:
        """See ``FileReader``; decodes the file that was opened last."""
        answer = self._ask(None) if not opened.data else None
        if answer is None:
            return self._decode_here(opened)
        if isinstance(answer, Unread):
            return answer
        size, rows, locations = answer
        unpacked = _unpacked(rows, EXTRACTED), _unpacked(locations, LOCATIONS)
        return Decoded(
            opened.file, opened.kind, opened.sha256, size, *unpacked, opened.totals, opened.companions.digest
        )

    def close(self) -> None:
        """End the process. Requests that it has not answered, and later ones, are handled in this process."""
        self.is_there = False
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # data that was not sent is no longer needed
                if pipe is not None:
                    pipe.close()

    def _decode_here(self, opened: Opened) -> Decoded | Unread:
        again = opened if opened.data else self._here.open(opened.file)
        if isinstance(again, Opened) and _version(again) != _version(opened):
            return Unread(FileStatus.REFUSED, f"{opened.file.path} {CHANGED}")
        return self._here.decode(again) if isinstance(again, Opened) else again

    def _tell(self, message: object) -> bool:
        pipe = self.process.stdin
        try:
            if pipe is not None:
                pickle.dump(message, pipe)
                pipe.flush()
        except _GONE:
            return False
        return pipe is not None

    def _ask(self, message: object) -> Any:  # noqa: ANN401 (what ``serve`` answers)
        """Return the answer; ``None`` if the process has ended."""
        pipe = self.process.stdout
        try:
            if self.is_there and pipe is not None and self._tell(message):
                return pickle.load(pipe)  # noqa: S301 (written by this program)
        except _GONE:
            pass
        self.is_there = False
        return None


@contextmanager
def reader_processes(here: FileReader, files: Sequence[InputFile]) -> Iterator[list[ReaderProcess]]:
    """Yield the reader processes for ``files``, if any are worth starting; they end with the context."""
    is_worth_it = sum(file.size for file in files) >= WORTH_IT
    number = min(available_cores() - 1, len(files) // 4, MOST) if is_worth_it else 0
    readers: list[ReaderProcess] = []
    with ExitStack() as ends:
        with suppress(OSError):  # the system allows no more processes
            for _ in range(number):
                readers.append(ends.enter_context(closing(ReaderProcess(here))))
        yield readers


def _version(opened: Opened) -> tuple[str, str]:
    """Return the hashes of a file and its companions, which change when these do."""
    return opened.sha256, opened.companions.digest


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _widen(pipe: IO[bytes] | None) -> None:
    """Enlarge the buffer of ``pipe`` if the system allows it, so that its two ends wait less for each other."""
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # the user's limit is reached
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _for_parent(opened: Opened) -> tuple[object, ...]:
    """Return what the parent process gets about a file; the bytes stay here."""
    return opened.kind.name, opened.sha256, opened.totals, opened.companions.digest


def serve() -> None:
    """Run as a reader process: answer requests from the pipe until it ends."""
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to every process; the parent decides
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # as in the parent
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    reader: FileReader = pickle.load(requests)  # noqa: S301 (written by this program)
    opened: Opened | Unread | None = None
    while True:
        try:
            file = pickle.load(requests)  # noqa: S301
        except EOFError:
            return
        if file is not None:
            opened = reader.open(file)
            answer: object = _for_parent(opened) if isinstance(opened, Opened) else opened
        elif isinstance(opened, Opened):
            decoded = reader.decode(opened)
            opened = None
            answer = (
                (decoded.size, _packed(decoded.rows), _packed(decoded.locations))
                if isinstance(decoded, Decoded)
                else decoded
            )
        pickle.dump(answer, answers)
        answers.flush()


def _packed(frame: pl.DataFrame) -> bytes:
    """Return ``frame`` as Arrow, without columns that are all null, as most are."""
    stream = BytesIO()
    frame.select([column.name for column in frame if column.null_count() < frame.height]).write_ipc_stream(stream)
    return stream.getvalue()


def _unpacked(data: bytes, schema: pl.Schema) -> pl.DataFrame:
    import pyarrow as pa  # noqa: PLC0415 (a reader process does not need it)

    frame = pl.DataFrame(pa.ipc.open_stream(data).read_all())  # ten times as fast as Polars' own reader
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return conform(frame.with_columns(absent), schema) if frame.width else empty(schema)
