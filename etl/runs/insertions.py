"""Finds the listens that a run inserted: in its ``outcome.parquet``, or in the journal of a run that was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.core.errors import InputError
from etl.core.schema import OUTCOME, REMOVED, Outcome, conform, empty
from etl.runs.directory import is_removal, list_runs
from etl.runs.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from etl.runs.directory import RunDirectory

INSERTED = pl.Schema({name: OUTCOME[name] for name in ("file", "row", "lookup_key", "track_id", "listened_at")})
_PAIR = ["track_id", "listened_at"]
_BY_KEY = ["lookup_key", "listened_at"]


class Insertions(msgspec.Struct, frozen=True):
    """What is known about the listens that a run inserted."""

    listens: pl.DataFrame
    """Schema INSERTED, by track and time. For a run that was killed, file and row are null."""
    has_outcome: bool
    """Whether the run wrote what became of its rows."""


def insertions(run: RunDirectory, batches: Iterable[int]) -> Insertions:
    """Return what ``run`` inserted; ``batches`` are the batches that it committed."""
    try:
        outcome = run.read_where("outcome", pl.col("outcome") == str(Outcome.INSERTED)).select(INSERTED.names())
        has_outcome = True
    except InputError:
        outcome, has_outcome = empty(INSERTED), False
    recorded = Journal(run.path).read(batches).unique().join(outcome, on=_PAIR, how="anti")
    found = pl.concat([outcome, _with_keys(run, recorded)]) if recorded.height else outcome
    return Insertions(found.sort(_PAIR), has_outcome)


def _with_keys(run: RunDirectory, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return ``pairs`` as schema INSERTED. If the run read only one key in a second, the pair gets that key."""
    try:
        listens = run.read_frame("listens").select(_BY_KEY)
    except InputError:  # killed before it had written them
        listens = pl.DataFrame(schema={name: INSERTED[name] for name in _BY_KEY})
    keys = listens.unique().filter(~pl.col("listened_at").is_duplicated())
    nowhere = [pl.lit(None, INSERTED[name]).alias(name) for name in ("file", "row")]
    return conform(pairs.join(keys, on="listened_at", how="left").with_columns(nowhere), INSERTED)


def without_later(
    listens: pl.DataFrame, run: RunDirectory, runs: Path, dsn: str, committed: Callable[[str], Sequence[int]]
) -> pl.DataFrame:
    """Return ``listens`` (schema INSERTED) of ``run`` without those that a later run in ``runs`` has inserted again.

    Those were removed in between, and belong to the later run. ``dsn`` is the database; ``committed`` returns the
    batches that a run committed.
    """
    listed = list_runs(runs)
    place = next((number for number, one in enumerate(listed) if one.run_id == run.run_id), len(listed))
    for later in listed[place + 1 :]:
        batches = committed(later.run_id) if _may_hold(later, dsn) else ()
        if not batches:
            continue
        again = insertions(later, batches).listens
        listens = listens.join(again, on=_PAIR, how="anti", maintain_order="left")
        listens = listens.join(again.drop_nulls("lookup_key"), on=_BY_KEY, how="anti", maintain_order="left")
    return listens


def read_removed(undo: RunDirectory) -> pl.DataFrame | None:
    """Return what an undo records about the listens that it removed (schema REMOVED); None if it records nothing."""
    try:
        return conform(pl.read_parquet(undo.path / "removed.parquet", glob=False), REMOVED)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _may_hold(run: RunDirectory, dsn: str) -> bool:
    """Say whether ``run`` may have listens in the database ``dsn``; those that an undo restores are not its own."""
    if run.is_undo:
        return False
    try:
        manifest: dict[str, Any] = run.read_manifest()
    except InputError:
        return True
    is_other = manifest["settings"].get("dry_run") or is_removal(manifest) or manifest.get("undone_by")
    return not is_other and bool(manifest["dsn"] == dsn)
