"""Derives from the log of a load what became of its keys and listens. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.schema import KEYS, TRACK_LOOKUP, KeyStatus, empty
from etl.load.batch_writer import LISTEN_PAIRS
from etl.load.load_log import CommittedBatch, KeyFailure, RunStart, StepResult, StepStart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from etl.load.load_log import Entry

KEY_IDS = pl.Schema({name: KEYS[name] for name in KEYS if name not in ("listens", "spellings")})


class LoadResult(msgspec.Struct, frozen=True):
    """What became of the keys and listens of a load."""

    keys: pl.DataFrame = msgspec.field(default_factory=lambda: empty(KEY_IDS))
    """Every key that was reached (schema KEY_IDS). A key that was resolved again has its latest ids."""
    replaced_tracks: pl.Series = msgspec.field(default_factory=lambda: pl.Series(dtype=pl.Int32))
    """Ids of the tracks that a key stood for before it was resolved again."""
    reached: pl.DataFrame = msgspec.field(default_factory=lambda: empty(LISTEN_PAIRS))
    """The listens of all committed batches (schema LISTEN_PAIRS, as the next two)."""
    inserted: pl.DataFrame = msgspec.field(default_factory=lambda: empty(LISTEN_PAIRS))
    of_other_users: pl.DataFrame = msgspec.field(default_factory=lambda: empty(LISTEN_PAIRS))
    created: Mapping[str, int] = msgspec.field(default_factory=Counter)
    """How many artists, albums and tracks were created."""
    retries: int = 0


class _Step(msgspec.Struct, frozen=True):
    """The entries of one step."""

    hits: pl.DataFrame
    batches: list[CommittedBatch] = msgspec.field(default_factory=list)
    results: list[StepResult] = msgspec.field(default_factory=list)
    """One result; none if the step did not end."""

    @property
    def unwritten(self) -> list[str]:
        """The keys that another step must resolve again."""
        return [key for result in self.results for key in result.unwritten]

    @property
    def resolved(self) -> pl.DataFrame:
        """The keys that its batches resolved (schema TRACK_LOOKUP)."""
        return pl.concat([empty(TRACK_LOOKUP), *(batch.resolved for batch in self.batches)])


def summarize(entries: Sequence[Entry]) -> LoadResult:
    """Return what became of the keys and listens of a load whose log has ``entries``."""
    steps = _steps(entries)
    batches = [batch for one in steps for batch in one.batches]
    found = _ids_in_order(steps, {entry.key: entry.reason for entry in entries if isinstance(entry, KeyFailure)})
    keys = found.unique("lookup_key", keep="last", maintain_order=True)
    replaced = _replaced_tracks(steps, found)
    reached = _listen_pairs(batch.reached for batch in batches)
    inserted = _listen_pairs(batch.inserted for batch in batches)
    return LoadResult(
        keys,
        replaced.get_column("track_id").unique(),
        reached,
        _after_merges(inserted, reached, replaced, keys),
        _listen_pairs(batch.of_other_users for batch in batches),
        sum((Counter(batch.created) for batch in batches), Counter[str]()),
        sum(entry.retries for entry in entries if isinstance(entry, RunStart | CommittedBatch)),
    )


def loaded_keys(entries: Sequence[Entry]) -> pl.DataFrame:
    """Return the keys whose listens are loaded (column lookup_key)."""
    steps = _steps(entries)
    parts = [frame.select("lookup_key") for one in steps for frame in (_written_hits(one), _written_resolved(one))]
    return pl.concat([empty(TRACK_LOOKUP).select("lookup_key"), *parts])


def _steps(entries: Sequence[Entry]) -> list[_Step]:
    steps: list[_Step] = []
    for entry in entries:
        match entry:
            case StepStart(hits):
                steps.append(_Step(hits))
            case CommittedBatch():
                steps[-1].batches.append(entry)
            case StepResult():
                steps[-1].results.append(entry)
            case _:
                continue
    return steps


def _written_hits(one: _Step) -> pl.DataFrame:
    return _without(one.hits, one.unwritten)


def _written_resolved(one: _Step) -> pl.DataFrame:
    return _without(one.resolved, one.unwritten)


def _without(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    return frame.filter(~pl.col("lookup_key").is_in(keys)) if keys else frame


def _ids_in_order(steps: Sequence[_Step], failures: Mapping[str, str]) -> pl.DataFrame:
    """Return the keys with their ids (schema KEY_IDS): first the hits, then the resolved keys, then the failed ones."""
    notes = {key: note for one in steps for result in one.results for key, note in result.notes.items()}
    noted = pl.DataFrame(list(notes.items()), {"lookup_key": pl.String, "detail": pl.String}, orient="row")
    parts = [
        *(_written_hits(one).with_columns(status=pl.lit(str(KeyStatus.HIT))) for one in steps),
        *(_written_resolved(one).with_columns(status=pl.lit(str(KeyStatus.RESOLVED))) for one in steps),
    ]
    found = pl.concat([empty(TRACK_LOOKUP).with_columns(status=pl.lit(None, pl.String)), *parts])
    found = found.join(noted, on="lookup_key", how="left", maintain_order="left")
    failed = pl.DataFrame(list(failures.items()), {"lookup_key": pl.String, "detail": pl.String}, orient="row")
    failed = failed.with_columns(status=pl.lit(str(KeyStatus.FAILED)))
    return pl.concat([found, failed], how="diagonal").select(KEY_IDS.names())


def _replaced_tracks(steps: Sequence[_Step], found: pl.DataFrame) -> pl.DataFrame:
    """Return the keys that failed in a step or got other ids later, with their earlier tracks: lookup_key, track_id."""
    parts = [found.filter(pl.col("lookup_key").is_duplicated() & ~pl.col("lookup_key").is_last_distinct())]
    for one in steps:
        if one.unwritten:
            is_unwritten = pl.col("lookup_key").is_in(one.unwritten)
            parts += [one.hits.filter(is_unwritten), one.resolved.filter(is_unwritten)]
    return pl.concat(part.select("lookup_key", "track_id") for part in parts).drop_nulls()


def _after_merges(
    inserted: pl.DataFrame, reached: pl.DataFrame, replaced: pl.DataFrame, keys: pl.DataFrame
) -> pl.DataFrame:
    """Return ``inserted``, and the listens that Koito moved to another track before the rest of their key was written.

    They counted as present when the key was resolved again, but this load had inserted them.
    """
    if replaced.is_empty():
        return inserted
    now = keys.select("lookup_key", now="track_id").drop_nulls()
    moves = replaced.join(now, on="lookup_key").select("track_id", "now").unique()
    pair = LISTEN_PAIRS.names()
    moved = inserted.join(moves, on="track_id").select(was="track_id", track_id="now", listened_at="listened_at")
    moved = moved.join(reached, on=pair, how="semi").join(inserted, on=pair, how="anti").unique(pair, keep="first")
    there = moved.select(track_id="was", listened_at="listened_at")
    return pl.concat([inserted.join(there, on=pair, how="anti", maintain_order="left"), moved.select(pair)])


def _listen_pairs(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([empty(LISTEN_PAIRS), *parts])
