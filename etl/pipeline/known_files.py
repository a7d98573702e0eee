"""Identifies the files of a run as the ledger does: by their bytes, format, and what else determines their rows.

These are options, and the companion files next to an export: a file is read again if a companion appears or changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.reasons import ReadAgain
from etl.core.schema import FileStatus
from etl.core.version import __version__
from etl.dedupe import END
from etl.targets import ledger
from etl.targets.ledger import FileEntry

if TYPE_CHECKING:
    from etl.core.settings import RunSettings
    from etl.extract.prefetch import IsKnown
    from etl.extract.rows import FileResult, Rows
    from etl.formats import Format
    from etl.targets.pool import Pool


def is_known_to(pool: Pool, user_id: int, settings: RunSettings) -> IsKnown:
    """Return a function that says whether a file (path, SHA-256, format, companions) need not be read again.

    It raises ``SettingsError`` for a file of a service that records ends if plays were loaded with the other
    --spotify-time, and for a file that was loaded with another --timezone, if that changes its times.

    --spotify-time must be the same for the whole library, because the same plays appear in several files. --timezone
    belongs to each file: a listener's players and scripts may have used different zones.
    """
    checked: set[str] = set()  # once per run, as all its files have one --spotify-time
    loaded: list[set[str]] = []  # read once: of most files the ledger has nothing, and a query for each takes long

    def is_known(path: str, sha256: str, kind: Format, companions: str) -> bool:
        entry = _entry(settings, path, sha256, kind, companions)
        if entry.spotify_time and entry.spotify_time not in checked:
            pool.control(lambda control: ledger.check_play_time(control, user_id, entry))
            checked.add(entry.spotify_time)
        if not loaded:
            loaded.append(pool.control(lambda control: ledger.hashes_loaded(control, user_id)))
        if sha256 not in loaded[0]:
            return False
        return pool.control(lambda control: ledger.is_known(control, user_id, entry)) and not settings.force

    return is_known


def file_entries(settings: RunSettings, rows: Rows) -> list[FileEntry]:
    """Return the entries of the files that were read."""
    return [
        _entry(settings, file.path, file.sha256, file.format, file.companions, file)
        for file in rows.files
        if file.status is FileStatus.LOADED and file.sha256 and file.format
    ]


def _entry(
    settings: RunSettings, path: str, sha256: str, kind: Format, companions: str, read: FileResult | None = None
) -> FileEntry:
    """Return the entry of a file; ``read`` is None before it is read, when its times and rejected rows are unknown."""
    has_local_times = read is not None and bool(read.local_times)
    spotify_time = settings.spotify_time if kind.clock == END else ""
    options = settings.row_options(kind.source, has_local_times=has_local_times, companions=companions)
    return FileEntry(
        sha256, kind.name, options, spotify_time, settings.zone, path, _settled_for(read) if read else __version__
    )


def _settled_for(file: FileResult) -> str:
    """Return the versions of the program to which the file is known; its rejected rows decide."""
    if file.rejected(ReadAgain.BY_THE_NEXT_RUN):
        return ledger.NEVER
    return __version__ if file.rejected(ReadAgain.BY_ANOTHER_VERSION) else ledger.ALWAYS
