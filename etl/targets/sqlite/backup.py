"""Copies Koito's file with ``VACUUM INTO``: a plain copy would lack what is in the write-ahead log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.targets.sqlite.connection import connect
from etl.targets.sqlite.describe import check_path

if TYPE_CHECKING:
    from pathlib import Path


def back_up(path: Path, copy: Path) -> None:
    """Write the database at ``path`` to the empty file ``copy``; Koito may write to it at the same time."""
    check_path(path)
    connection = connect(path)
    try:
        connection.execute("backup", str(copy))
    finally:
        connection.close()
