"""Says what people should know about the files that were read: what formats and files lack, whose times are local."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.lists import listed
from etl.core.reasons import RejectReason
from etl.formats.local_times import LocalTime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.extract.rows import FileResult

_NAMED = 3


def count_local_times(extracted: pl.DataFrame) -> dict[LocalTime, int]:
    """Return how many of the rows read as listens (schema EXTRACTED) have a time without a zone, by kind."""
    if extracted["local_time"].null_count() == extracted.height:
        return {}
    listens = extracted.filter(pl.col("skip").is_null() & pl.col("reject").is_null())
    counted = dict(listens["local_time"].drop_nulls().value_counts().iter_rows())
    return {kind: counted[kind] for kind in LocalTime if kind in counted}


def caveats(files: Sequence[FileResult], zone: str | None) -> list[str]:
    """Return what people should know about ``files``, each caveat once; ``zone`` is the zone of times without one."""
    kinds = [file.format for file in files if file.format and file.has_listens]
    of_formats = [f"{kind.title} {kind.caveat}" for kind in kinds if kind.caveat]
    of_rejects = [*_of_unknown_artists(files), *_of_future_times(files)]
    return [*dict.fromkeys(of_formats), *_of_local_times(files, zone), *of_rejects]


def _of_local_times(files: Sequence[FileResult], zone: str | None) -> list[str]:
    local = [file for file in files if file.local_times]
    if not local:
        return []
    if zone is None:
        advice = "If they are local times, give their zone, such as --timezone Europe/Berlin"
        return [f"Times without a zone count as UTC: {_paths(local)}. {advice}"]
    meanings = {
        LocalTime.REPEATED: f"are in an hour that the clocks of {zone} have twice: the first one counts",
        LocalTime.SKIPPED: f"are in an hour that the clocks of {zone} skip: the offset before the change counts",
    }
    return [
        f"{sum(file.local_times.get(kind, 0) for file in local):,} times {what}: {_paths(having)}"
        for kind, what in meanings.items()
        if (having := [file for file in local if kind in file.local_times])
    ]


def _of_unknown_artists(files: Sequence[FileResult]) -> list[str]:
    """Say which files would have named the artists of rejected rows, and that they belong next to the export."""
    return [
        f"{count:,} plays in {file.path} have no artist for certain. Files of the same download name them: put "
        f"{' and '.join(one.title for one in file.format.companions)} next to it, and run the same command again"
        for file, count in _having(files, RejectReason.ARTIST_UNKNOWN)
        if file.format
    ]


def _of_future_times(files: Sequence[FileResult]) -> list[str]:
    """Say which files have plays in the future, and what to do if the clock of this computer was wrong."""
    return [
        f"{file.path} has plays in the future: {count:,}. Check the clock of this computer. Once it is right, "
        "run the same command again to read the file again"
        for file, count in _having(files, RejectReason.TIME_IN_FUTURE)
    ]


def _having(files: Sequence[FileResult], reason: RejectReason) -> list[tuple[FileResult, int]]:
    """Return the files with rows that are rejected for ``reason``, and how many these are."""
    counted = [(file, file.rejects.filter(reason=str(reason)).height) for file in files if file.rejects.height]
    return [(file, count) for file, count in counted if count]


def _paths(files: Sequence[FileResult]) -> str:
    return listed([file.path for file in files], _NAMED)
