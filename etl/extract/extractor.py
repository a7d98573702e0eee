"""Turns discovered files into rows: recognises each file, reads it and normalises its rows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import polars as pl
from msgspec.structs import replace

from etl.core.errors import BrokenFileError
from etl.core.progress import Count, NullProgress, Progress
from etl.core.reasons import SkipReason
from etl.core.schema import NOT_COUNTED, REJECTS, FileStatus, conform
from etl.extract.archive import CHANGED
from etl.extract.caveats import count_local_times
from etl.extract.memory import per_byte
from etl.extract.prefetch import Prefetcher
from etl.extract.reader import FileReader, Unread, all_locations, locate
from etl.extract.rows import NO_LISTENS, NO_NOT_COUNTED, NO_REJECTS, FileResult, stacked
from etl.formats import ReadOptions
from etl.normalize.listens import Extracted, Normalized, Rules, normalize, normalize_together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from etl.core.settings import RunSettings
    from etl.extract.archive import InputFile
    from etl.extract.discover import Discovered
    from etl.extract.prefetch import IsKnown
    from etl.extract.reader import Decoded
    from etl.extract.spill import SpillFolder
    from etl.formats import Format


class Extractor(msgspec.Struct, frozen=True):
    """Reads files under the same settings."""

    source: str
    """Only files of this source are read; ``auto`` reads all."""
    options: ReadOptions
    rules: Rules
    is_known: IsKnown
    """Called with path, SHA-256, format and digest of the companions; a known file is not read."""
    progress: Progress = msgspec.field(default_factory=NullProgress)
    together: int = 1 << 30
    """Bytes of files whose rows are normalised together before more files are read; this limits the memory."""
    spill: SpillFolder | None = None
    """Where the listens of larger histories are spilled."""

    def extract(self, found: Discovered, begun: Prefetcher | None = None) -> list[FileResult]:
        """Return what became of every file found, in the order of their paths; ``begun`` may have read some already.

        Rows are normalised together, because names repeat between files.
        """
        results = [FileResult(file.path, FileStatus.REFUSED, file.reason) for file in found.refused]
        results += [FileResult(file.path, FileStatus.LEFT_ASIDE, file.reason) for file in found.left_aside]
        self.progress.expect(Count.FILES, len(found.files))
        decoded: list[Decoded] = []
        size = 0
        prefetcher = begun or Prefetcher(FileReader(self.source, self.options), found.files)
        for file, read in prefetcher.results(self.is_known):
            self.progress.advance(Count.FILES, 1)
            if isinstance(read, Unread):
                results.append(FileResult(file.path, *read))
                continue
            self.progress.advance(Count.ROWS, read.rows.height)
            decoded.append(read)
            size += read.size
            if size >= self.together:
                results += self._spill(self.normalize(decoded))
                decoded, size = [], 0
        last = self.normalize(decoded)
        results += self._spill(last) if self.spill and self.spill.parts else last
        return sorted(results, key=lambda result: result.path)

    def normalize(self, decoded: Sequence[Decoded]) -> list[FileResult]:
        """Normalise the rows of files, and locate the rows that turn out to be broken."""
        extracted = [Extracted(file.rows, file.file.path, file.kind.source, file.kind.earliest) for file in decoded]
        normalized = normalize_together(extracted, self.rules)
        return [_result(file, rows) for file, rows in zip(decoded, normalized, strict=True)]

    def _spill(self, files: list[FileResult]) -> list[FileResult]:
        if self.spill is None:
            return files
        self.spill.add(stacked(NO_LISTENS, (file.listens for file in files)))
        return [replace(file, listens=file.listens.clear(), spilled=file.listens.height) for file in files]


def extractor(settings: RunSettings, now: datetime, is_known: IsKnown, progress: Progress) -> Extractor:
    """Return the extractor of a run with ``settings`` that begins ``now``."""
    rules = Rules(now, settings.separators, settings.since, settings.until)
    return Extractor(settings.source, _options(settings), rules, is_known, progress)


def begin(settings: RunSettings, files: Sequence[InputFile]) -> Prefetcher:
    """Start reading ``files`` as the extractor of such a run does."""
    return Prefetcher(FileReader(settings.source, _options(settings)), files)


def _options(settings: RunSettings) -> ReadOptions:
    return ReadOptions(settings.spotify_plays, settings.spotify_time, settings.timezone)


def _result(file: Decoded, rows: Normalized) -> FileResult:
    try:
        rejects = _with_locations(rows.rejected, file)
    except BrokenFileError as error:
        return FileResult(file.file.path, FileStatus.REFUSED, str(error))
    return FileResult(
        file.file.path,
        FileStatus.LOADED,
        sha256=file.sha256,
        format=file.kind,
        totals=file.totals,
        listens=rows.listens,
        skipped=rows.skipped,
        rejects=rejects,
        not_counted=_not_counted(file.rows),
        cleaned=rows.cleaned,
        companions=file.companions,
        local_times=count_local_times(file.rows),
    )


def _with_locations(rejected: pl.DataFrame, file: Decoded) -> pl.DataFrame:
    """Return the rejected rows with their locations (schema REJECTS); missing locations are looked up in the file."""
    if rejected.is_empty():
        return NO_REJECTS
    locations = file.locations
    if not rejected.get_column("row").is_in(locations.get_column("row").implode()).all():
        data = file.file.read(per_byte(file.kind))
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise BrokenFileError(f"{file.file.path} {CHANGED}")
        locations = all_locations(data, file.kind, rejected, locations)
    return conform(rejected.join(locations, on="row", how="left", maintain_order="left"), REJECTS)


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
    not_counted, local_times = _not_counted(extracted), count_local_times(extracted)
    if wanted is not None:
        extracted = extracted.filter(pl.col("row").is_in(wanted.implode()))
    rows = normalize(extracted, path, kind.source, kind.earliest, rules)
    locations = locate(data, kind, rows.rejected.get_column("row").to_list())
    return FileResult(
        path,
        FileStatus.LOADED,
        sha256=sha256,
        format=kind,
        listens=rows.listens,
        skipped=rows.skipped,
        rejects=conform(rows.rejected.join(locations, on="row", how="left", maintain_order="left"), REJECTS),
        not_counted=not_counted,
        cleaned=rows.cleaned,
        local_times=local_times,
    )


def _not_counted(extracted: pl.DataFrame) -> pl.DataFrame:
    """Return the plays that were not played to the end (schema NOT_COUNTED)."""
    if extracted.get_column("skip").null_count() == extracted.height:
        return NO_NOT_COUNTED
    is_one = pl.col("skip") == str(SkipReason.NOT_PLAYED_TO_END)
    return conform(extracted.filter(is_one & pl.col("ended_at").is_not_null()).select(*NOT_COUNTED), NOT_COUNTED)
