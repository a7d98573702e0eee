"""Applies verdicts to the listens of a run: decides which are loaded, skipped, duplicates or reported. Pure."""

from __future__ import annotations

import msgspec
import polars as pl

from etl.core.reasons import SkipReason
from etl.core.schema import DUPLICATES, KEPT_DOUBLES, LIKELY_DOUBLES, SKIPPED, TIME, Outcome, conform, empty
from etl.dedupe.choose import LIKELY, PRESENT, SAME
from etl.dedupe.match import NOT_COUNTED

ACCOUNT_TWIN = "account_twin"
SAME_AS = "the same listen as "

_HELD_NAMES = pl.Schema({"track_id": pl.Int32, "artist": pl.String, "track": pl.String})
_IS_DOUBLE = pl.col("verdict") == LIKELY
_IS_ALONE = _IS_DOUBLE & pl.col("leader").is_null()


class DedupeResult(msgspec.Struct, frozen=True):
    """The listens of a run after the verdicts: each is in ``listens``, in ``skipped`` or in ``duplicates``."""

    listens: pl.DataFrame
    """Schema NORMALIZED: listens to load."""
    recorded: pl.DataFrame
    """Schema NORMALIZED: ``listens`` and those in ``duplicates``."""
    skipped: pl.DataFrame
    """Schema SKIPPED: listens not to load."""
    duplicates: pl.DataFrame
    """Schema DUPLICATES: duplicates of another row, which is loaded, or of a listen in the database."""
    likely: pl.DataFrame
    """Schema KEPT_DOUBLES: likely doubles among ``listens``."""
    evidence: pl.DataFrame
    """Schema LIKELY_DOUBLES: all likely doubles, including those in ``skipped``."""


def apply_doubles(
    listens: pl.DataFrame,
    verdicts: pl.DataFrame,
    nearby: pl.DataFrame,
    held_names: pl.DataFrame | None = None,
    *,
    drop_doubles: bool,
) -> DedupeResult:
    """Divide ``listens`` (schema NORMALIZED) by ``verdicts`` (schema VERDICTS), which were found with ``nearby``.

    Likely doubles are skipped if they are to be dropped; else they are loaded, those in one second once. ``held_names``
    (track_id, artist, track) has the display names of the tracks of ``tracks_of_doubles``.
    """
    if verdicts.is_empty():
        return no_duplicates(listens)
    named = _named(listens, verdicts, nearby)
    doubles = named.filter(_IS_DOUBLE)
    skips = named.filter(pl.col("verdict") == NOT_COUNTED).with_columns(
        reason=pl.lit(str(SkipReason.NOT_PLAYED_TO_END))
    )
    same = named.filter(pl.col("verdict") == SAME)
    likely = doubles.filter(_IS_ALONE)
    if drop_doubles:
        dropped = doubles.with_columns(reason=pl.lit(str(SkipReason.LIKELY_DOUBLE)))
        skips = pl.concat([skips, dropped])
        likely = likely.clear()
    else:
        followers = doubles.filter(~_IS_ALONE).with_columns(of="leader", double_of="leader_name")
        same = pl.concat([same, followers])
    duplicates = pl.concat([_duplicates(same, listens), _present(named.filter(pl.col("verdict") == PRESENT), nearby)])
    left_out = skips.get_column("place")
    return DedupeResult(
        listens=_without(listens, pl.concat([left_out, duplicates.get_column("place")])),
        recorded=_without(listens, left_out),
        skipped=conform(skips.sort("file", "row").select(*SKIPPED), SKIPPED),
        duplicates=conform(duplicates.select(*DUPLICATES), DUPLICATES),
        likely=conform(likely.with_columns(note=_note()).select(*KEPT_DOUBLES), KEPT_DOUBLES),
        evidence=_pairs(doubles, listens, nearby, held_names),
    )


def tracks_of_doubles(verdicts: pl.DataFrame, nearby: pl.DataFrame) -> pl.Series:
    """Return the ids of the tracks in the database whose listens have likely doubles."""
    listens = verdicts.filter(_IS_DOUBLE).get_column("listen").drop_nulls()
    return nearby.get_column("track_id").gather(listens).unique()


def no_duplicates(listens: pl.DataFrame) -> DedupeResult:
    """Return the result for ``listens`` (schema NORMALIZED) without any verdicts."""
    return DedupeResult(listens, listens, empty(SKIPPED), empty(DUPLICATES), empty(KEPT_DOUBLES), empty(LIKELY_DOUBLES))


def _named(listens: pl.DataFrame, verdicts: pl.DataFrame, nearby: pl.DataFrame) -> pl.DataFrame:
    """Add to ``verdicts`` the file, row, key and time of each listen, and the names of the listen that it doubles."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    rows = listens.select("file", "row", "lookup_key", "listened_at", place=place)
    names = rows.select(of="place", name=pl.format("{}:{}", "file", "row"))
    # A listen of the database is named like FILE:ROW, with the track as file and the second as row.
    held = nearby.select(listen=place, held_name=pl.format("database!{}:{}", "track_id", "second"))
    leaders = names.select(leader="of", leader_name="name")
    return (
        verdicts.join(rows, on="place", how="left", maintain_order="left")
        .join(names, on="of", how="left", maintain_order="left")
        .join(leaders, on="leader", how="left", maintain_order="left")
        .join(held, on="listen", how="left", maintain_order="left")
        .with_columns(double_of=pl.coalesce("held_name", "name"))
        .drop("held_name", "name")
    )


def _pairs(
    doubles: pl.DataFrame, listens: pl.DataFrame, nearby: pl.DataFrame, held_names: pl.DataFrame | None
) -> pl.DataFrame:
    """Return likely ``doubles`` (rows of ``_named``), each with the listen that it doubles: schema LIKELY_DOUBLES."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    credit = pl.coalesce("artist", pl.col("artists").list.join(", "))
    named = listens.select("listened_at", "track", place=place, artist=credit)
    of_run = named.rename({"place": "of", **{name: f"run_{name}" for name in ("listened_at", "track", "artist")}})
    of_database = nearby.select("track_id", listen=place, held_at=pl.from_epoch("second").cast(TIME))
    names = empty(_HELD_NAMES) if held_names is None else conform(held_names, _HELD_NAMES)
    found = (
        doubles.drop("listened_at")
        .join(named, on="place", how="left", maintain_order="left")
        .join(of_run, on="of", how="left", maintain_order="left")
        .join(of_database, on="listen", how="left", maintain_order="left")
        .join(names, on="track_id", how="left", maintain_order="left", suffix="_held")
        .with_columns(
            of_listened_at=pl.coalesce("held_at", "run_listened_at"),
            of_artist=pl.coalesce("artist_held", "run_artist"),
            of_track=pl.coalesce("track_held", "run_track"),
        )
    )
    return conform(found.select(*LIKELY_DOUBLES).sort("file", "row"), LIKELY_DOUBLES)


def _note() -> pl.Expr:
    return pl.when("is_twin").then(pl.lit(ACCOUNT_TWIN))


def _without(listens: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    return listens.filter(~pl.int_range(pl.len(), dtype=pl.Int64).is_in(places.implode())) if len(places) else listens


def _duplicates(same: pl.DataFrame, listens: pl.DataFrame) -> pl.DataFrame:
    """Return those rows of ``_named`` that duplicate another row, as schema DUPLICATES with their place."""
    others = listens.select(of_file="file", of_row="row", of=pl.int_range(pl.len(), dtype=pl.Int64))
    found = same.join(others, on="of", how="left", maintain_order="left")
    return found.select(
        "place",
        *("file", "row", "lookup_key", "listened_at"),
        outcome=pl.lit(str(Outcome.DUPLICATE_IN_INPUT)),
        detail=pl.format(f"{SAME_AS}{{}}", "double_of"),
        track_id=pl.lit(None, pl.Int32),
        of_file="of_file",
        of_row="of_row",
    )


def _present(present: pl.DataFrame, nearby: pl.DataFrame) -> pl.DataFrame:
    """Return those rows of ``_named`` that are in the database, as schema DUPLICATES with their place."""
    tracks = nearby.select("track_id", listen=pl.int_range(pl.len(), dtype=pl.Int64))
    found = present.join(tracks, on="listen", how="left", maintain_order="left")
    return found.select(
        "place",
        *("file", "row", "lookup_key", "listened_at"),
        outcome=pl.lit(str(Outcome.ALREADY_PRESENT)),
        detail=pl.format(f"{SAME_AS}{{}}", "double_of"),
        track_id="track_id",
        of_file=pl.lit(None, pl.String),
        of_row=pl.lit(None, pl.Int32),
    )
