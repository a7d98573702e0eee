"""From discovered files to rows: recognises each file, reads it, normalises its rows; for ``run`` and ``check``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from etl.doubles import nothing_settled
from etl.errors import BrokenFileError, InputError
from etl.normalize.listens import Normalized, normalize
from etl.schema import NORMALIZED, PASSED_OVER, REJECTS, SKIPPED, FileStatus, SkipReason, conform, empty
from etl.settings import AUTO
from etl.sources import Format, Refusal, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.discover import Found, InputFile
    from etl.doubles import Settled
    from etl.normalize.listens import Rules
    from etl.sources import ReadOptions


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
        return list(dict.fromkeys(kind.caveat for kind in kinds if kind.caveat))

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
    is_known: Callable[[str, str, Format], bool]
    """Called with path, SHA-256 and format; a known file is not read."""

    def extract(self, found: Found) -> list[FileResult]:
        """Return what became of every file found, in the order of their paths."""
        refused = [FileResult(file.path, FileStatus.REFUSED, file.reason) for file in found.refused]
        aside = [FileResult(file.path, FileStatus.LEFT_ASIDE, file.reason) for file in found.left_aside]
        results = [*refused, *aside, *map(self._extract_file, found.files)]
        return sorted(results, key=lambda result: result.path)

    def _extract_file(self, file: InputFile) -> FileResult:
        try:
            kind = recognise(file.peek())
            if kind is None:
                return FileResult(file.path, FileStatus.LEFT_ASIDE, "not an export that this program knows")
            if self.source not in (AUTO, kind.source):
                return FileResult(file.path, FileStatus.LEFT_ASIDE, f"{kind.title}: not a file of {self.source}")
            if isinstance(kind, Refusal):
                status = FileStatus.LEFT_ASIDE if kind.harmless else FileStatus.REFUSED
                return FileResult(file.path, status, f"{kind.title}. {kind.advice}")
            return self._read(file.path, file.read(), kind)
        except BrokenFileError as error:
            return FileResult(file.path, FileStatus.REFUSED, str(error))

    def _read(self, path: str, data: bytes, kind: Format) -> FileResult:
        sha256 = hashlib.sha256(data).hexdigest()
        if self.is_known(path, sha256, kind):
            return FileResult(path, FileStatus.KNOWN, "loaded before", sha256, kind)
        return read_rows(path, data, sha256, kind, self.options, self.rules)


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
    return FileResult(
        path,
        FileStatus.LOADED,
        sha256=sha256,
        format=kind,
        listens=rows.listens,
        skipped=rows.skipped,
        rejects=_place_rejects(data, kind, rows),
        passed_over=passed_over,
        cleaned=rows.cleaned,
    )


def gather(files: list[FileResult], source: str) -> Rows:
    """Put the rows of all files together; raises ``InputError`` where no file was recognised."""
    if all(file.status is FileStatus.LEFT_ASIDE for file in files):
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


def _place_rejects(data: bytes, kind: Format, rows: Normalized) -> pl.DataFrame:
    """Return the rejected rows with their place in the file and their mapped fields (schema REJECTS)."""
    if not rows.rejected.height:
        return empty(REJECTS)
    places = kind.layout.locate(data, rows.rejected.get_column("row").to_list())
    return conform(rows.rejected.join(places, on="row", how="left", maintain_order="left"), REJECTS)
