"""Counts what became of every key and row of a run, and writes it into the run directory."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from etl.core.schema import KEYS, LISTENS, OUTCOME, empty
from etl.core.signals import retry_on_interrupt
from etl.runs import accounting
from etl.runs.chunks import keys_after_each, merge_keys, merge_tallies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from etl.extract.row_store import Chunk
    from etl.extract.rows import Rows
    from etl.load.result import LoadResult
    from etl.pipeline.context import RunContext
    from etl.runs.directory import RunDirectory

_ACCOUNTED = ("file", "row", "lookup_key", "listened_at", "client")


class RunTotals(msgspec.Struct, frozen=True):
    """What became of the keys and rows of a run."""

    counts: Mapping[str, int]
    per_file: Mapping[str, Mapping[str, int]]
    tally: accounting.OutcomeTally
    created: Mapping[str, int]
    """How many artists, albums and tracks were created."""
    retries: int
    removed: int
    """Listens that the run inserted, and that Koito removed with their track before the run ended."""


class _Spellings:
    """Collects the distinct spellings of listens, slice by slice."""

    def __init__(self) -> None:
        self._slices: list[pl.DataFrame] = []

    def add(self, listens: pl.DataFrame) -> None:
        self._slices.append(accounting.spelled(listens))
        first, *others = self._slices
        if sum(one.height for one in others) > first.height:  # so that each spelling is merged a few times at most
            self._slices = [self.merged()]

    def pass_on(self, slices: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield each of ``slices`` after adding it."""
        for listens in slices:
            self.add(listens)
            yield listens

    def merged(self) -> pl.DataFrame:
        return self._slices[0] if len(self._slices) == 1 else accounting.merge_spellings(self._slices)


def nothing_counted() -> RunTotals:
    """Return the totals of a run that had nothing to do."""
    tally = accounting.tally(empty(OUTCOME), empty(KEYS))
    return RunTotals(accounting.NO_COUNTS, {}, tally, {}, retries=0, removed=0)


def write_rows(directory: RunDirectory, rows: Rows) -> pl.DataFrame:
    """Write the rows as they were read; return the spellings of their keys, as ``accounting.spellings`` does."""
    directory.keep_frame("skipped", rows.skipped)
    directory.keep_frame("rejects", rows.rejects)
    if rows.evidence.height:
        directory.keep_frame("likely_doubles", rows.evidence)
    spellings = _Spellings()
    recorded: Iterator[pl.DataFrame] = (one.read(LISTENS.names()) for one in rows.recorded.chunks(accounting.SLICE))
    if rows.recorded is rows.listens:
        recorded = spellings.pass_on(recorded)
    else:
        spellings.add(rows.listens.read())
    directory.keep_parts("listens", recorded)
    return accounting.spellings(spellings.merged())


def finish_accounting(run: RunContext, names: pl.DataFrame, *, failed: bool) -> RunTotals:
    """Write what became of every key and row; if the run ``failed``, the listens that it did not load are not reached.

    ``names`` is what ``write_rows`` returned.
    """
    results = [load.result() for load in run.loads]
    keys = accounting.make_keys(names, merge_keys([result.keys for result in results]))
    tallies: list[accounting.OutcomeTally] = []
    removed: list[int] = []

    def outcomes() -> Iterator[pl.DataFrame]:
        known = keys_after_each([result.keys for result in results])
        for load, result, known_then in zip(run.loads, results, known, strict=True):
            outcome = _outcome(load.chunk, result, known_then, run.rows, failed=failed)
            tallies.append(accounting.tally(outcome, keys))
            removed.append(accounting.removed_meanwhile(result.inserted, known_then, outcome, result.replaced_tracks))
            yield outcome

    with ThreadPoolExecutor(1, "etl-keys") as files:
        writing = files.submit(retry_on_interrupt, lambda: run.directory.keep_frame("keys", keys))
        run.directory.keep_parts("outcome", outcomes())
        writing.result()
    return _totals(run.rows, keys, merge_tallies(tallies), results, sum(removed))


def _outcome(chunk: Chunk, result: LoadResult, keys: pl.DataFrame, rows: Rows, *, failed: bool) -> pl.DataFrame:
    """Return what became of each listen of a chunk (schema OUTCOME)."""
    reached = result.reached if failed else None
    outcome = accounting.make_outcome(chunk.read(_ACCOUNTED), keys, result.inserted, result.of_other_users, reached)
    return accounting.with_doubles(outcome, rows.duplicates, rows.likely)


def _totals(
    rows: Rows, keys: pl.DataFrame, tally: accounting.OutcomeTally, results: Sequence[LoadResult], removed: int
) -> RunTotals:
    return RunTotals(
        accounting.count(rows.skipped, rows.rejects, tally, keys),
        accounting.count_files(rows.skipped, rows.rejects, tally, keys),
        tally,
        sum((Counter(result.created) for result in results), Counter[str]()),
        sum(result.retries for result in results),
        removed,
    )
