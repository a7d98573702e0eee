"""The results of a run's files, and the rows of all files together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl
from msgspec.structs import replace

from etl.core.errors import InputError
from etl.core.lists import listed
from etl.core.reasons import ReadAgain, RejectReason
from etl.core.schema import (
    DUPLICATES,
    KEPT_DOUBLES,
    LIKELY_DOUBLES,
    NORMALIZED,
    NOT_COUNTED,
    REJECTS,
    SKIPPED,
    FileStatus,
    empty,
)
from etl.core.settings import AUTO
from etl.extract.archive import NEXT_RUN
from etl.extract.discover import Hidden
from etl.extract.missing_pages import MissingPages, missing_pages
from etl.extract.row_store import RowStore, spilled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from etl.extract.spill import SpillFolder
    from etl.formats import Format
    from etl.formats.local_times import LocalTime
    from etl.formats.page_totals import FirstPlay, PageTotals

_NAMED = 3  # files that a message names

# Created once: most files have no rows of most kinds, and there may be tens of thousands of files.
NO_LISTENS, NO_SKIPPED, NO_REJECTS, NO_NOT_COUNTED = map(empty, (NORMALIZED, SKIPPED, REJECTS, NOT_COUNTED))


class FileResult(msgspec.Struct, frozen=True):
    """What became of one file, and its rows."""

    path: str
    status: FileStatus
    reason: str = ""
    sha256: str | None = None
    format: Format | None = None
    title: str = ""
    """What it is, for people; empty if that is unknown."""
    totals: Sequence[PageTotals | FirstPlay] = ()
    """What its pages say about the history that they belong to."""
    listens: pl.DataFrame = msgspec.field(default_factory=lambda: NO_LISTENS)
    skipped: pl.DataFrame = msgspec.field(default_factory=lambda: NO_SKIPPED)
    rejects: pl.DataFrame = msgspec.field(default_factory=lambda: NO_REJECTS)
    not_counted: pl.DataFrame = msgspec.field(default_factory=lambda: NO_NOT_COUNTED)
    """Plays that the file itself does not count as listens; another export of the service does not show that."""
    cleaned: int = 0
    """Listens with a text that cleaning changed."""
    spilled: int = 0
    """Listens that were spilled to disk."""
    companions: str = ""
    """The digest of the companion files that it was read with; blank if there were none."""
    location: str = ""
    """Its absolute path, if ``path`` is relative to a folder other than the working directory of this run."""
    local_times: Mapping[LocalTime, int] = msgspec.field(default_factory=dict)
    """How many listens have a time without a zone, by kind of local time."""

    @property
    def has_listens(self) -> bool:
        """Whether it has any listens."""
        return self.listens.height + self.spilled > 0

    @property
    def records(self) -> int:
        """How many records were read."""
        return self.listens.height + self.spilled + self.skipped.height + self.rejects.height

    def rejected(self, when: ReadAgain) -> int:
        """Return how many rows are rejected for a reason that has the file read again ``when``."""
        if self.rejects.is_empty():  # as in most files, and there may be thousands
            return 0
        reasons = [str(reason) for reason in RejectReason if reason.read_again is when]
        return self.rejects.filter(pl.col("reason").is_in(reasons)).height


class Rows(msgspec.Struct, frozen=True):
    """The rows of all files together."""

    files: list[FileResult]
    listens: RowStore
    """The listens to load."""
    recorded: RowStore
    """``listens``, and their duplicates."""
    skipped: pl.DataFrame
    rejects: pl.DataFrame
    duplicates: pl.DataFrame = msgspec.field(default_factory=lambda: empty(DUPLICATES))
    """Listens that another row or the database has already (schema DUPLICATES)."""
    likely: pl.DataFrame = msgspec.field(default_factory=lambda: empty(KEPT_DOUBLES))
    """Likely doubles among ``listens`` (schema KEPT_DOUBLES)."""
    evidence: pl.DataFrame = msgspec.field(default_factory=lambda: empty(LIKELY_DOUBLES))
    """All likely doubles, including skipped ones, each with the listen it is a double of (schema LIKELY_DOUBLES)."""
    hidden: Hidden = msgspec.field(default_factory=Hidden)
    """The hidden files and folders next to the files."""
    missing_pages: Sequence[MissingPages] = ()
    """What is missing from the files, according to their own totals."""

    @property
    def records(self) -> int:
        """How many records the readers returned."""
        return sum(file.records for file in self.files)


def gather(
    files: Sequence[FileResult],
    source: str,
    hidden: Hidden,
    *,
    may_be_none: bool = False,
    spill: SpillFolder | None = None,
) -> Rows:
    """Return the rows of all files together; raises ``InputError`` if no file was recognised.

    An inbox is usually empty: finding no files at all is not an error if there ``may_be_none``. A file that was left to
    the next run may be an export.
    """
    is_expected = any(NEXT_RUN in file.reason for file in files)
    if not is_expected and all(file.status is FileStatus.LEFT_ASIDE for file in files) and (files or not may_be_none):
        raise InputError(
            f"nothing to load{'' if source == AUTO else f' for source {source}'}: {_found(files, hidden)}",
            "`etl sources` lists the formats and how to get them"
            + ("" if source == AUTO else "; --source auto reads files of every source"),
        )
    return replace(concat(files, spill), hidden=hidden, missing_pages=missing_pages(files))


def _found(files: Sequence[FileResult], hidden: Hidden) -> str:
    """Return what was found instead of exports."""
    if not files:
        return f"hidden files are not read, and there is only {hidden}" if str(hidden) else "the folder is empty"
    return listed([f"{file.path}: {file.reason}" for file in files], _NAMED, "; ")


def concat(files: Sequence[FileResult], spill: SpillFolder | None = None) -> Rows:
    """Return the rows of all files together; the listens are those in ``spill`` if it has any."""
    in_memory = stacked(NO_LISTENS, (file.listens for file in files))
    listens = spilled(spill) if spill and spill.parts else RowStore(in_memory)
    return Rows(
        list(files),
        listens,
        listens,
        stacked(NO_SKIPPED, (file.skipped for file in files)),
        stacked(NO_REJECTS, (file.rejects for file in files)),
    )


def stacked(none: pl.DataFrame, frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of all ``frames``; ``none`` is a frame without rows."""
    return pl.concat([none, *(frame for frame in frames if not frame.is_empty())])
