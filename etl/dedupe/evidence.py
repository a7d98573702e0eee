"""Describes in a few words why a row counts as a double of another listen, for `etl explain`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.dedupe.services import END, title_of

if TYPE_CHECKING:
    from etl.dedupe.members import Content

_COLUMNS = ("play", "service", "clock", "second", "is_whole", "is_coarse", "ended", "start", "unpaused")


def with_evidence(found: pl.DataFrame, plays: pl.DataFrame, rows: pl.DataFrame, content: Content) -> pl.DataFrame:
    """Add the services of the row and of the listen that it doubles, the seconds between them, and a description.

    Columns added: ``service``, ``of_service``, ``seconds_apart``, ``evidence``.
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
    services = content.services
    whole, whole_of = pl.col("is_whole"), pl.col("is_whole_of")
    is_minute = (pl.col("service") == pl.col("service_of")) & (pl.col("is_coarse") | pl.col("is_coarse_of"))
    seconds = (pl.col("second") - pl.col("second_of")).abs()
    apart = (
        pl.when(~whole & ~whole_of)
        .then(seconds)
        .when(~whole)
        .then(_from_start("second", "_of"))
        .when(~whole_of)
        .then(_from_start("second_of", ""))
        .otherwise(pl.coalesce((pl.col("ended") - pl.col("ended_of")).abs(), seconds))
    )
    is_end, is_end_of = pl.col("clock") == END, pl.col("clock_of") == END
    rule = (
        pl.when(is_end & is_end_of)
        .then(pl.lit("both times are ends"))
        .when(is_end)
        .then(pl.lit("this time is the end of the play"))
        .when(is_end_of)
        .then(pl.lit("that time is the end of the play"))
        .otherwise(pl.lit("both times are starts"))
    )
    made = both.select(
        service=title_of(services, pl.col("service")),
        of_service=pl.coalesce(title_of(services, pl.col("service_of")), "client_of"),
        seconds_apart=pl.when(~is_minute.fill_null(value=False)).then(apart),
        rule=rule,
        what=pl.when(is_end != is_end_of).then(pl.lit("starts ")).otherwise(pl.lit("")),
    )
    who = pl.col("of_service").fill_null("another program")
    exact = pl.format("{}, {}{} s apart ({})", who, "what", "seconds_apart", "rule")
    in_minute = pl.format("{}, in the same minute (one of the two has only the minute)", who)
    return found.with_columns(
        *made.drop("rule", "what").get_columns(),
        evidence=made.select(pl.when(pl.col("seconds_apart").is_null()).then(in_minute).otherwise(exact)).to_series(),
    )


def _from_start(second: str, suffix: str) -> pl.Expr:
    """Return the seconds from ``second`` to the likely start of the whole play, whose columns end in ``suffix``."""
    start, unpaused = pl.col(f"start{suffix}"), pl.col(f"unpaused{suffix}")
    return pl.min_horizontal((pl.col(second) - start).abs(), (pl.col(second) - unpaused).abs())
