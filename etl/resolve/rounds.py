"""Loads the listens of a run: cache hits at once, the rest round by round.

A round takes the lock, reads the names concerned afresh, plans, writes through the pool, commits and lets go, so that
another run or a live listen waits for one round at most. What fails for its data is resolved again in halves, until
the guilty key is alone.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from etl.database.failures import Failure, StatementError
from etl.load import Batch, Written, write_batch
from etl.resolve import snapshot
from etl.resolve.batches import cut, items
from etl.resolve.frames import EntityRows, Writer
from etl.resolve.plan import Ids, Plan, Planner, Unit
from etl.schema import KEYS, STAGE, KeyStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from etl.database.connection import Connection
    from etl.database.pool import Pool
    from etl.resolve.catalog import Catalog

    Failed: TypeAlias = "list[tuple[Batch, StatementError]]"
    Running: TypeAlias = "tuple[Batch, Future[Failed]]"

ATTEMPTS = 3  # of a round whose entities Koito removed meanwhile, before its keys are looked at one by one
KEY_COLUMNS = ("lookup_key", "status", "detail", "artist_id", "album_id", "track_id")
UNIT_COLUMNS = ("lookup_key", *(name for name in Unit._fields if name != "key"))


@dataclass(frozen=True)
class Sizes:
    """How the work is divided; the result does not depend on it."""

    batch: int = 25_000
    """Rows per transaction."""
    round: int = 20_000
    """Units per round."""


@dataclass
class Loaded:
    """What has become of the keys and listens so far."""

    hits: dict[str, Ids] = field(default_factory=dict)
    resolved: dict[str, Ids] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """The reason by key."""
    notes: dict[str, str] = field(default_factory=dict)
    inserted: list[pl.DataFrame] = field(default_factory=list)
    """track_id, listened_at."""
    of_other_users: list[pl.DataFrame] = field(default_factory=list)
    """track_id, listened_at."""
    created: Counter[str] = field(default_factory=Counter)
    retries: int = 0

    def as_frame(self) -> pl.DataFrame:
        """Return lookup_key, status, detail, artist_id, album_id and track_id of every key that was looked at."""
        rows = [
            *((key, str(KeyStatus.HIT), self.notes.get(key), *ids) for key, ids in self.hits.items()),
            *((key, str(KeyStatus.RESOLVED), self.notes.get(key), *ids) for key, ids in self.resolved.items()),
            *((key, str(KeyStatus.FAILED), reason, None, None, None) for key, reason in self.failed.items()),
        ]
        return pl.DataFrame(rows, schema={name: KEYS[name] for name in KEY_COLUMNS}, orient="row")


def plan_units(catalog: Catalog, hits: pl.DataFrame, units: pl.DataFrame) -> Plan:
    """Apply the rules to ``units`` (schema UNITS), in their order."""
    planner = Planner(catalog, snapshot.hit_ids(hits))
    for row in units.select(UNIT_COLUMNS).iter_rows():
        planner.resolve(Unit(*row))
    return planner.plan


def stage(listens: pl.DataFrame, ids: Mapping[str, Ids], user_id: int) -> pl.DataFrame:
    """Return the listens of the keys in ``ids``: schema STAGE and lookup_key, each (track, second) once.

    Which client a doubled one keeps is decided by the order of the keys and by content, never by file or row.
    """
    tracks = pl.DataFrame(
        {"lookup_key": list(ids), "track_id": [found.track for found in ids.values()], "order": range(len(ids))},
        schema={"lookup_key": pl.String, "track_id": STAGE["track_id"], "order": pl.Int64},
    )
    rows = listens.select("lookup_key", "listened_at", "client").join(tracks, on="lookup_key")
    ordered = rows.sort("order", "client", nulls_last=True)
    once = ordered.unique(["track_id", "listened_at"], keep="first", maintain_order=True)
    return once.with_columns(user_id=pl.lit(user_id, STAGE["user_id"])).drop("order")


class Loader:
    """Writes the listens of one run; ``listens`` has lookup_key, listened_at and client."""

    def __init__(
        self, pool: Pool, run_id: str, user_id: int, listens: pl.DataFrame, sizes: Sizes, loaded: Loaded
    ) -> None:
        self._pool = pool
        self._run_id = run_id
        self._user_id = user_id
        self._listens = listens.select("lookup_key", "listened_at", "client")
        self._per_key = dict(self._listens.group_by("lookup_key").len().iter_rows())
        self._sizes = sizes
        self._batches = 0
        self._recording = threading.Lock()
        self.loaded = loaded
        self.on_progress: Callable[[int], None] = lambda _: None

    def load_hits(self, hits: pl.DataFrame) -> list[str]:
        """Insert the listens of cached keys, and return the keys whose tracks vanished meanwhile."""
        ids = snapshot.hit_ids(hits.sort("lookup_key"))
        rows = stage(self._listens, ids, self._user_id).sort("track_id", "listened_at")
        batches = [self._batch(part) for part in rows.iter_slices(self._sizes.batch)]
        vanished = {key for batch, _ in self._write([], batches, [], []) for key in batch.keys}
        self.loaded.hits.update((key, found) for key, found in ids.items() if key not in vanished)
        return sorted(vanished)

    def resolve(self, units: pl.DataFrame) -> None:
        """Resolve ``units`` (schema UNITS, in order) and insert the listens of their keys."""
        for part in units.iter_slices(self._sizes.round):
            self._resolve_part(part, attempt=1)

    def _resolve_part(self, units: pl.DataFrame, attempt: int) -> None:
        failed, enriched = self._round(units)
        if not enriched and attempt < ATTEMPTS:
            self._resolve_part(units.filter(~pl.col("lookup_key").is_in(list(failed))), attempt + 1)
        if not failed:
            return
        again = units.filter(pl.col("lookup_key").is_in(list(failed)))
        if attempt < ATTEMPTS and any(error.failure is Failure.GONE for error in failed.values()):
            self._resolve_part(again, attempt + 1)
        elif len(failed) == 1:
            self.loaded.failed.update((key, error.message) for key, error in failed.items())
        else:
            keys = list(failed)
            for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
                self._resolve_part(again.filter(pl.col("lookup_key").is_in(half)), attempt)

    def _round(self, units: pl.DataFrame) -> tuple[dict[str, StatementError], bool]:
        """Do one round; return the keys that were not written, in order, and whether enrichment went through."""
        catalog, plan, writer = self._pool.control(lambda connection: self._read_and_plan(connection, units))
        late = {key: ids for key, ids in plan.ids.items() if key not in plan.resolved and not self._is_loaded(key)}
        ids = {key: writer.ids(found) for key, found in (plan.resolved | late).items()}
        division = cut(items(plan, catalog, self._per_key), self._sizes.batch)
        groups = [*division.seeds, *division.free, list(late), *division.after]
        staged = self._stage_groups(groups, ids)
        # Made one by one, so that the first are written while the next are made.
        batches = (
            self._batch(rows.head(self._sizes.batch), keys, writer.rows(keys))
            for keys, rows in zip(groups, staged, strict=True)
        )
        seeds = list(islice(batches, len(division.seeds)))
        free = islice(batches, len(division.free) + 1)
        too_many = (rows.slice(self._sizes.batch) for rows in staged)
        overflow = [self._batch(part) for rows in too_many for part in rows.iter_slices(self._sizes.batch)]
        failures = self._write(seeds, free, batches, overflow)
        failed = {key: error for batch, error in failures for key in batch.keys}
        self.loaded.hits.update((key, ids[key]) for key in late if key not in failed)
        self.loaded.resolved.update((key, ids[key]) for key in plan.resolved if key not in failed)
        self.loaded.notes.update(plan.notes)
        enriched = self._pool.control(lambda connection: _enrich(connection, plan))
        return {key: failed[key] for key in ids if key in failed}, enriched

    def _is_loaded(self, key: str) -> bool:
        return key in self.loaded.hits or key in self.loaded.resolved

    def _read_and_plan(self, connection: Connection, units: pl.DataFrame) -> tuple[Catalog, Plan, Writer]:
        """Take the round's lock, which the transaction holds until its end, and plan."""
        connection.read("round_lock")
        hits = snapshot.read_hits(connection, units.get_column("lookup_key").unique())
        catalog = snapshot.read_catalog(connection, units, hits)
        plan = plan_units(catalog, hits, units)
        return catalog, plan, Writer(plan, catalog, snapshot.take_ids(connection, plan))

    def _batch(
        self, rows: pl.DataFrame, keys: Sequence[str] | None = None, entities: EntityRows | None = None
    ) -> Batch:
        self._batches += 1
        keys = rows.get_column("lookup_key").unique().sort().to_list() if keys is None else keys
        return Batch(self._batches, rows.select(STAGE.names()), keys, entities or EntityRows())

    def _stage_groups(self, groups: Sequence[Sequence[str]], ids: dict[str, Ids]) -> list[pl.DataFrame]:
        """Return the staged listens of each group of keys."""
        numbers = [(key, number) for number, keys in enumerate(groups) for key in keys]
        of_key = pl.DataFrame(numbers, schema={"lookup_key": pl.String, "group": pl.Int32}, orient="row")
        rows = (
            stage(self._listens, ids, self._user_id)
            .join(of_key, on="lookup_key")
            .sort("group", "track_id", "listened_at")
        )
        parts = rows.partition_by("group", as_dict=True, include_key=False)
        return [parts.get((number,), rows.clear().drop("group")) for number in range(len(groups))]

    def _write(
        self, seeds: Sequence[Batch], free: Iterable[Batch], after: Iterable[Batch], overflow: Sequence[Batch]
    ) -> Failed:
        """Write the batches of a round, side by side where ``cut`` allows it; return those that failed."""
        chain = self._pool.submit(lambda connection: self._write_chain(connection, seeds))
        running = [(batch, self._submit(batch)) for batch in free]
        waiting = list(after)
        failed = chain.result()
        if failed:
            failed += [(batch, failed[0][1]) for batch in waiting]
        else:
            running += [(batch, self._submit(batch)) for batch in waiting]
        failed += self._collect(running)
        if failed:
            return failed + [(batch, failed[0][1]) for batch in overflow]
        return self._collect([(batch, self._submit(batch)) for batch in overflow])

    def _submit(self, batch: Batch) -> Future[Failed]:
        return self._pool.submit(lambda connection: self._write_chain(connection, [batch]))

    def _collect(self, running: Iterable[Running]) -> Failed:
        return [failure for _, future in running for failure in future.result()]

    def _write_chain(self, connection: Connection, batches: Sequence[Batch]) -> Failed:
        """Write ``batches`` one after the other; the first that fails for its rows takes the rest with it."""
        for place, batch in enumerate(batches):
            try:
                written = write_batch(connection, self._run_id, batch)
            except StatementError as error:
                if error.failure not in (Failure.DATA, Failure.GONE):
                    raise
                return [(lost, error) for lost in batches[place:]]
            with self._recording:
                self._record(batch, written)
        return []

    def _record(self, batch: Batch, written: Written) -> None:
        loaded, created = self.loaded, batch.entities.created
        loaded.inserted.append(written.inserted)
        loaded.of_other_users.append(written.of_other_users)
        loaded.created.update(artists=created.artists, albums=created.albums, tracks=created.tracks)
        loaded.retries += written.retries
        self.on_progress(batch.listens.height)


def _enrich(connection: Connection, plan: Plan) -> bool:
    """Add what existing entities lacked and end the round; False where Koito changed one of them meanwhile."""
    changes: dict[str, Mapping[int, str] | Mapping[int, int]] = {
        "enrich_artists": plan.artist_mbids,
        "enrich_releases": plan.release_mbids,
        "enrich_tracks": plan.track_mbids,
        "enrich_durations": plan.durations,
    }
    try:
        for name, values in changes.items():
            if values:
                connection.write(name, pl.Series(list(values), dtype=pl.Int32), pl.Series(list(values.values())))
        connection.commit()
    except StatementError as error:
        connection.rollback()
        if error.failure not in (Failure.DATA, Failure.TRANSIENT):
            raise
        return False
    return True
