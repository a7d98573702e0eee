"""Compares what pages of an API say about their history with the pages that exist. Pure.

Pages belong to one download if their service, user and page size are the same, and their totals differ by no more than
the plays that are added while somebody fetches pages. They may be in one file or in several. If a download is
incomplete, nothing is missing if a complete download of the same user has as many plays. If pages do not say how many
there are, nothing is missing if there is another export of the service. Otherwise, pages without numbers say when
their history begins, and this is compared with the first play in any page of their user.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import FileStatus
from etl.formats.page_totals import FirstPlay, PageTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from etl.extract.rows import FileResult

_WHILE_FETCHING = 50  # plays that may be added while somebody fetches pages


class MissingPages(msgspec.Struct, frozen=True):
    """What is missing from a download, according to its own totals."""

    source: str
    files: int
    """How many files have its pages."""
    file: str
    """The first of these files."""
    pages: list[int]
    """The pages that are missing, from 1."""
    total_pages: int | None
    """The number of pages; None if they say only that more follow, from the last one in ``pages`` on."""
    listens: int | None
    """How many plays are missing, at most; None if the pages do not say how many there are."""
    since: datetime | None = None
    """For pages without numbers: the time of the first missing play."""
    until: datetime | None = None
    """For pages without numbers: the time of the first play that exists."""


class _Download(msgspec.Struct):
    """Pages that were fetched together."""

    source: str
    files: dict[int, FileResult] = msgspec.field(default_factory=dict)
    """The files, by their position among all files."""
    pages: dict[int, PageTotals] = msgspec.field(default_factory=dict)

    @property
    def latest(self) -> PageTotals:
        """The totals that count: those of the page that knows of the most plays, or of the last page."""
        return max(self.pages.values(), key=lambda page: (page.total or 0, page.page))

    @property
    def missing(self) -> list[int]:
        last = self.latest.total_pages or max(self.pages) + self.pages[max(self.pages)].has_next
        return [page for page in range(1, last + 1) if page not in self.pages]

    def lacking(self) -> int | None:
        """Return how many plays are missing; None if the pages do not say how many there are."""
        if self.latest.total is None:
            return None
        if self.missing:
            return sum(self.latest.plays(page) or 0 for page in self.missing)
        if any(file.status is not FileStatus.LOADED for file in self.files.values()):
            return 0  # it was loaded before, and its rows were not counted
        return max(0, self.latest.total - sum(map(_plays, self.files.values())))


def missing_pages(files: Sequence[FileResult]) -> list[MissingPages]:
    """Return what is missing from the downloads that ``files`` belong to, by path."""
    found: list[MissingPages] = []
    others = {file.format.source for file in files if file.format and not file.totals}
    for downloads in _by_user(files):
        complete = [download.latest.total or 0 for download in downloads if not download.missing]
        for download in downloads:
            lacking = download.lacking()
            if lacking == 0 or (lacking is None and (not download.missing or download.source in others)):
                continue
            if download.missing and any(total >= (download.latest.total or 0) for total in complete):
                continue
            paths = sorted(file.path for file in download.files.values())
            pages, total_pages = download.missing, download.latest.total_pages
            found.append(MissingPages(download.source, len(paths), paths[0], pages, total_pages, lacking))
    beginnings = [one for one in _missing_beginnings(files) if one.source not in others]
    return sorted([*found, *beginnings], key=lambda one: one.file)


def _missing_beginnings(files: Sequence[FileResult]) -> Iterator[MissingPages]:
    """Yield the histories that begin before their first play in any of ``files``."""
    known: dict[tuple[str, str], list[tuple[str, FirstPlay]]] = {}
    for file in files:
        for first in file.totals:
            if file.format and isinstance(first, FirstPlay):
                known.setdefault((file.format.source, first.user), []).append((file.path, first))
    for (source, _), firsts in known.items():
        oldest, earliest = min(one.oldest for _, one in firsts), min(one.earliest for _, one in firsts)
        if oldest < earliest:
            paths = sorted({path for path, _ in firsts})
            since, until = (datetime.fromtimestamp(time, UTC) for time in (oldest, earliest))
            yield MissingPages(source, len(paths), paths[0], [], None, None, since, until)


def _by_user(files: Sequence[FileResult]) -> Iterable[list[_Download]]:
    """Return the downloads of each user of each service."""
    pages = [
        (file.format.source, page.user, page.per_page, page.total or 0, number, page)
        for number, file in enumerate(files)
        if file.format
        for page in file.totals
        if isinstance(page, PageTotals)
    ]
    for (source, _), group in groupby(sorted(pages, key=lambda one: one[:5]), lambda one: one[:2]):
        downloads: list[_Download] = []
        before: tuple[int, int] | None = None
        for _, _, per_page, total, number, page in group:
            if before is None or per_page != before[0] or total - before[1] > _WHILE_FETCHING:
                downloads.append(_Download(source))
            before = (per_page, total)
            downloads[-1].pages[page.page] = page
            downloads[-1].files[number] = files[number]
        yield downloads


def _plays(file: FileResult) -> int:
    """Return how many plays a file has: all its records, except a track that is still playing and error responses."""
    playing = file.skipped.filter(reason=str(SkipReason.NOW_PLAYING)).height
    return file.records - playing - file.rejects.filter(reason=str(RejectReason.ERROR_PAGE)).height


def error_pages(rejects: pl.DataFrame) -> list[dict[str, Any]]:
    """Return file, row and detail of the error responses among ``rejects`` (schema REJECTS), as ``run.json`` does."""
    found = rejects.filter(reason=str(RejectReason.ERROR_PAGE))
    return found.select("file", "row", "detail").to_dicts()


def as_json(missing: Sequence[MissingPages]) -> list[dict[str, Any]]:
    """Return ``missing`` as ``run.json`` has it."""
    return [
        {
            "source": one.source,
            "file": one.file,
            "files": one.files,
            "pages": one.pages,
            "total_pages": one.total_pages,
            "listens": one.listens,
            "since": one.since.isoformat() if one.since else None,
            "until": one.until.isoformat() if one.until else None,
        }
        for one in missing
    ]
