"""Opens a read-only snapshot of the database for a verification."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.core.workspace import Workspace


@contextmanager
def snapshot(workspace: Workspace) -> Iterator[Pool]:
    """Open the database for reading. ``Pool.control`` sends queries in a thread, so that a signal ends the wait.

    Raises ``DatabaseError`` if the database cannot be reached, or lacks our objects.
    """
    target = find_target(workspace)
    connection, _ = open_interruptibly(target)
    pool = Pool(target, connection, 1)
    try:
        pool.control(target.begin_snapshot)
        yield pool
    finally:
        pool.close()
