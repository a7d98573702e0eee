"""Turns one file into rows: recognises, reads, hashes and decodes it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import polars as pl
from msgspec.structs import replace

from etl.core.errors import BrokenFileError, format_error
from etl.core.schema import FileStatus
from etl.core.settings import AUTO
from etl.extract.companions import read_companions
from etl.extract.memory import ADVICE, NO_MEMORY, per_byte
from etl.formats import Companion, Companions, Format, Refusal, recognise
from etl.formats.base import Scan
from etl.parsers.base import NO_LOCATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.extract.archive import InputFile
    from etl.formats import ReadOptions
    from etl.formats.page_totals import FirstPlay, PageTotals

OF_ANOTHER_SOURCE = "not a file of"
UNKNOWN = "not an export that this program can read"


class Opened(NamedTuple):
    """A recognised file, read and hashed, but not decoded yet."""

    file: InputFile
    kind: Format
    sha256: str
    data: bytes
    """Its bytes; empty if a reader process has them."""
    totals: Sequence[PageTotals | FirstPlay] = ()
    companions: Companions = Companions()
    """The companion files next to it; without their bytes if a reader process has them."""


class Decoded(NamedTuple):
    """A decoded file."""

    file: InputFile
    kind: Format
    sha256: str
    size: int
    """In bytes."""
    rows: pl.DataFrame
    """Schema EXTRACTED."""
    locations: pl.DataFrame
    """The locations of the broken rows: schema LOCATIONS."""
    totals: Sequence[PageTotals | FirstPlay] = ()
    companions: str = ""
    """The digest of its companions."""


class Unread(NamedTuple):
    """A file without rows, and why it has none."""

    status: FileStatus
    reason: str
    sha256: str | None = None
    kind: Format | None = None
    title: str = ""
    """What it is, for people; empty if that is unknown."""
    totals: Sequence[PageTotals | FirstPlay] = ()


class FileReader(msgspec.Struct, frozen=True):
    """Reads files under the same settings."""

    source: str
    """Only files of this source are read; ``auto`` reads all."""
    options: ReadOptions

    def open(self, file: InputFile) -> Opened | Unread:
        """Recognise, read and hash a file."""
        try:
            peek = file.peek()
            kind = recognise(peek)
            if isinstance(kind, Format | Companion) and self._is_wanted(kind):
                return _opened(file, kind)
        except BrokenFileError as error:
            return Unread(FileStatus.REFUSED, str(error))
        except MemoryError:
            return _too_large(file)
        if kind is None:
            return Unread(FileStatus.LEFT_ASIDE, UNKNOWN if peek.head else "is empty")
        if not isinstance(kind, Refusal) or not self._is_wanted(kind):
            reason = f"{kind.title}: {OF_ANOTHER_SOURCE} {self.source}"
            return Unread(FileStatus.LEFT_ASIDE, reason, title=kind.title)
        status = FileStatus.LEFT_ASIDE if kind.harmless else FileStatus.REFUSED
        return Unread(status, kind.reason(peek), title=kind.title)

    def _is_wanted(self, kind: Format | Companion | Refusal) -> bool:
        return not kind.source or self.source in (AUTO, kind.source)

    def decode(self, opened: Opened) -> Decoded | Unread:
        """Return the rows of a file, and the locations of the broken ones."""
        file, kind, sha256, data, totals, companions = opened
        options = replace(self.options, companions=companions) if kind.companions else self.options
        try:
            scan = kind.scan(data, options) if kind.scan else Scan(kind.read(data, options), NO_LOCATIONS)
            rejected = scan.rows.filter(pl.col("reject").is_not_null())
            locations = all_locations(data, kind, rejected, scan.locations)
        except BrokenFileError as error:
            return Unread(FileStatus.REFUSED, str(error), title=kind.title)
        except MemoryError:
            return _too_large(file)
        return Decoded(file, kind, sha256, len(data), scan.rows, locations, totals, companions.digest)


def _opened(file: InputFile, kind: Format | Companion) -> Opened | Unread:
    """Read and hash a file. Raises ``BrokenFileError`` if it cannot be read."""
    data = file.read(per_byte(kind))
    if isinstance(kind, Companion):
        kind.check(data)
        reason = f"{kind.title}. It has no plays, and only completes the export in the same folder"
        return Unread(FileStatus.LEFT_ASIDE, reason, title=kind.title)
    totals = kind.totals(data) if kind.totals else ()
    return Opened(file, kind, hashlib.sha256(data).hexdigest(), data, totals, read_companions(file, kind))


def _too_large(file: InputFile) -> Unread:
    return Unread(FileStatus.REFUSED, format_error(f"{file.path} {NO_MEMORY}", ADVICE))


def all_locations(data: bytes, kind: Format, rejected: pl.DataFrame, locations: pl.DataFrame) -> pl.DataFrame:
    """Return ``locations``, completed with those of the ``rejected`` rows that are missing from it."""
    if rejected.is_empty():
        return locations
    others = rejected.join(locations, on="row", how="anti", maintain_order="left")
    return pl.concat([locations, locate(data, kind, others.get_column("row").to_list())])


def locate(data: bytes, kind: Format, rows: Sequence[int]) -> pl.DataFrame:
    """Return the locations and mapped fields of the records with the numbers ``rows`` (schema LOCATIONS)."""
    return kind.layout.locate(data, rows) if rows else NO_LOCATIONS
