"""Loads the listens of a window: those of cached keys at once, the rest round by round.

A round takes the lock, reads the names concerned afresh, plans, writes through the pool, commits and lets go, so that
another run or a live listen waits for one round at most. Keys that fail for their data are resolved again in halves,
until the guilty key is alone. Every step is recorded in a log, from which the result is derived.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import polars as pl

from etl.core.failpoints import Point, failpoint
from etl.core.progress import Count, NullProgress
from etl.core.schema import LOOKUPS, TRACK_LOOKUP, empty
from etl.core.signals import wait_interruptibly
from etl.load import batch_writer, snapshot
from etl.load.batch_maker import BatchMaker, stage
from etl.load.batch_writer import LISTEN_PAIRS, Batch, Written, write_batch
from etl.load.enrich import enrich
from etl.load.load_log import CommittedBatch, KeyFailure, RoundResult, RoundStart
from etl.load.result import loaded_keys
from etl.resolve.batches import Phase, cut, find_commit_together, needs, resolved_keys
from etl.resolve.planner import Plan, Planner
from etl.resolve.requests import ResolutionRequest
from etl.resolve.rows import assign_ids, entity_rows
from etl.targets.base import OF_THE_ROWS, OVERTAKEN, Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from etl.core.progress import Progress
    from etl.load.load_log import LoadLog
    from etl.resolve.catalog import Catalog
    from etl.runs.journal import Journal
    from etl.targets.base import Connection
    from etl.targets.pool import Pool

    Failed: TypeAlias = "list[tuple[Batch, StatementError]]"

ROUND_ATTEMPTS = 3  # of a round whose entities Koito keeps removing, before its keys are resolved in halves
EXCLUSIVE_ROUND = 200  # requests, at most, of a round during which nobody else may write
ROWS_PER_REQUEST = 8  # of all tables, about
PART = 5_000  # requests whose listens are kept together
PART_OF_KEY = pl.Schema({"part": pl.UInt32, "lookup_key": pl.String})
REQUEST_COLUMNS = ("lookup_key", *(name for name in ResolutionRequest._fields if name != "key"))


@dataclass(frozen=True)
class Sizes:
    """How the work is divided; the result does not depend on it."""

    batch: int = 40_000
    """Rows per transaction."""
    round: int = 40_000
    """Resolution requests per round."""
    together: int = 1 << 30
    """Bytes of files whose rows are normalised together. Where there are more, the listens are spilled to disk."""
    window: int = 500_000
    """Spilled listens that are looked up and loaded together."""


def plan_requests(catalog: Catalog, hits: pl.DataFrame, requests: pl.DataFrame) -> Plan:
    """Apply the rules to ``requests`` (schema REQUESTS), in their order."""
    planner = Planner(catalog, snapshot.hit_ids(hits))
    columns = [requests.get_column(name).to_list() for name in REQUEST_COLUMNS]
    for request in map(ResolutionRequest._make, zip(*columns, strict=True)):
        planner.resolve(request)
    return planner.plan


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
        """``run_id`` is None for live listens; ``numbers`` number the batches, by default from 1."""
        self._journal = journal
        self._pool = pool
        self._run_id = run_id
        self._user_id = user_id
        self._listens = listens.select("lookup_key", "listened_at", "client")
        self._parts: Sequence[pl.DataFrame] = ()
        self._part_of_key = empty(PART_OF_KEY)
        self._sizes = sizes
        self._batches = BatchMaker(sizes.batch, numbers or count(1))
        self._log = log
        self._progress = progress or NullProgress()

    def load_hits(self, hits: pl.DataFrame) -> list[str]:
        """Insert the listens of cached keys (schema TRACK_LOOKUP); return the keys whose tracks have vanished."""
        hits = hits.sort("lookup_key")
        size = self._pool.target.batch_rows(self._sizes.batch)
        maker = replace(self._batches, size=size)
        batches = maker.of_hits(stage(self._listens, hits, self._user_id), self._pool.size)
        self._log.append(RoundStart(hits.select(TRACK_LOOKUP.names())))
        vanished = _by_key(self._write({Phase.INDEPENDENT: batches}, []))
        self._log.append(RoundResult(vanished))
        self._progress.advance(Count.KEYS, hits.height - len(vanished))
        return sorted(vanished)

    def resolve(self, requests: pl.DataFrame) -> None:
        """Resolve ``requests`` (schema REQUESTS, in order) and insert the listens of their keys."""
        self._divide_listens(requests)
        done = 0
        while done < requests.height:
            part = requests.slice(done, self._round_size())
            self._resolve_until_written(part, attempt=1)
            done += part.height
            failpoint(Point.BETWEEN_ROUNDS)

    def _round_size(self) -> int:
        """Return how many requests the next round may have: where batches are bounded, about those of one."""
        wanted = self._sizes.round
        return max(1, self._pool.target.batch_rows(wanted * ROWS_PER_REQUEST) // ROWS_PER_REQUEST)

    def _divide_listens(self, requests: pl.DataFrame) -> None:
        """Divide the listens by the requests for their keys, so that a round looks at those near its own alone."""
        numbered = requests.select("lookup_key").with_row_index("part").with_columns(pl.col("part") // PART)
        self._part_of_key = numbered.unique("lookup_key", keep="first")
        listens = self._listens.join(self._part_of_key, on="lookup_key")
        parts = {
            number: rows for (number,), rows in listens.partition_by("part", as_dict=True, include_key=False).items()
        }
        numbers = range(-(-requests.height // PART))
        self._parts = [parts.get(number, self._listens.clear()) for number in numbers]

    def _listens_of(self, *keys: pl.DataFrame) -> pl.DataFrame:
        """Return the listens of ``keys`` (lookup_key), perhaps with others."""
        wanted = pl.concat(one.select("lookup_key") for one in keys)
        parts = self._part_of_key.join(wanted, on="lookup_key", how="semi").get_column("part").unique().sort()
        rows: list[pl.DataFrame] = [self._listens.clear(), *(self._parts[number] for number in parts)]
        return pl.concat(rows)

    def _resolve_until_written(self, requests: pl.DataFrame, attempt: int, *, exclusive: bool = False) -> None:
        """Do rounds until each key of ``requests`` is written, or has failed on its own."""
        result, not_enriched = self._round(requests, exclusive=exclusive)
        unwritten = list(result.unwritten)
        written = requests.filter(~pl.col("lookup_key").is_in(unwritten))
        if not_enriched is Failure.MOVED:
            self._resolve_in_parts(written, attempt)
        elif not_enriched and attempt < ROUND_ATTEMPTS:
            self._resolve_until_written(written, attempt + 1)
        if not unwritten:
            return
        again = requests.filter(pl.col("lookup_key").is_in(unwritten))
        if any(error.failure is Failure.MOVED for error in result.unwritten.values()):
            self._resolve_in_parts(again, attempt)
        elif attempt < ROUND_ATTEMPTS and any(error.failure in OVERTAKEN for error in result.unwritten.values()):
            self._resolve_until_written(again, attempt + 1)
        elif len(unwritten) == 1:
            for key, error in result.unwritten.items():
                self._log.append(KeyFailure(key, error.message))
        else:
            middle = len(unwritten) // 2
            for half in (unwritten[:middle], unwritten[middle:]):
                self._resolve_until_written(again.filter(pl.col("lookup_key").is_in(half)), attempt)

    def _resolve_in_parts(self, requests: pl.DataFrame, attempt: int) -> None:
        """Plan ``requests`` again after others have changed the data: in halves, which are planned faster.

        At last nobody else may write during a round, so beside any number of other writers the end is reached.
        """
        size = max(EXCLUSIVE_ROUND, -(-requests.height // 2))
        for part in requests.iter_slices(size):
            self._resolve_until_written(part, attempt, exclusive=part.height <= EXCLUSIVE_ROUND)

    def _round(self, requests: pl.DataFrame, *, exclusive: bool) -> tuple[RoundResult, Failure | None]:
        """Do one round; return its result, and why enrichment did not go through, if so."""

        def read_and_plan(connection: Connection) -> tuple[Catalog, Plan, pl.DataFrame]:
            self._pool.target.begin_round(connection, exclusive=exclusive)
            return self._read_and_plan(connection, requests)

        catalog, plan, hits = self._pool.control(read_and_plan)
        taking = self._pool.control_later(lambda connection: snapshot.allocate_ids(connection, plan))
        late = self._not_loaded(hits)
        resolved = resolved_keys(plan, catalog)
        needed = needs(plan, resolved)
        listens = self._listens_of(resolved, late)
        per_key = listens.group_by("lookup_key").len()
        counts = resolved.join(per_key, on="lookup_key", how="left", maintain_order="left").get_column("len")
        together = find_commit_together(catalog, resolved, needed)
        size = self._batch_size(plan, listens.height)
        division = cut(resolved, needed, together, counts.fill_null(0).cast(pl.Int64), size)
        ids = wait_interruptibly(taking)
        lookups = assign_ids(resolved, ids)
        entities = entity_rows(plan, ids, lookups, needed, division)
        staged = stage(listens, pl.concat([lookups.drop("position"), late]), self._user_id)
        batches, overflow = replace(self._batches, size=size).of_round(lookups, staged, division, entities)
        self._log.append(RoundStart(late.select(TRACK_LOOKUP.names())))
        failed = _by_key(self._write(batches, overflow))
        in_order = [key for key in (*plan.resolved, *late.get_column("lookup_key")) if key in failed]
        result = RoundResult({key: failed[key] for key in in_order}, plan.notes)
        self._log.append(result)
        failpoint(Point.BEFORE_ENRICHMENT)
        return result, self._pool.control(lambda connection: enrich(self._pool.target, connection, plan))

    def _read_and_plan(self, connection: Connection, requests: pl.DataFrame) -> tuple[Catalog, Plan, pl.DataFrame]:
        """Read what the requests concern, within the round's transaction, and plan."""
        hits = snapshot.read_hits(connection, requests.get_column("lookup_key").unique())
        catalog = snapshot.read_catalog(connection, requests, hits)
        return catalog, plan_requests(catalog, hits, requests), hits

    def _batch_size(self, plan: Plan, listens: int) -> int:
        """Return how many listens a batch may have, by the rows of all tables that the target takes at once."""
        made = 2 * len(plan.artists) + 3 * len(plan.releases) + 3 * len(plan.tracks) + len(plan.resolved)
        share = 1 + made / max(1, listens)
        wanted = math.ceil(self._sizes.batch * share)
        allowed = self._pool.target.batch_rows(wanted)
        return self._sizes.batch if allowed >= wanted else max(1, int(allowed / share))

    def _not_loaded(self, hits: pl.DataFrame) -> pl.DataFrame:
        """Return those ``hits`` that another run has resolved since this one looked them up."""
        return hits.join(loaded_keys(self._log.entries()), on="lookup_key", how="anti") if hits.height else hits

    def _write(self, batches: Mapping[Phase, Sequence[Batch]], overflow: Sequence[Batch]) -> Failed:
        """Write batches, in parallel where their phase allows it; return those that failed."""
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
        """Write ``batches`` one after the other; the first that fails for its rows takes the rest with it."""
        for number, batch in enumerate(batches):
            try:
                written = write_batch(self._pool.target, connection, self._run_id, batch, self._journal)
            except StatementError as error:
                if error.failure not in OF_THE_ROWS:
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
    """Return the keys of batches that failed, each with its error."""
    return {key: error for batch, error in failed for key in batch.keys}


def _collect(running: Iterable[Future[Failed]]) -> Failed:
    return [failure for future in running for failure in wait_interruptibly(future)]
