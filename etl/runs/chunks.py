"""Merges the results of a run's chunks into the result of the run. Pure.

A run that is too large for the memory is loaded chunk by chunk; each is a time range of its listens. A key may occur
in many chunks; a chunk holds only the keys that are new or changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import TRACK_LOOKUP, KeyStatus
from etl.runs.accounting import OutcomeTally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PRECEDENCE = (KeyStatus.RESOLVED, KeyStatus.HIT, KeyStatus.FAILED)  # the first that a key has decides


def drop_unchanged(keys: pl.DataFrame, latest: pl.DataFrame) -> pl.DataFrame:
    """Return the ``keys`` of a chunk without the cached ones whose ids are those in ``latest``.

    ``latest`` is what ``update_latest`` returned for the earlier chunks.
    """
    is_hit = pl.col("status") == str(KeyStatus.HIT)
    unchanged = keys.filter(is_hit).join(latest, on=TRACK_LOOKUP.names(), how="semi").get_column("lookup_key")
    return keys.filter(~pl.col("lookup_key").is_in(unchanged.implode())) if len(unchanged) else keys


def update_latest(latest: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Return ``latest`` (schema TRACK_LOOKUP) after a chunk with ``keys``: the last ids of each key that has any."""
    found = keys.filter(pl.col("track_id").is_not_null()).select(TRACK_LOOKUP.names())
    return pl.concat([latest.join(keys, on="lookup_key", how="anti"), found])


def merge_keys(chunks: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return what became of the keys that the ``chunks`` reached, for the whole run.

    Columns in and out: lookup_key, status, detail, artist_id, album_id, track_id. If one chunk resolved a key, the run
    resolved it. If only some chunks could resolve a key, its detail says why.
    """
    once, several = _split_by_occurrence(chunks)
    status, detail = pl.col("status"), pl.col("detail")
    ranks = {str(one): rank for rank, one in enumerate(_PRECEDENCE)}
    ranked = several.with_columns(rank=status.replace_strict(ranks, return_dtype=pl.Int32))
    ids = [pl.col(name).drop_nulls().last() for name in ("artist_id", "album_id", "track_id")]
    merged = ranked.group_by("lookup_key").agg(pl.col("rank").min(), detail.drop_nulls().first(), *ids)
    words = pl.Series("status", [str(one) for one in _PRECEDENCE])
    merged = merged.with_columns(status=words.gather(merged.get_column("rank")))
    return pl.concat([once, merged.select(once.columns)])


def keys_after_each(chunks: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the keys as they were at the end of each of ``chunks``, which hold only the new and changed ones."""
    once, several = _split_by_occurrence(chunks)
    for number in range(len(chunks)):
        so_far = several.filter(pl.col("chunk") <= number).unique("lookup_key", keep="last", maintain_order=True)
        yield pl.concat([once, so_far.drop("chunk")])


def _split_by_occurrence(chunks: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows whose key is in one chunk only, and the other rows with the number of their chunk."""
    every = pl.concat(keys.with_columns(chunk=pl.lit(number)) for number, keys in enumerate(chunks))
    if len(chunks) == 1:
        return chunks[0], every.clear()
    is_alone = every.get_column("lookup_key").is_unique()
    return every.filter(is_alone).drop("chunk"), every.filter(~is_alone)


def merge_tallies(chunks: Sequence[OutcomeTally]) -> OutcomeTally:
    """Return the tally of a run from those of its chunks."""
    if len(chunks) == 1:
        return chunks[0]
    used = pl.concat(one.used for one in chunks)
    chunks_of_file = pl.concat(one.used.select("file").unique() for one in chunks).get_column("file")
    in_several = chunks_of_file.filter(chunks_of_file.is_duplicated()).unique()
    shared = used.get_column("file").is_in(in_several.implode())
    return OutcomeTally(
        pl.concat(one.outcomes for one in chunks).group_by("file", "outcome").agg(pl.col("len").sum()),
        pl.concat([used.filter(~shared), used.filter(shared).unique()]),
        pl.concat(one.details for one in chunks).group_by("detail").agg(pl.col("len").sum()),
        sum(one.doubles for one in chunks),
    )
