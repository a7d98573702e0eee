"""Loads the listens of a chunk: those with cached keys at once, the others round by round.

A round takes the lock, reads the names that it needs again, plans, writes through the pool, commits and releases the
lock, so that another run or a live listen waits for one round at most. A round has steps: while one step is written,
the next is planned. Keys that fail because of their data are resolved again in halves, until the faulty key is alone.
Everything is recorded in a log, from which the result is derived.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.failpoints import Point, failpoint
from etl.core.progress import Count, NullProgress
from etl.core.schema import LOOKUPS, TRACK_LOOKUP, empty
from etl.core.signals import wait_interruptibly
from etl.load import batch_writer
from etl.load.batch_maker import BatchMaker, ListensByKey, stage
from etl.load.batch_writer import LISTEN_PAIRS, Batch, Written, write_batch
from etl.load.enrich import enrich
from etl.load.load_log import CommittedBatch, KeyFailure, StepResult, StepStart
from etl.load.result import loaded_keys
from etl.load.step_planner import StepPlanner
from etl.resolve.batches import Phase
from etl.resolve.requests import REQUESTS
from etl.targets.base import CAUSED_BY_ROWS, NEEDS_NEW_PLAN, Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from etl.core.progress import Progress
    from etl.load.load_log import LoadLog
    from etl.load.step_planner import PlannedStep
    from etl.runs.journal import Journal
    from etl.targets.base import Connection
    from etl.targets.pool import Pool

    Failed: TypeAlias = "list[tuple[Batch, StatementError]]"

ROUND_ATTEMPTS = 3  # of a round whose entities Koito keeps removing; then its keys are resolved in halves
KEY_ATTEMPTS = 8  # of a round with a single key, which is so short that Koito can hardly disturb it again
EXCLUSIVE_ROUND = 200  # requests, at most, of a round during which no other process may write


class Sizes(msgspec.Struct, frozen=True):
    """How the work is divided; this does not change the result."""

    batch: int | None = None
    """Rows per transaction, at most; by default, the target decides."""
    round: int = 40_000
    """Resolution requests per round, at most."""
    step: int = 40_000
    """Resolution requests per step of a round, at most; the target may ask for smaller steps."""
    together: int = 1 << 30
    """Bytes of files whose rows are normalised together. If there are more, the listens are spilled to disk."""
    chunk: int = 500_000
    """Spilled listens that are looked up and loaded together."""


class Loader:
    """Writes ``listens`` (lookup_key, listened_at, client) and records in ``log`` what becomes of them."""

    def __init__(
        self,
        pool: Pool,
        run_id: str | None,
        user_id: int,
        listens: pl.DataFrame,
        sizes: Sizes,
        log: LoadLog,
        progress: Progress | None = None,
        numbers: Iterator[int] | None = None,
        journal: Journal | None = None,
    ) -> None:
        """``run_id`` is None for live listens; ``numbers`` yields the batch numbers, by default from 1."""
        self._journal = journal
        self._pool = pool
        self._run_id = run_id
        self._user_id = user_id
        self._listens = listens.select("lookup_key", "listened_at", "client")
        self._by_key = ListensByKey(self._listens.clear(), empty(REQUESTS))
        self._sizes = sizes
        self._numbers = numbers or count(1)
        self._log = log
        self._progress = progress or NullProgress()

    def load_hits(self, hits: pl.DataFrame) -> list[str]:
        """Insert the listens of cached keys (schema TRACK_LOOKUP); return the keys whose tracks no longer exist."""
        hits = hits.sort("lookup_key")
        maker = BatchMaker(self._batch_rows(), self._numbers)
        batches = maker.of_hits(stage(self._listens, hits, self._user_id), self._pool.size)
        self._log.append(StepStart(hits.select(TRACK_LOOKUP.names())))
        vanished = _by_key(self._write({Phase.INDEPENDENT: batches}, []))
        self._log.append(StepResult(vanished))
        self._progress.advance(Count.KEYS, hits.height - len(vanished))
        return sorted(vanished)

    def resolve(self, requests: pl.DataFrame) -> None:
        """Resolve ``requests`` (schema REQUESTS, in order) and insert the listens of their keys."""
        self._by_key = ListensByKey(self._listens, requests)
        while requests.height:
            done = self._round(requests.head(self._sizes.round))
            requests = requests.slice(done)
            failpoint(Point.BETWEEN_ROUNDS)

    def _batch_rows(self) -> int:
        return self._pool.target.batch_rows(self._sizes.batch)

    def _round(self, requests: pl.DataFrame) -> int:
        """Do a round, planning each step while the previous one is written; return how many requests it resolved.

        It ends early with a step that was not written as planned, because the next step relies on that plan.
        """
        planner, done = self._new_planner(requests), 0
        self._pool.control(self._pool.target.begin_steps)
        ahead = self._plan_ahead(planner, self._next_step(requests))
        written: list[PlannedStep] = []
        while True:
            step = wait_interruptibly(ahead)
            done += step.requests.height
            following = self._next_step(requests.slice(done))
            if following.height:
                ahead = self._plan_ahead(planner, following)
            result = self._write_step(step)
            written.append(step)
            if result.unwritten or following.is_empty():
                break
            failpoint(Point.BETWEEN_STEPS)
        if following.height:
            wait_interruptibly(ahead)
        self._write_unwritten(requests.head(done), result, self._enrich(written), attempt=1)
        return done

    def _plan_ahead(self, planner: StepPlanner, requests: pl.DataFrame) -> Future[PlannedStep]:
        size = self._batch_rows()

        def plan(connection: Connection) -> PlannedStep:
            with self._pool.target.planning(connection):
                return planner.plan(connection, requests, size)

        return self._pool.ahead(plan)

    def _next_step(self, requests: pl.DataFrame) -> pl.DataFrame:
        """Return the requests of the next step: at least one, and no more than the target wants at a time."""
        first, most = requests.head(self._sizes.step), self._pool.target.step_rows()
        if first.height < 2 or most is None:
            return first
        rows = self._by_key.rows(first).cum_sum()
        return first.head(max(1, int((rows <= most).sum())))

    def _resolve_until_written(self, requests: pl.DataFrame, attempt: int, *, exclusive: bool = False) -> None:
        """Do rounds until each key of ``requests`` is written or has failed on its own."""

        def plan(connection: Connection) -> PlannedStep:
            self._pool.target.begin_round(connection, exclusive=exclusive)
            return self._new_planner(requests).plan(connection, requests, self._batch_rows())

        step = self._pool.control(plan)
        self._write_unwritten(requests, self._write_step(step), self._enrich([step]), attempt)

    def _write_unwritten(
        self, requests: pl.DataFrame, result: StepResult, not_enriched: Failure | None, attempt: int
    ) -> None:
        """Do more rounds for the ``requests`` of a round that were not written, or whose entities were not enriched."""
        unwritten = list(result.unwritten)
        written = requests.filter(~pl.col("lookup_key").is_in(unwritten))
        if not_enriched is Failure.STALE_SNAPSHOT:
            self._resolve_in_parts(written, attempt)
        elif not_enriched and attempt < ROUND_ATTEMPTS:
            self._resolve_until_written(written, attempt + 1)
        if not unwritten:
            return
        again = requests.filter(pl.col("lookup_key").is_in(unwritten))
        most = ROUND_ATTEMPTS if len(unwritten) > 1 else KEY_ATTEMPTS
        if any(error.failure is Failure.STALE_SNAPSHOT for error in result.unwritten.values()):
            self._resolve_in_parts(again, attempt)
        elif attempt < most and any(error.failure in NEEDS_NEW_PLAN for error in result.unwritten.values()):
            self._resolve_until_written(again, attempt + 1)
        elif len(unwritten) == 1:
            for key, error in result.unwritten.items():
                self._log.append(KeyFailure(key, error.message))
        else:
            middle = len(unwritten) // 2
            for half in (unwritten[:middle], unwritten[middle:]):
                self._resolve_until_written(again.filter(pl.col("lookup_key").is_in(half)), attempt)

    def _resolve_in_parts(self, requests: pl.DataFrame, attempt: int) -> None:
        """Plan ``requests`` again, because others have changed the data: in halves, which take less time to plan.

        In the end, nobody else may write during a round, so that the load ends however many other writers there are.
        """
        size = max(EXCLUSIVE_ROUND, -(-requests.height // 2))
        for part in requests.iter_slices(size):
            self._resolve_until_written(part, attempt, exclusive=part.height <= EXCLUSIVE_ROUND)

    def _new_planner(self, requests: pl.DataFrame) -> StepPlanner:
        return StepPlanner(self._user_id, requests, self._by_key, self._numbers, self._not_loaded)

    def _write_step(self, step: PlannedStep) -> StepResult:
        self._log.append(StepStart(step.hits.select(TRACK_LOOKUP.names())))
        failed = _by_key(self._write(step.batches, step.overflow))
        result = StepResult({key: failed[key] for key in step.keys if key in failed}, step.notes)
        self._log.append(result)
        return result

    def _enrich(self, steps: Sequence[PlannedStep]) -> Failure | None:
        """End the round of ``steps`` by adding the missing fields of entities; return why that failed, if it did."""
        failpoint(Point.BEFORE_ENRICHMENT)
        changes: dict[str, list[pl.DataFrame]] = {}
        for step in steps:
            for statement, rows in step.enrichment.items():
                changes.setdefault(statement, []).append(rows)
        together = {statement: pl.concat(rows) for statement, rows in changes.items()}
        return self._pool.control(lambda connection: enrich(self._pool.target, connection, together))

    def _not_loaded(self, hits: pl.DataFrame) -> pl.DataFrame:
        """Return those ``hits`` that another run has resolved since this one looked them up."""
        return hits.join(loaded_keys(self._log.entries()), on="lookup_key", how="anti") if hits.height else hits

    def _write(self, batches: Mapping[Phase, Sequence[Batch]], overflow: Sequence[Batch]) -> Failed:
        """Write batches, in parallel if their phase allows it; return those that failed."""
        seeds, after = batches.get(Phase.SEED, ()), batches.get(Phase.DEPENDENT, ())
        chain = self._submit(seeds)
        running = [self._submit([batch]) for batch in batches.get(Phase.INDEPENDENT, ())]
        failed = wait_interruptibly(chain)
        if failed:
            failed += [(batch, failed[0][1]) for batch in after]
        else:
            running += [self._submit([batch]) for batch in after]
        failed += _collect(running)
        if failed:
            return failed + [(batch, failed[0][1]) for batch in overflow]
        return _collect([self._submit([batch]) for batch in overflow])

    def _submit(self, batches: Sequence[Batch]) -> Future[Failed]:
        return self._pool.submit(lambda connection: self._write_chain(connection, batches))

    def _write_chain(self, connection: Connection, batches: Sequence[Batch]) -> Failed:
        """Write ``batches`` one after the other; if one fails because of its rows, the rest are not written either."""
        for number, batch in enumerate(batches):
            try:
                written = write_batch(self._pool.target, connection, self._run_id, batch, self._journal)
            except StatementError as error:
                if error.failure not in CAUSED_BY_ROWS:
                    raise
                return [(lost, error) for lost in batches[number:]]
            self._record(batch, written)
        return []

    def _record(self, batch: Batch, written: Written) -> None:
        resolved = batch.entities.tables.get(LOOKUPS, empty(TRACK_LOOKUP))
        committed = CommittedBatch(
            batch.number,
            resolved.select(TRACK_LOOKUP.names()),
            batch.listens.select(LISTEN_PAIRS.names()),
            written.inserted,
            written.of_other_users,
            batch_writer.created(batch),
            written.retries,
        )
        self._log.append(committed)
        self._progress.advance(Count.KEYS, resolved.height)
        self._progress.advance(Count.LISTENS, batch.listens.height)


def _by_key(failed: Failed) -> dict[str, StatementError]:
    """Return the keys of failed batches, each with its error."""
    return {key: error for batch, error in failed for key in batch.keys}


def _collect(running: Iterable[Future[Failed]]) -> Failed:
    return [failure for future in running for failure in wait_interruptibly(future)]
