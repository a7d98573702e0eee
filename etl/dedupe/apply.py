"""Applies what ``match`` found to the listens of a run: what is loaded, skipped, set aside, reported. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import ASIDE, REPORTED, SKIPPED, Outcome, SkipReason, conform, empty

if TYPE_CHECKING:
    from etl.dedupe.match import Doubles

ACCOUNT_TWIN = "account_twin"
SAME_AS = "the same listen as "


@dataclass(frozen=True)
class Settled:
    """The listens of a run, sorted out."""

    listens: pl.DataFrame
    """Schema NORMALIZED: to be loaded."""
    recorded: pl.DataFrame
    """Schema NORMALIZED: ``listens`` and those set aside."""
    skipped: pl.DataFrame
    """Schema SKIPPED: listens that are to be left out."""
    aside: pl.DataFrame
    """Schema ASIDE."""
    likely: pl.DataFrame
    """Schema REPORTED: likely doubles among ``listens``."""


def apply_doubles(listens: pl.DataFrame, doubles: Doubles, nearby: pl.DataFrame, *, drop_doubles: bool) -> Settled:
    """Sort ``listens`` (schema NORMALIZED) out; ``nearby`` (schema NEARBY) is what ``doubles`` was found with."""
    if doubles.found_none:
        return nothing_settled(listens)
    places = pl.int_range(pl.len(), dtype=pl.Int64).alias("place")
    rows = listens.select(places, "file", "row", "lookup_key", "listened_at")
    held = nearby.select(places, "track_id", "second", _held_name())
    likely = _likely(rows, doubles, held)
    dropped = likely.get_column("place") if drop_doubles else likely.get_column("place").clear()
    skipped = pl.concat(
        [
            _skips(rows, doubles.not_counted, SkipReason.NOT_PLAYED_TO_END),
            _skips(rows, dropped, SkipReason.LIKELY_DOUBLE),
        ]
    )
    aside = pl.concat([_same(rows, doubles.same), _present(rows, doubles.present, held)])
    left_out = pl.concat([doubles.not_counted, dropped])
    set_aside = pl.concat([left_out, doubles.same.get_column("place"), doubles.present.get_column("place")])
    return Settled(
        listens=_without(listens, set_aside),
        recorded=_without(listens, left_out),
        skipped=conform(skipped.sort("file", "row"), SKIPPED),
        aside=conform(aside, ASIDE),
        likely=conform(likely.filter(~pl.col("place").is_in(dropped.implode())), REPORTED),
    )


def nothing_settled(listens: pl.DataFrame) -> Settled:
    """Return ``listens`` (schema NORMALIZED) before they are compared with anything."""
    return Settled(listens, listens, empty(SKIPPED), empty(ASIDE), empty(REPORTED))


def _without(listens: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    return listens.filter(~pl.int_range(pl.len(), dtype=pl.Int64).is_in(places.implode())) if len(places) else listens


def _held_name() -> pl.Expr:
    """Name a listen of the database as FILE:ROW would: the track as file, the second as row."""
    return pl.format("database!{}:{}", "track_id", "second").alias("name")


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("place", "file", "row", name=pl.format("{}:{}", "file", "row"))


def _likely(rows: pl.DataFrame, doubles: Doubles, held: pl.DataFrame) -> pl.DataFrame:
    parts = [
        (doubles.account_twins, held, ACCOUNT_TWIN),
        (doubles.likely_present, held, None),
        (doubles.likely, _named(rows), None),
    ]
    found = [
        pairs.join(others, left_on="of", right_on="place", maintain_order="left").select(
            "place", double_of="name", note=pl.lit(note, pl.String)
        )
        for pairs, others, note in parts
    ]
    each = pl.concat(found).unique("place", keep="first", maintain_order=True)
    return rows.select("place", "file", "row").join(each, on="place", maintain_order="left")


def _skips(rows: pl.DataFrame, places: pl.Series, reason: SkipReason) -> pl.DataFrame:
    return rows.filter(pl.col("place").is_in(places.implode())).select("file", "row", reason=pl.lit(str(reason)))


def _same(rows: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    others = _named(rows).rename({"file": "of_file", "row": "of_row"})
    found = rows.join(pairs, on="place", maintain_order="left").join(
        others, left_on="of", right_on="place", maintain_order="left"
    )
    return found.with_columns(
        outcome=pl.lit(str(Outcome.DUPLICATE_IN_INPUT)),
        detail=pl.format(f"{SAME_AS}{{}}", "name"),
        track_id=pl.lit(None, pl.Int32),
    ).select(*ASIDE)


def _present(rows: pl.DataFrame, pairs: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    found = rows.join(pairs, on="place", maintain_order="left").join(
        held, left_on="of", right_on="place", maintain_order="left"
    )
    return found.with_columns(
        outcome=pl.lit(str(Outcome.ALREADY_PRESENT)),
        detail=pl.format(f"{SAME_AS}{{}}", "name"),
        of_file=pl.lit(None, pl.String),
        of_row=pl.lit(None, pl.Int32),
    ).select(*ASIDE)
