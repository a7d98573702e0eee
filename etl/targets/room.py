"""Computes how much disk space a load needs in the database, and refuses a load that will not fit."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1_000_000


class RoomTaken(msgspec.Struct, frozen=True):
    """Bytes that a load needs, measured with 100,000 and 300,000 listens, of few tracks and of one track per listen."""

    per_listen: int
    """For a listen, in the tables and indexes."""
    per_key: int
    """In addition for a new key, with its track, album and artist."""
    journal_per_listen: int
    """For a listen in the journal (WAL), until the next checkpoint."""
    journal_per_key: int
    largest_journal: int
    """The size above which the database empties the journal."""

    def needed(self, listens: int, keys: int, journal: int = 0) -> int:
        """Return the most bytes that a load needs at any time; ``journal`` is the size of a journal to reuse."""
        grown = min(listens * self.journal_per_listen + keys * self.journal_per_key, self.largest_journal)
        return listens * self.per_listen + keys * self.per_key + max(0, grown - journal)


def check_room(folder: Path, needed: int) -> None:
    """Raise ``DatabaseError`` if the disk of ``folder`` has less than ``needed`` bytes for this account."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DatabaseError(
            f"the load needs about {_megabytes(needed)} in {folder}, and {_megabytes(free)} are free: nothing was"
            " written to the database",
            "Free some space on the disk, then run the same command again",
        )


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.0f} MB"
