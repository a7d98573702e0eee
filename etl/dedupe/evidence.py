"""Says in a few words why a row counts as a double of another listen, for `etl explain`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from etl.dedupe.members import Content

_COLUMNS = ("play", "service", "second", "is_whole", "is_coarse", "ended", "start", "unpaused")


def with_evidence(found: pl.DataFrame, plays: pl.DataFrame, rows: pl.DataFrame, content: Content) -> pl.DataFrame:
    """Add ``evidence`` to ``found``: the service of what the row doubles, how far apart they are, and by which rule.

    Columns in: ``play``, and ``of`` (a ``place`` of ``rows``) or ``held`` and ``held_play``.
    """
    clients = content.nearby.select(held=pl.int_range(pl.len(), dtype=pl.Int64), client_of="client")
    other = (
        found.select("play", "of", "held", "held_play")
        .join(rows.select(of="place", play_of="play"), on="of", how="left", maintain_order="left")
        .join(clients, on="held", how="left", maintain_order="left")
        .select("play", "client_of", play_of=pl.coalesce("held_play", "play_of"))
    )
    mine = plays.select(_COLUMNS)
    theirs = plays.select(pl.col(_COLUMNS).name.suffix("_of"))
    both = other.join(mine, on="play", how="left", maintain_order="left").join(
        theirs, on="play_of", how="left", maintain_order="left"
    )
    starts = (pl.col("second") - pl.col("second_of")).abs()
    began = _from_start("second", "_of")
    begun = _from_start("second_of", "")
    ends = (pl.col("ended") - pl.col("ended_of")).abs()
    who = pl.coalesce("service_of", "client_of", pl.lit("another program"))
    whole, whole_of = pl.col("is_whole"), pl.col("is_whole_of")
    is_minute = (pl.col("service") == pl.col("service_of")) & (pl.col("is_coarse") | pl.col("is_coarse_of"))
    text = (
        pl.when(is_minute)
        .then(pl.format("{} in the same minute, which is all that one of them knows", who))
        .when(~whole & ~whole_of)
        .then(pl.format("{}, {} s apart: both times are starts", who, starts))
        .when(~whole)
        .then(pl.format("{}, {} s apart: it began while that play was heard", who, began))
        .when(~whole_of)
        .then(pl.format("{}, {} s apart: that began while this play was heard", who, begun))
        .otherwise(pl.format("{}, {} s apart: both times are ends", who, pl.coalesce(ends, starts)))
    )
    return found.with_columns(evidence=both.select(text).to_series())


def _from_start(second: str, suffix: str) -> pl.Expr:
    """Return how far ``second`` is from where the whole play most likely began; its columns end in ``suffix``."""
    start, unpaused = pl.col(f"start{suffix}"), pl.col(f"unpaused{suffix}")
    return pl.min_horizontal((pl.col(second) - start).abs(), (pl.col(second) - unpaused).abs())
