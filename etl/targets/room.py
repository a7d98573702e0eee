"""Says how much room a load takes on the disk of its database, and refuses one that will not fit."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl.core.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class RoomTaken:
    """Bytes that a load takes, as measured: loads of 100,000 and 300,000 listens, of few tracks and of one each."""

    per_listen: int
    """In the tables and indexes."""
    per_key: int
    """In addition for a key that is new, with its track, album and artist."""
    journal_per_listen: int
    """In the journal (WAL), until the next checkpoint."""
    journal_per_key: int
    largest_journal: int
    """Above which the database empties the journal."""

    def needed(self, listens: int, keys: int, journal: int = 0) -> int:
        """Return how many bytes a load takes at most at a time; ``journal`` is the size of the one that is reused."""
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
