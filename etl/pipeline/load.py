"""Loads the listens of a run, chunk by chunk: looks up the keys, inserts the cached ones, resolves the others."""

from __future__ import annotations

import logging
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import polars as pl

from etl.core.failpoints import Point, failpoint
from etl.core.progress import Count
from etl.core.schema import TRACK_LOOKUP, KeyStatus, empty
from etl.load import snapshot
from etl.load.dry_run import simulate_load
from etl.load.load_log import RunStart
from etl.load.loader import Loader
from etl.pipeline.known_files import file_entries
from etl.runs.journal import Journal
from etl.targets import ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.load.snapshot import LookupResult
    from etl.pipeline.context import ChunkLoad, RunContext
    from etl.targets.base import Connection

logger = logging.getLogger(__name__)


def load_chunks(run: RunContext) -> None:
    """Load all chunks; raises ``EtlError`` if the load ends early. The logs of the chunks hold the results."""
    progress, keys, latest = run.job.progress, 0, empty(TRACK_LOOKUP)
    numbers = count(1)
    run.pool.open_workers(run.pool.size if run.rows.listens.height else 0)
    progress.expect(Count.LISTENS, run.rows.listens.height)
    for load in run.loads:
        listens, found = _look_up(run, load)
        window_keys = found.requests.get_column("lookup_key").n_unique()
        _check_room(run, listens, found, window_keys - found.hits.height)
        if load is run.loads[0]:
            load.log.append(RunStart(_start_in_ledger(run)))
        with run.job.timed("load"):
            keys += window_keys
            progress.expect(Count.KEYS, keys)
            _load_chunk(run, load, listens, found, numbers)
            latest = load.finish(latest)
        for reason in load.result().keys.filter(status=str(KeyStatus.FAILED)).get_column("detail"):
            logger.info("not resolved: %s", reason)
    progress.expect(Count.LISTENS, sum(load.result().reached.height for load in run.loads))  # equal listens count once


def simulate_chunks(run: RunContext) -> None:
    """Do what ``load_chunks`` does, without writing anything."""
    for load in run.loads:
        listens, found = _look_up(run, load)
        with run.job.timed("load"):
            entries = run.pool.control(partial(simulate_load, user_id=run.user_id, listens=listens, found=found))
        for entry in entries:
            load.log.append(entry)


def _look_up(run: RunContext, load: ChunkLoad) -> tuple[pl.DataFrame, LookupResult]:
    """Return the listens of a chunk, and what the look-up of their keys found."""
    with run.job.timed("look_up"):
        listens = load.chunk.read()
        return listens, run.pool.control(partial(snapshot.look_up, listens=listens, has_lookup=run.has_lookup))


def _check_room(run: RunContext, listens: pl.DataFrame, found: LookupResult, new_keys: int) -> None:
    """Raise ``DatabaseError`` if the listens of ``new_keys`` will not fit; those of cached keys may exist already."""
    new = listens.join(found.hits, on="lookup_key", how="anti") if new_keys and found.hits.height else listens
    run.pool.target.check_room(new.height if new_keys else 0, new_keys)


def _load_chunk(
    run: RunContext, load: ChunkLoad, listens: pl.DataFrame, found: LookupResult, numbers: Iterator[int]
) -> None:
    job = run.job
    directory, journal = run.directory, Journal(run.directory.path)
    loader = Loader(
        run.pool, directory.run_id, run.user_id, listens, job.sizes, load.log, job.progress, numbers, journal
    )
    vanished = loader.load_hits(found.hits)
    again = pl.col("lookup_key").is_in(vanished)
    loader.resolve(pl.concat([found.to_resolve.filter(~again), found.requests.filter(again)]))


def _start_in_ledger(run: RunContext) -> int:
    """Record in the ledger that the run begins; return how often that was retried."""
    settings = run.job.settings
    entries = [] if settings.replay_of else file_entries(settings, run.rows)

    def start(control: Connection) -> None:
        ledger.start_run(control, run.directory.run_id, settings.source, run.user_id, entries)

    retries = run.pool.control(lambda control: ledger.retry_on_conflict(control, start))
    failpoint(Point.AFTER_LEDGER_START)
    return retries
