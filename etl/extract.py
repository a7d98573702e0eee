"""From discovered files to rows: recognises each file, reads it, normalises its rows; for ``run`` and ``check``."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from etl.doubles import nothing_settled
from etl.errors import BrokenFileError, InputError
from etl.normalize.listens import Extracted, Normalized, normalize, normalize_together
from etl.progress import Count, Progress, Silence
from etl.schema import NORMALIZED, PASSED_OVER, PLACES, REJECTS, SKIPPED, FileStatus, SkipReason, conform, empty
from etl.settings import AUTO
from etl.sources import Format, Refusal, recognise
from etl.sources.base import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from etl.discover import Found, InputFile
    from etl.doubles import Settled
    from etl.normalize.listens import Rules
    from etl.sources import ReadOptions

    IsKnown: TypeAlias = Callable[[str, str, Format], bool]

OF_ANOTHER_SOURCE = "not a file of"
BYTES_TOGETHER = 1 << 30  # what files of so many bytes hold is normalised before more are read: it bounds the memory
BYTES_AT_ONCE = 1 << 26  # files are read side by side up to so many bytes; a larger one is read alone
THREADS = 3  # one has Python's lock and decodes; the others read, hash, or wait for Polars


@dataclass(frozen=True)
class FileResult:
    """What became of one file, and its rows."""

    path: str
    status: FileStatus
    reason: str = ""
    sha256: str | None = None
    format: Format | None = None
    listens: pl.DataFrame = field(default_factory=lambda: empty(NORMALIZED))
    skipped: pl.DataFrame = field(default_factory=lambda: empty(SKIPPED))
    rejects: pl.DataFrame = field(default_factory=lambda: empty(REJECTS))
    passed_over: pl.DataFrame = field(default_factory=lambda: empty(PASSED_OVER))
    """Plays that the file itself calls no listens, for an export of the service that cannot tell."""
    cleaned: int = 0
    """Listens with a text that cleaning changed."""

    @property
    def records(self) -> int:
        """How many records were read."""
        return self.listens.height + self.skipped.height + self.rejects.height


@dataclass(frozen=True)
class Rows:
    """The rows of all files together."""

    files: list[FileResult]
    listens: pl.DataFrame
    """Schema NORMALIZED: to be loaded."""
    skipped: pl.DataFrame
    rejects: pl.DataFrame
    settled: Settled
    """Listens that are recorded already, or probably are."""

    @property
    def caveats(self) -> list[str]:
        """What people should know of the formats of their listens, each once."""
        kinds = [file.format for file in self.files if file.format and file.listens.height]
        return list(dict.fromkeys(f"{kind.title} {kind.caveat}" for kind in kinds if kind.caveat))

    @property
    def records(self) -> int:
        """How many records the readers returned."""
        return sum(file.records for file in self.files)


@dataclass(frozen=True)
class Extractor:
    """Reads files under the same settings."""

    source: str
    """Only files of this source are read; ``auto`` reads all."""
    options: ReadOptions
    rules: Rules
    is_known: IsKnown
    """Called with path, SHA-256 and format; a known file is not read."""
    progress: Progress = field(default_factory=Silence)

    def extract(self, found: Found) -> list[FileResult]:
        """Return what became of every file found, in the order of their paths.

        Rows are normalised together, because names repeat between files.
        """
        results = [FileResult(file.path, FileStatus.REFUSED, file.reason) for file in found.refused]
        results += [FileResult(file.path, FileStatus.LEFT_ASIDE, file.reason) for file in found.left_aside]
        self.progress.expect(Count.FILES, len(found.files))
        decoded: list[Decoded] = []
        size = 0
        for read in self._read(found.files):
            self.progress.advance(Count.FILES, 1)
            if isinstance(read, FileResult):
                results.append(read)
                continue
            self.progress.advance(Count.ROWS, read.rows.height)
            decoded.append(read)
            size += read.size
            if size >= BYTES_TOGETHER:
                results += self.normalize(decoded)
                decoded, size = [], 0
        results += self.normalize(decoded)
        return sorted(results, key=lambda result: result.path)

    def _read(self, files: Sequence[InputFile]) -> Iterator[Decoded | FileResult]:
        """Read files side by side and yield what became of each.

        Decoding holds Python's lock; reading, hashing and what Polars does go on meanwhile in other threads.
        """
        waiting = deque(files)
        opening: deque[tuple[int, Future[_Opened | FileResult]]] = deque()
        decoding: deque[tuple[int, Future[Decoded | FileResult]]] = deque()
        workers = ThreadPoolExecutor(THREADS, "etl-extract")
        try:
            while waiting or opening or decoding:
                taken = [*opening, *decoding]
                room = BYTES_AT_ONCE - sum(size for size, _ in taken)
                if waiting and len(taken) < 2 * THREADS and (not taken or waiting[0].size <= room):
                    file = waiting.popleft()
                    opening.append((file.size, workers.submit(self._open, file)))
                elif opening:
                    size, coming = opening.popleft()
                    opened = coming.result()
                    if isinstance(opened, FileResult):
                        yield opened
                    elif self.is_known(opened.file.path, opened.sha256, opened.kind):
                        file, kind, _, sha256 = opened
                        yield FileResult(file.path, FileStatus.KNOWN, "loaded before", sha256, kind)
                    else:
                        decoding.append((size, workers.submit(self._decode, opened)))
                    del coming, opened  # and with them the bytes
                else:
                    yield decoding.popleft()[1].result()
        finally:
            workers.shutdown(cancel_futures=True)

    def _open(self, file: InputFile) -> _Opened | FileResult:
        """Recognise a file, read it and hash it."""
        try:
            kind = recognise(file.peek())
            if kind is None:
                return FileResult(file.path, FileStatus.LEFT_ASIDE, "not an export that this program knows")
            if self.source not in (AUTO, kind.source):
                return FileResult(file.path, FileStatus.LEFT_ASIDE, f"{kind.title}: {OF_ANOTHER_SOURCE} {self.source}")
            if isinstance(kind, Refusal):
                status = FileStatus.LEFT_ASIDE if kind.harmless else FileStatus.REFUSED
                return FileResult(file.path, status, f"{kind.title}. {kind.advice}")
            data = file.read()
        except BrokenFileError as error:
            return FileResult(file.path, FileStatus.REFUSED, str(error))
        return _Opened(file, kind, data, hashlib.sha256(data).hexdigest())

    def _decode(self, opened: _Opened) -> Decoded | FileResult:
        file, kind, data, sha256 = opened
        try:
            scan = kind.scan(data, self.options) if kind.scan else Scan(kind.read(data, self.options), empty(PLACES))
            places = _all_places(data, kind, scan.rows.filter(pl.col("reject").is_not_null()), scan.places)
        except BrokenFileError as error:
            return FileResult(file.path, FileStatus.REFUSED, str(error))
        return Decoded(file, kind, sha256, len(data), scan.rows, places)

    def normalize(self, decoded: Sequence[Decoded]) -> list[FileResult]:
        """Normalise the rows of files, and look up where those stand that prove to be broken."""
        extracted = [Extracted(file.rows, file.file.path, file.kind.source, file.kind.earliest) for file in decoded]
        parts = zip(decoded, normalize_together(extracted, self.rules), strict=True)
        return [_result(file, normalized) for file, normalized in parts]


class _Opened(NamedTuple):
    """A file of a format that is to be read, and its bytes."""

    file: InputFile
    kind: Format
    data: bytes
    sha256: str


class Decoded(NamedTuple):
    """The rows of a file."""

    file: InputFile
    kind: Format
    sha256: str
    size: int
    """In bytes."""
    rows: pl.DataFrame
    """Schema EXTRACTED."""
    places: pl.DataFrame
    """Of the broken rows (schema PLACES)."""


def _result(file: Decoded, rows: Normalized) -> FileResult:
    try:
        rejects = _with_places(rows.rejected, file)
    except BrokenFileError as error:
        return FileResult(file.file.path, FileStatus.REFUSED, str(error))
    return FileResult(
        file.file.path,
        FileStatus.LOADED,
        sha256=file.sha256,
        format=file.kind,
        listens=rows.listens,
        skipped=rows.skipped,
        rejects=rejects,
        passed_over=_passed_over(file.rows),
        cleaned=rows.cleaned,
    )


def _with_places(rejected: pl.DataFrame, file: Decoded) -> pl.DataFrame:
    """Return the rejected rows with their places (schema REJECTS). Of rows found out late, only its bytes tell them."""
    places = file.places
    if not rejected.get_column("row").is_in(places.get_column("row").implode()).all():
        data = file.file.read()
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise BrokenFileError(f"{file.file.path} was changed while it was read", "Run the same command again")
        places = _all_places(data, file.kind, rejected, places)
    return conform(rejected.join(places, on="row", how="left", maintain_order="left"), REJECTS)


def _all_places(data: bytes, kind: Format, rejected: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return ``places`` and those of the ``rejected`` rows that it lacks."""
    others = rejected.join(places, on="row", how="anti", maintain_order="left")
    return pl.concat([places, _places(data, kind, others.get_column("row").to_list())])


def read_rows(
    path: str,
    data: bytes,
    sha256: str,
    kind: Format,
    options: ReadOptions,
    rules: Rules,
    wanted: pl.Series | None = None,
) -> FileResult:
    """Read the bytes of a file, or only its rows with the numbers ``wanted``. Raises ``BrokenFileError``."""
    extracted = kind.read(data, options)
    passed_over = _passed_over(extracted)
    if wanted is not None:
        extracted = extracted.filter(pl.col("row").is_in(wanted.implode()))
    rows = normalize(extracted, path, kind.source, kind.earliest, rules)
    places = _places(data, kind, rows.rejected.get_column("row").to_list())
    return FileResult(
        path,
        FileStatus.LOADED,
        sha256=sha256,
        format=kind,
        listens=rows.listens,
        skipped=rows.skipped,
        rejects=conform(rows.rejected.join(places, on="row", how="left", maintain_order="left"), REJECTS),
        passed_over=passed_over,
        cleaned=rows.cleaned,
    )


def gather(files: list[FileResult], source: str, *, may_be_none: bool = False) -> Rows:
    """Put the rows of all files together; raises ``InputError`` where no file was recognised.

    That there are no files at all is the usual state of an inbox, and no error where they ``may_be_none``.
    """
    if all(file.status is FileStatus.LEFT_ASIDE for file in files) and (files or not may_be_none):
        listed = "; ".join(f"{file.path}: {file.reason}" for file in files[:3]) or "the folder is empty"
        raise InputError(
            f"nothing to load for source {source} ({listed})",
            "`etl sources` lists the formats and how to get them; --source auto reads files of every source",
        )
    return together(files)


def together(files: list[FileResult]) -> Rows:
    """Put the rows of all files together."""
    listens = pl.concat([empty(NORMALIZED), *(file.listens for file in files)])
    return Rows(
        files,
        listens,
        pl.concat([empty(SKIPPED), *(file.skipped for file in files)]),
        pl.concat([empty(REJECTS), *(file.rejects for file in files)]),
        nothing_settled(listens),
    )


def _passed_over(extracted: pl.DataFrame) -> pl.DataFrame:
    """Return the plays that were not played to the end (schema PASSED_OVER)."""
    is_one = pl.col("skip") == str(SkipReason.NOT_PLAYED_TO_END)
    return conform(extracted.filter(is_one & pl.col("ended_at").is_not_null()).select(*PASSED_OVER), PASSED_OVER)


def _places(data: bytes, kind: Format, rows: Sequence[int]) -> pl.DataFrame:
    """Return where the records with the numbers ``rows`` stand, and their mapped fields (schema PLACES)."""
    return kind.layout.locate(data, rows) if rows else empty(PLACES)
