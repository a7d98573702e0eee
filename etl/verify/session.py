"""One look at the database for a verification: a snapshot, in which nothing can be written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.targets.pool import Pool
from etl.targets.postgres.open import open_attended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.core.settings import Workspace


@contextmanager
def snapshot(workspace: Workspace) -> Iterator[Pool]:
    """Open the database for reading; ``Pool.control`` asks it, in a thread, so that a signal ends the wait.

    Raises ``DatabaseError`` where it is not reached, or lacks our objects.
    """
    connection, _ = open_attended(workspace.dsn, workspace.home)
    pool = Pool(connection, 1, lambda _: None)
    try:
        pool.control(lambda control: control.execute("begin_dry_run"))
        yield pool
    finally:
        pool.close()
