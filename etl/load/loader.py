"""Loads the listens of a run: cache hits at once, the rest round by round.

A round takes the lock, reads the names concerned afresh, plans, writes through the pool, commits and lets go, so that
another run or a live listen waits for one round at most. What fails for its data is resolved again in halves, until
the guilty key is alone.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import polars as pl

from etl.core.failpoints import Point, failpoint
from etl.core.progress import Count, NullProgress
from etl.core.schema import STAGE
from etl.core.signals import wait_interruptibly
from etl.load import batch_writer, snapshot
from etl.load.batch_writer import Batch, Written, write_batch
from etl.load.result import Commit
from etl.resolve.batches import Phase, cut, find_commit_together, needs, resolved_keys
from etl.resolve.planner import Plan, Planner
from etl.resolve.requests import ResolutionRequest
from etl.resolve.rows import EntityRows, added_aliases, assign_ids, entity_rows
from etl.targets.base import OF_THE_ROWS, OVERTAKEN, Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from etl.core.progress import Progress
    from etl.load.result import LoadResult
    from etl.resolve.catalog import Catalog
    from etl.targets.base import Connection, Target
    from etl.targets.pool import Pool

    Failed: TypeAlias = "list[tuple[Batch, StatementError]]"

ROUND_ATTEMPTS = 3  # of a round whose entities Koito removed meanwhile, before its keys are looked at one by one
ENRICH_ALIASES = {"artist": "enrich_artist_aliases", "album": "enrich_release_aliases", "track": "enrich_track_aliases"}
PARTS = pl.Schema({"part": pl.UInt32, "lookup_key": pl.String})
REQUEST_COLUMNS = ("lookup_key", *(name for name in ResolutionRequest._fields if name != "key"))


@dataclass(frozen=True)
class Sizes:
    """How the work is divided; the result does not depend on it."""

    batch: int = 40_000
    """Rows per transaction."""
    round: int = 40_000
    """Units per round."""
    together: int = 1 << 30
    """Bytes of files whose rows are normalised together; where there are more, listens go by way of the disk."""
    window: int = 500_000
    """Listens that are looked up and loaded together where they went by way of the disk."""


def plan_requests(catalog: Catalog, hits: pl.DataFrame, requests: pl.DataFrame) -> Plan:
    """Apply the rules to ``requests`` (schema REQUESTS), in their order."""
    planner = Planner(catalog, snapshot.hit_ids(hits))
    columns = [requests.get_column(name).to_list() for name in REQUEST_COLUMNS]
    for request in map(ResolutionRequest._make, zip(*columns, strict=True)):
        planner.resolve(request)
    return planner.plan


def stage(listens: pl.DataFrame, keys: pl.DataFrame, user_id: int) -> pl.DataFrame:
    """Return the listens of ``keys`` (lookup_key, track_id): schema STAGE and lookup_key, each (track, second) once.

    Which client a doubled one keeps is decided by the order of the keys and by content, never by file or row.
    """
    order = keys.select("lookup_key", "track_id").with_row_index("order")
    rows = listens.select("lookup_key", "listened_at", "client").join(order, on="lookup_key")
    rows = rows.with_columns(user_id=pl.lit(user_id, STAGE["user_id"]))
    pair = ["track_id", "listened_at"]
    if rows.select(pair).is_duplicated().any():
        rows = rows.sort("order", "client", nulls_last=True).unique(pair, keep="first", maintain_order=True)
    return rows.drop("order")


class Loader:
    """Writes the listens of one run; ``listens`` has lookup_key, listened_at and client.

    Live listens are of no run (``run_id`` None).
    """

    def __init__(
        self,
        pool: Pool,
        run_id: str | None,
        user_id: int,
        listens: pl.DataFrame,
        sizes: Sizes,
        loaded: LoadResult,
        progress: Progress | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        """``numbers`` are those of the batches, from 1 where none are given."""
        self._pool = pool
        self._run_id = run_id
        self._user_id = user_id
        self._listens = listens.select("lookup_key", "listened_at", "client")
        self._parts: Sequence[pl.DataFrame] = ()
        self._part_of_key = pl.DataFrame(schema=PARTS)
        self._sizes = sizes
        self._numbers = numbers or count(1)
        self._recording = threading.Lock()
        self.loaded = loaded
        self._progress = progress or NullProgress()

    def load_hits(self, hits: pl.DataFrame) -> list[str]:
        """Insert the listens of cached keys (schema TRACK_LOOKUP); return the keys whose tracks vanished meanwhile."""
        hits = hits.sort("lookup_key")
        rows = stage(self._listens, hits, self._user_id).sort("track_id", "listened_at")
        size = _even(rows.height, self._sizes.batch, self._pool.size)
        batches = [self._batch(part) for part in rows.iter_slices(size)]
        self.loaded.hits.append(hits)  # in case that the run ends here
        vanished = {key for batch, _ in self._write({Phase.INDEPENDENT: batches}, []) for key in batch.keys}
        self.loaded.hits[-1] = hits.filter(~pl.col("lookup_key").is_in(vanished))
        self._progress.advance(Count.KEYS, self.loaded.hits[-1].height)
        self.loaded.left.append(hits.filter(pl.col("lookup_key").is_in(vanished)).get_column("track_id"))
        return sorted(vanished)

    def resolve(self, requests: pl.DataFrame) -> None:
        """Resolve ``requests`` (schema REQUESTS, in order) and insert the listens of their keys."""
        self._part_listens(requests)
        for part in requests.iter_slices(self._sizes.round):
            self._resolve_part(part, attempt=1)
            failpoint(Point.BETWEEN_ROUNDS)

    def _part_listens(self, requests: pl.DataFrame) -> None:
        """Sort the listens out by the round that has their key first: a round then looks at its own ones alone."""
        size = self._sizes.round
        numbered = requests.select("lookup_key").with_row_index("part").with_columns(pl.col("part") // size)
        self._part_of_key = numbered.unique("lookup_key", keep="first")
        listens = self._listens.join(self._part_of_key, on="lookup_key")
        parts = {
            number: rows for (number,), rows in listens.partition_by("part", as_dict=True, include_key=False).items()
        }
        self._parts = [parts.get(number, self._listens.clear()) for number in range(-(-requests.height // size))]

    def _listens_of(self, *keys: pl.DataFrame) -> pl.DataFrame:
        """Return the listens of ``keys`` (lookup_key), perhaps with others."""
        wanted = pl.concat(one.select("lookup_key") for one in keys)
        parts = self._part_of_key.join(wanted, on="lookup_key", how="semi").get_column("part").unique().sort()
        rows: list[pl.DataFrame] = [self._listens.clear(), *(self._parts[part] for part in parts)]
        return pl.concat(rows)

    def _resolve_part(self, requests: pl.DataFrame, attempt: int) -> None:
        failed, enriched = self._round(requests)
        if not enriched and attempt < ROUND_ATTEMPTS:
            self._resolve_part(requests.filter(~pl.col("lookup_key").is_in(list(failed))), attempt + 1)
        if not failed:
            return
        again = requests.filter(pl.col("lookup_key").is_in(list(failed)))
        if attempt < ROUND_ATTEMPTS and any(error.failure in OVERTAKEN for error in failed.values()):
            self._resolve_part(again, attempt + 1)
        elif len(failed) == 1:
            self.loaded.failed.update((key, error.message) for key, error in failed.items())
        else:
            keys = list(failed)
            for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
                self._resolve_part(again.filter(pl.col("lookup_key").is_in(half)), attempt)

    def _round(self, requests: pl.DataFrame) -> tuple[dict[str, StatementError], bool]:
        """Do one round; return the keys that were not written, in order, and whether enrichment went through."""
        catalog, plan, hits = self._pool.control(lambda connection: self._read_and_plan(connection, requests))
        taking = self._pool.control_later(lambda connection: snapshot.allocate_ids(connection, plan))
        late = self._not_loaded(hits)
        resolved = resolved_keys(plan, catalog)
        needed = needs(plan, resolved)
        listens = self._listens_of(resolved, late)
        per_key = listens.group_by("lookup_key").len()
        counts = resolved.join(per_key, on="lookup_key", how="left", maintain_order="left").get_column("len")
        in_order = find_commit_together(catalog, resolved, needed)
        division = cut(resolved, needed, in_order, counts.fill_null(0).cast(pl.Int64), self._sizes.batch)
        ids = wait_interruptibly(taking)
        lookups = assign_ids(resolved, ids)
        entities = entity_rows(plan, ids, lookups, needed, division)
        staged = stage(listens, pl.concat([lookups.drop("place"), late]), self._user_id)
        batches, overflow = self._divide(lookups, staged, division, entities)
        before = len(self.loaded.resolved)
        self.loaded.hits.append(late)  # in case that the run ends here; the resolved ones are recorded by batch
        failed = {key: error for batch, error in self._write(batches, overflow) for key in batch.keys}
        self.loaded.hits[-1] = late.filter(~pl.col("lookup_key").is_in(list(failed)))
        self.loaded.resolved[before:] = [lookups.filter(~pl.col("lookup_key").is_in(list(failed)))]
        self.loaded.notes.update(plan.notes)
        failpoint(Point.BEFORE_ENRICHMENT)
        enriched = self._pool.control(lambda connection: _enrich(self._pool.target, connection, plan))
        return {key: failed[key] for key in [*plan.resolved, *late.get_column("lookup_key")] if key in failed}, enriched

    def _read_and_plan(self, connection: Connection, requests: pl.DataFrame) -> tuple[Catalog, Plan, pl.DataFrame]:
        """Take the round's lock, which the transaction holds until its end, and plan."""
        self._pool.target.begin_round(connection)
        hits = snapshot.read_hits(connection, requests.get_column("lookup_key").unique())
        catalog = snapshot.read_catalog(connection, requests, hits)
        return catalog, plan_requests(catalog, hits, requests), hits

    def _not_loaded(self, hits: pl.DataFrame) -> pl.DataFrame:
        """Return those ``hits`` that another run resolved since this one looked them up."""
        loaded = [part.select("lookup_key") for part in (*self.loaded.hits, *self.loaded.resolved)]
        return hits.join(pl.concat(loaded), on="lookup_key", how="anti") if loaded and hits.height else hits

    def _divide(
        self, lookups: pl.DataFrame, staged: pl.DataFrame, division: pl.DataFrame, entities: Mapping[int, EntityRows]
    ) -> tuple[dict[Phase, list[Batch]], list[Batch]]:
        """Return the batches of a round by phase, and the listens that are too many for the batch of their key."""
        keyed = lookups.select("place", "lookup_key").join(division, on="place", maintain_order="left")
        rows = staged.join(keyed, on="lookup_key", how="left").sort("batch", "track_id", "listened_at")
        listens = rows.partition_by("batch", as_dict=True)
        batches: dict[Phase, list[Batch]] = {phase: [] for phase in Phase}
        overflow = [listens[None,]] if (None,) in listens else []
        for (number, phase), keys in keyed.sort("batch", "place").group_by("batch", "phase", maintain_order=True):
            part = listens.get((number,), rows.clear())
            names = keys.get_column("lookup_key").to_list()
            part, rest = self._with_each_track(part)
            batches[Phase(phase)].append(self._batch(part, names, entities[number]))
            overflow.append(rest)
        later = pl.concat([rows.clear(), *overflow])
        return batches, [self._batch(part) for part in later.iter_slices(self._sizes.batch)]

    def _with_each_track(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows for the batch of their keys, one of each track at least, and those that are too many."""
        if rows.height <= self._sizes.batch:
            return rows, rows.clear()
        is_first = rows.get_column("track_id").is_first_distinct()
        size = max(self._sizes.batch, rows.get_column("track_id").n_unique())
        ordered = rows.with_columns(is_later=~is_first).sort("is_later", maintain_order=True).drop("is_later")
        return ordered.head(size), ordered.slice(size)

    def _batch(
        self, rows: pl.DataFrame, keys: Sequence[str] | None = None, entities: EntityRows | None = None
    ) -> Batch:
        keys = rows.get_column("lookup_key").unique().sort().to_list() if keys is None else keys
        return Batch(next(self._numbers), rows.select(STAGE.names()), keys, entities or EntityRows())

    def _write(self, batches: Mapping[Phase, Sequence[Batch]], overflow: Sequence[Batch]) -> Failed:
        """Write batches, side by side where their phase allows it; return those that failed."""
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
        for place, batch in enumerate(batches):
            try:
                written = write_batch(self._pool.target, connection, self._run_id, batch)
            except StatementError as error:
                if error.failure not in OF_THE_ROWS:
                    raise
                return [(lost, error) for lost in batches[place:]]
            with self._recording:
                self._record(batch, written)
        return []

    def _record(self, batch: Batch, written: Written) -> None:
        loaded, created = self.loaded, batch_writer.created(batch)
        keys = pl.Series(dtype=pl.String)
        if (resolved := batch.entities.tables.get("track_lookup")) is not None:
            loaded.resolved.append(resolved)
            keys = resolved.get_column("lookup_key").alias("")
        loaded.commits.append(Commit(batch.number, time.monotonic(), keys, created))
        loaded.reached.append(batch.listens.select("track_id", "listened_at"))
        loaded.inserted.append(written.inserted)
        loaded.of_other_users.append(written.of_other_users)
        loaded.created.update(created)
        loaded.retries += written.retries
        self._progress.advance(Count.KEYS, len(keys))
        self._progress.advance(Count.LISTENS, batch.listens.height)


def _even(rows: int, most: int, workers: int) -> int:
    """Return how many rows, at most ``most``, each batch has if all ``workers`` are to be done at the same time."""
    batches = workers * max(1, -(-rows // (workers * most)))
    return max(1, -(-rows // batches))


def _collect(running: Iterable[Future[Failed]]) -> Failed:
    return [failure for future in running for failure in wait_interruptibly(future)]


def _enrich(target: Target, connection: Connection, plan: Plan) -> bool:
    """Add what existing entities lacked and end the round; False where Koito changed one of them meanwhile."""
    changes: dict[str, Mapping[int, str] | Mapping[int, int]] = {
        "enrich_artists": plan.artist_mbids,
        "enrich_releases": plan.release_mbids,
        "enrich_tracks": plan.track_mbids,
        "enrich_durations": plan.durations,
    }
    try:
        if plan.aliases or any(changes.values()):
            target.begin_batch(connection)
        for name, values in changes.items():
            if values:
                connection.execute(name, _changes(values))
        if plan.aliases:
            for entity, rows in added_aliases(plan).items():
                connection.execute(ENRICH_ALIASES[entity], rows)
        connection.commit()
    except StatementError as error:
        connection.rollback()
        if error.failure not in (*OF_THE_ROWS, Failure.TRANSIENT):
            raise
        return False
    return True


def _changes(values: Mapping[int, str] | Mapping[int, int]) -> pl.DataFrame:
    return pl.DataFrame({"id": pl.Series(list(values), dtype=pl.Int32), "value": pl.Series(list(values.values()))})
