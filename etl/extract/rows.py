"""The rows of a run's files: of each file by itself, and of all together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from etl.core.errors import InputError
from etl.core.schema import NORMALIZED, NOT_COUNTED, REJECTS, SKIPPED, FileStatus, empty
from etl.dedupe import nothing_settled
from etl.extract.spill import InMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.dedupe import Settled
    from etl.extract.spill import Spool, Window
    from etl.formats import Format


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
    not_counted: pl.DataFrame = field(default_factory=lambda: empty(NOT_COUNTED))
    """Plays that the file itself calls no listens, for an export of the service that cannot tell."""
    cleaned: int = 0
    """Listens with a text that cleaning changed."""
    spooled: int = 0
    """Listens that went to the disk."""

    @property
    def has_listens(self) -> bool:
        """Whether it has any."""
        return self.listens.height + self.spooled > 0

    @property
    def records(self) -> int:
        """How many records were read."""
        return self.listens.height + self.spooled + self.skipped.height + self.rejects.height


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
    spool: Spool | None = None
    """Where the listens are instead, if they are too many."""

    @property
    def height(self) -> int:
        """How many listens there are to load."""
        return sum(file.spooled for file in self.files) if self.spool else self.listens.height

    def windows(self, size: int) -> Sequence[Window]:
        """Return the listens in the order in which they are to be loaded, about ``size`` at a time from the disk."""
        return self.spool.windows(size) if self.spool else [InMemory(self.listens)]

    def in_memory(self) -> Rows:
        """Return the same with all listens in memory."""
        if self.spool is None:
            return self
        (window,) = self.spool.windows(self.height)
        listens = window.read().sort("file", "row")
        return replace(self, listens=listens, settled=nothing_settled(listens), spool=None)

    @property
    def caveats(self) -> list[str]:
        """What people should know of the formats of their listens, each once."""
        kinds = [file.format for file in self.files if file.format and file.has_listens]
        return list(dict.fromkeys(f"{kind.title} {kind.caveat}" for kind in kinds if kind.caveat))

    @property
    def records(self) -> int:
        """How many records the readers returned."""
        return sum(file.records for file in self.files)


def gather(files: list[FileResult], source: str, *, may_be_none: bool = False, spool: Spool | None = None) -> Rows:
    """Put the rows of all files together; raises ``InputError`` where no file was recognised.

    That there are no files at all is the usual state of an inbox, and no error where they ``may_be_none``.
    """
    if all(file.status is FileStatus.LEFT_ASIDE for file in files) and (files or not may_be_none):
        listed = "; ".join(f"{file.path}: {file.reason}" for file in files[:3]) or "the folder is empty"
        raise InputError(
            f"nothing to load for source {source} ({listed})",
            "`etl sources` lists the formats and how to get them; --source auto reads files of every source",
        )
    return together(files, spool)


def together(files: list[FileResult], spool: Spool | None = None) -> Rows:
    """Put the rows of all files together; their listens are in ``spool`` if that has any."""
    listens = pl.concat([empty(NORMALIZED), *(file.listens for file in files)])
    return Rows(
        files,
        listens,
        pl.concat([empty(SKIPPED), *(file.skipped for file in files)]),
        pl.concat([empty(REJECTS), *(file.rejects for file in files)]),
        nothing_settled(listens),
        spool if spool and spool.parts else None,
    )
