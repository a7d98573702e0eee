"""Runs undos in this process, and reads their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.core.workspace import Workspace
from etl.pipeline.undo import undo as undo_run
from tests.helpers.support import query, sqlite_file

if TYPE_CHECKING:
    from pathlib import Path

IN_PIECES = 5
"""Listens per batch, so that a short load has many batches."""


def undo(home: Path, uri: str, manifest: dict[str, Any], **options: Any) -> dict[str, Any]:  # noqa: ANN401
    """Undo a run in this process and return the manifest."""
    return undo_run(Workspace(home, uri), manifest["run_id"], lambda *_: True, **{"batch": IN_PIECES, **options})


def removed(uri: str) -> int:
    """Return how many listens the batches of all undos removed, by their ledger entries."""
    return int(query(uri, f"SELECT coalesce(sum(removed), 0) FROM {_ours(uri, 'batches')}")[0][0])


def unknown_files(uri: str) -> list[str]:
    """Return the paths of files that were loaded and are no longer known."""
    sql = f"SELECT path FROM {_ours(uri, 'files')} WHERE forgotten_by IS NOT NULL ORDER BY path"
    return [path for (path,) in query(uri, sql)]


def _ours(uri: str, table: str) -> str:
    return f"etl_{table}" if sqlite_file(uri) else f"etl.{table}"
