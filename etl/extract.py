"""From discovered files to rows: recognises each file, reads it, normalises its rows; for ``run`` and ``check``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl.errors import BrokenFileError
from etl.normalize.listens import Normalized, normalize
from etl.schema import NORMALIZED, REJECTS, SKIPPED, FileStatus, conform, empty
from etl.settings import AUTO
from etl.sources import Format, Refusal, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from etl.discover import Found, InputFile
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
    cleaned: int = 0
    """Listens with a text that cleaning changed."""

    @property
    def records(self) -> int:
        """How many records were read."""
        return self.listens.height + self.skipped.height + self.rejects.height


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
        rows = normalize(kind.read(data, self.options), path, kind.source, kind.earliest, self.rules)
        return FileResult(
            path,
            FileStatus.LOADED,
            sha256=sha256,
            format=kind,
            listens=rows.listens,
            skipped=rows.skipped,
            rejects=_place_rejects(data, kind, rows),
            cleaned=rows.cleaned,
        )


def _place_rejects(data: bytes, kind: Format, rows: Normalized) -> pl.DataFrame:
    """Return the rejected rows with their place in the file and their mapped fields (schema REJECTS)."""
    if not rows.rejected.height:
        return empty(REJECTS)
    places = kind.layout.locate(data, rows.rejected.get_column("row").to_list())
    return conform(rows.rejected.join(places, on="row", how="left", maintain_order="left"), REJECTS)
