"""What every step of a run needs: its job, and the objects that it works with."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from etl.load.load_log import LoadLog
from etl.load.result import summarize
from etl.runs.chunks import drop_unchanged, update_latest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from etl.core.progress import Progress
    from etl.core.settings import RunSettings
    from etl.core.workspace import Workspace
    from etl.extract.row_store import Chunk
    from etl.extract.rows import Rows
    from etl.load.loader import Sizes
    from etl.load.result import LoadResult
    from etl.runs.directory import RunDirectory
    from etl.targets.pool import Pool


def working_folder() -> str:
    """Return the working directory; an empty text if it was removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


class Job(msgspec.Struct, frozen=True):
    """What a run was asked to do."""

    workspace: Workspace
    settings: RunSettings
    progress: Progress
    sizes: Sizes
    origins: Sequence[str] = ()
    """The replayed runs whose files count as loaded once this replay leaves nothing."""
    started: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    timings: dict[str, float] = msgspec.field(default_factory=dict)
    """Seconds per step."""
    folder: str = msgspec.field(default_factory=working_folder)
    """The folder at which relative paths start."""

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Record how long a step takes."""
        begun = time.perf_counter()
        self.progress.step(step)
        try:
            yield
        finally:
            self.timings[step] = round(self.timings.get(step, 0.0) + time.perf_counter() - begun, 4)


class ChunkLoad:
    """A chunk of a run's listens, and what became of them."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.log = LoadLog()
        self._result: LoadResult | None = None

    def result(self) -> LoadResult:
        """Return what became of the listens; if the chunk is not finished, of those loaded so far."""
        return self._result or summarize(self.log.entries())

    def finish(self, latest: pl.DataFrame) -> pl.DataFrame:
        """Replace the log by its result; return ``latest`` after this chunk.

        ``latest`` holds the last ids of the keys of all earlier chunks (schema TRACK_LOOKUP). Keys that have not
        changed since are dropped: a chunk takes memory only for what is new in it.
        """
        result = summarize(self.log.entries())
        self._result = replace(result, keys=drop_unchanged(result.keys, latest))
        self.log = LoadLog()  # at the end, because a signal may end this method anywhere
        return update_latest(latest, result.keys)


class RunContext(msgspec.Struct, frozen=True):
    """The objects that a run works with once its rows are read and it has a directory."""

    job: Job
    pool: Pool
    directory: RunDirectory
    user_id: int
    rows: Rows
    loads: Sequence[ChunkLoad]
    """The chunks of all ``rows.listens``, in loading order."""
    has_lookup: bool
    """Whether the database has the table ``track_lookup``."""
