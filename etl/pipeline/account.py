"""Closes the books of a run: what became of every key and every row is written down and counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from etl.core.schema import LISTENS, conform, empty
from etl.core.signals import retry_on_interrupt
from etl.load import batch_writer
from etl.runs import accounting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from etl.extract.rows import Rows
    from etl.extract.spill import Window
    from etl.load.result import LoadResult
    from etl.runs.directory import RunDirectory

_TOLD = ("file", "row", "lookup_key", "listened_at")


class Part(NamedTuple):
    """Listens that were looked up and loaded together, and what has become of them so far."""

    window: Window
    loaded: LoadResult


@dataclass(frozen=True)
class RunTotals:
    """What became of the keys and rows of a run."""

    counts: Mapping[str, int]
    per_file: Mapping[str, Mapping[str, int]]
    told: accounting.Tally
    removed: int
    """Listens that the run inserted and that Koito removed with their track before it ended."""


def write_rows(directory: RunDirectory, rows: Rows) -> pl.DataFrame:
    """Write down what is known before the load; return the spellings of the keys, as ``report.spellings`` does."""
    directory.keep_frame("skipped", rows.skipped)
    directory.keep_frame("rejects", rows.rejects)
    if rows.spool is None:
        directory.keep_frame("listens", conform(rows.settled.recorded, LISTENS))
        return accounting.spellings(accounting.spelled(rows.listens))
    names = [accounting.spelled(empty(LISTENS))]

    def recorded() -> Iterator[pl.DataFrame]:
        for window in rows.windows(accounting.SLICE):
            listens = window.read(LISTENS.names())
            names.append(accounting.spelled(listens))
            if sum(more.height for more in names[1:]) > names[0].height:  # so each is added up a few times at most
                names[:] = [accounting.add_up(names)]
            yield listens

    directory.keep_parts("listens", recorded())
    return accounting.spellings(accounting.add_up(names))


def finish_accounting(
    directory: RunDirectory, rows: Rows, parts: Sequence[Part], names: pl.DataFrame, *, failed: bool
) -> RunTotals:
    """Write down what became of every key and row; of a run that ``failed``, rows that were not reached are left over.

    ``names`` is what ``write_rows`` returned.
    """
    reached = [part.loaded.keys() for part in parts]
    keys = accounting.make_keys(names, accounting.merge_ids(reached))
    tallies: list[accounting.Tally] = []
    removed: list[int] = []

    def outcomes() -> Iterator[pl.DataFrame]:
        for (window, loaded), known in zip(parts, accounting.known_by(reached), strict=True):
            inserted, of_others, written = map(
                batch_writer.pairs, (loaded.inserted, loaded.of_other_users, loaded.reached)
            )
            outcome = accounting.make_outcome(
                window.read(_TOLD), known, inserted, of_others, written if failed else None
            )
            outcome = accounting.with_doubles(outcome, rows.settled.aside, rows.settled.likely)
            tallies.append(accounting.tally(outcome, keys))
            removed.append(accounting.removed_meanwhile(inserted, known, outcome, loaded.left_tracks()))
            yield outcome

    with ThreadPoolExecutor(1, "etl-keys") as files:
        writing = files.submit(retry_on_interrupt, lambda: directory.keep_frame("keys", keys))
        directory.keep_parts("outcome", outcomes())
        writing.result()
    told = accounting.put_together(tallies)
    return RunTotals(
        accounting.count(rows.skipped, rows.rejects, told, keys),
        accounting.count_files(rows.skipped, rows.rejects, told, keys),
        told,
        sum(removed),
    )
