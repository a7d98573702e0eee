"""Computes the accounting of a run from its frames: outcomes, counts, and whether they balance. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from etl.core.reasons import SkipReason
from etl.core.schema import COUNTS, KEY_COUNTS, KEYS, OUTCOME, ROW_COUNTS, KeyStatus, Outcome, conform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OTHER_USER = "other_user"  # the database has the listen for another user; Koito's key has no user
ENDED_EARLY = "the run ended before it was reached"

SLICE = 250_000  # rows whose texts are concatenated at a time
_SECONDS = 2**32  # of an epoch until 2106; with an int4 id the pair fits in 63 bits
COUNT_OF_STATUS = {
    str(KeyStatus.HIT): "cache_hits",
    str(KeyStatus.RESOLVED): "resolved",
    str(KeyStatus.FAILED): "failed",
    str(KeyStatus.NOT_REACHED): "keys_not_reached",
}
"""For each status of a key, the entry of COUNTS that counts it."""


def pair_code(track: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Return one integer for (track id, time), the primary key of Koito's ``listens``."""
    return track.cast(pl.Int64) * _SECONDS + second.dt.epoch("s")


def spelled(listens: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct spellings of ``listens`` (schema NORMALIZED): lookup_key, spelling, listens (their number).

    A spelling is a credit, a title and an album after cleaning.
    """
    spelling = pl.concat_str("artist", "track", pl.col("album").fill_null(""), separator=" / ")
    return merge_spellings(
        part.group_by("lookup_key", spelling=spelling).agg(listens=pl.len())
        for part in (listens.clear(), *listens.iter_slices(SLICE))  # all texts at once would be too large
    )


def merge_spellings(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return what ``spelled`` would return for the listens of all ``parts``, each of which is one of its results."""
    return pl.concat(parts).group_by("lookup_key", "spelling").agg(pl.col("listens").sum())


def spellings(distinct: pl.DataFrame) -> pl.DataFrame:
    """Return lookup_key, listens and spellings of each key, in order, from a result of ``spelled``."""
    per_key = distinct.group_by("lookup_key").agg(
        listens=pl.col("listens").sum().cast(pl.Int32), spellings=pl.col("spelling").sort()
    )
    return per_key.sort("lookup_key")


def make_keys(names: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    """Return the run's keys as schema KEYS.

    ``names`` is what ``spellings`` returns; ``ids`` holds lookup_key, status, detail, artist_id, album_id and
    track_id of the keys that were reached.
    """
    found = names.join(ids, on="lookup_key", how="left", maintain_order="left")
    full = found.with_columns(
        status=pl.col("status").fill_null(str(KeyStatus.NOT_REACHED)),
        detail=pl.when(pl.col("status").is_null()).then(pl.lit(ENDED_EARLY)).otherwise("detail"),
    )
    return conform(full, KEYS)


def make_outcome(
    listens: pl.DataFrame,
    keys: pl.DataFrame,
    inserted: pl.DataFrame,
    of_other_users: pl.DataFrame,
    reached: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return what became of each of ``listens`` (sorted by file, then row), as schema OUTCOME.

    ``inserted`` and ``of_other_users`` have track_id and listened_at. If listens are equal after resolution, one counts
    (see ``repeats``); the others are duplicates. A listen whose key failed is unresolved. ``reached`` is given
    for a run that ended early: the listens that were written or found present. All others are then not reached.
    """
    code = pair_code(pl.col("track_id"), pl.col("listened_at"))
    new = inserted.select(code).to_series().implode()
    others = of_other_users.select(code).to_series().implode()
    is_lost = pl.lit(value=False)
    if reached is not None:
        is_lost = ~pl.col("code").is_in(reached.select(code).to_series().implode())
    failed = keys.filter(pl.col("status") == str(KeyStatus.FAILED)).select(
        "lookup_key", failure="detail", has_failed=True
    )
    cached = keys.filter(pl.col("status") == str(KeyStatus.HIT)).get_column("lookup_key")
    rows = (
        listens.select("file", "row", "lookup_key", "listened_at", "client")
        .join(keys.select("lookup_key", "track_id"), on="lookup_key", how="left", maintain_order="left")
        .join(failed, on="lookup_key", how="left", maintain_order="left")
        .sort("file", "row")
        .with_columns(pl.col("has_failed").fill_null(value=False), code=code)
    )
    outcome = (
        pl.when(pl.col("has_failed"))
        .then(pl.lit(str(Outcome.UNRESOLVED)))
        .when(pl.col("code").is_null() | is_lost)
        .then(pl.lit(str(Outcome.NOT_REACHED)))
        .when(repeats(rows, "code", cached=cached))
        .then(pl.lit(str(Outcome.DUPLICATE_IN_INPUT)))
        .when(pl.col("code").is_in(new))
        .then(pl.lit(str(Outcome.INSERTED)))
        .otherwise(pl.lit(str(Outcome.ALREADY_PRESENT)))
    )
    detail = pl.coalesce(
        pl.when(pl.col("code").is_in(others) & (pl.col("outcome") == str(Outcome.ALREADY_PRESENT))).then(
            pl.lit(OTHER_USER)
        ),
        "failure",
        pl.when(pl.col("outcome") == str(Outcome.NOT_REACHED)).then(pl.lit(ENDED_EARLY)),
    )
    full = rows.with_columns(outcome=outcome).with_columns(detail=detail, double_of=pl.lit(None, pl.String))
    return conform(full, OUTCOME)


def repeats(listens: pl.DataFrame, *pair: str, cached: pl.Series | None = None) -> pl.Series:
    """Return which of ``listens`` (sorted by file, then row) repeat another with the same ``pair``.

    The listen that a load stores (see ``stage``) is not one of them, whatever the files are called. The keys ``cached``
    are loaded first, in alphabetical order, then the others, by their first listen. Of a key, the first client by name
    is stored; of several rows with this client, the first counts.
    """
    same = pl.struct(*pair) if len(pair) > 1 else pl.col(*pair)  # a struct takes longer
    again = listens.select(same.is_duplicated()).to_series()
    if not again.any():
        return again
    several = listens.with_row_index("place").filter(again)
    of_keys = listens.join(several, on="lookup_key", how="semi").group_by("lookup_key")
    begun = of_keys.agg(first=pl.col("listened_at").min())
    if cached is not None:
        begun = begun.with_columns(first=pl.when(~pl.col("lookup_key").is_in(cached.implode())).then("first"))
    in_order = several.join(begun, on="lookup_key").sort(
        "first", "lookup_key", "client", "place", nulls_last=[False, False, True, False]
    )
    stored = in_order.filter(same.is_first_distinct()).get_column("place")
    return again.scatter(stored, values=False)


def with_doubles(outcome: pl.DataFrame, duplicates: pl.DataFrame, likely: pl.DataFrame) -> pl.DataFrame:
    """Return ``outcome`` with the ``duplicates`` (schema DUPLICATES), by file, then row, and ``likely`` doubles marked.

    A listen that is the same as another row of the run gets the track of that row.
    """
    if likely.height:
        marked = outcome.join(likely, on=["file", "row"], how="left", suffix="_found", maintain_order="left")
        outcome = marked.with_columns(
            double_of=pl.coalesce("double_of", "double_of_found"), detail=pl.coalesce("detail", "note")
        ).select(*OUTCOME)
    if duplicates.is_empty():
        return outcome
    of_row = {"file": "of_file", "row": "of_row"}
    in_database = duplicates.filter(pl.col("of_file").is_null()).with_columns(double_of=pl.lit(None, pl.String))
    known = pl.concat([outcome, conform(in_database, OUTCOME)])
    tracks = known.select("file", "row", "track_id").rename({**of_row, "track_id": "track_of"})
    of_rows = duplicates.filter(pl.col("of_file").is_not_null())
    others = of_rows.join(tracks, on=list(of_row.values()), how="left", maintain_order="left").with_columns(
        track_id="track_of", double_of=pl.lit(None, pl.String)
    )
    return pl.concat([known, conform(others, OUTCOME)]).sort("file", "row")


class OutcomeTally(NamedTuple):
    """The number of listens per outcome. The tallies of several chunks can be merged."""

    outcomes: pl.DataFrame
    """Columns file, outcome and len."""
    used: pl.DataFrame
    """Columns file and key (an index into the run's keys), each pair once. Four bytes each, because there are many."""
    details: pl.DataFrame
    """Columns detail and len."""
    doubles: int
    """The number of likely doubles."""


def tally(outcome: pl.DataFrame, keys: pl.DataFrame) -> OutcomeTally:
    """Count ``outcome`` (schema OUTCOME); ``keys`` (schema KEYS) are the keys of the run."""
    numbers = keys.select("lookup_key").with_row_index("key")
    used = outcome.select("file", "lookup_key").unique().join(numbers, on="lookup_key")
    return OutcomeTally(
        outcome.group_by("file", "outcome").len(),
        used.select(pl.col("file").cast(pl.Categorical), "key"),
        outcome.group_by("detail").len(),
        outcome.get_column("double_of").count(),
    )


def count(skipped: pl.DataFrame, rejects: pl.DataFrame, listens: OutcomeTally, keys: pl.DataFrame) -> dict[str, int]:
    """Return the counts of a run, with COUNTS as the keys."""
    outcomes = listens.outcomes.group_by("outcome").agg(pl.col("len").sum())
    statuses = keys.select(pl.col("status").replace(COUNT_OF_STATUS)).group_by("status").len()
    found = {
        "skipped": skipped.height,
        "rejected": rejects.height,
        "records": skipped.height + rejects.height + int(listens.outcomes.get_column("len").sum()),
        "keys": keys.height,
        **dict(outcomes.iter_rows()),
        **dict(statuses.iter_rows()),
    }
    return {name: found.get(name, 0) for name in COUNTS}


NO_COUNTS = dict.fromkeys(COUNTS, 0)
"""The counts of a file that was not loaded."""


def count_read(
    skipped: pl.DataFrame, rejects: pl.DataFrame, duplicates: pl.DataFrame, listens: pl.DataFrame
) -> dict[str, int]:
    """Return the counts of rows that were only read: the applicable ones of COUNTS, and ``listens``."""
    counts = {
        "skipped": skipped.height,
        "rejected": rejects.height,
        "duplicate_in_input": duplicates.height,
        "listens": listens.height,
    }
    return {"records": sum(counts.values()), **counts, "keys": listens.get_column("lookup_key").n_unique()}


def count_read_files(
    paths: Iterable[str],
    skipped: pl.DataFrame,
    rejects: pl.DataFrame,
    duplicates: pl.DataFrame,
    listens: pl.DataFrame,
) -> dict[str, dict[str, int]]:
    """Return the counts of ``count_read`` for each of ``paths``, the files that the rows come from."""
    frames = (skipped, rejects, duplicates, listens.select("file", "lookup_key"))
    parts = [frame.partition_by("file", as_dict=True) for frame in frames]
    return {
        path: count_read(*(part.get((path,), frame.clear()) for part, frame in zip(parts, frames, strict=True)))
        for path in paths
    }


def count_files(
    skipped: pl.DataFrame, rejects: pl.DataFrame, listens: OutcomeTally, keys: pl.DataFrame
) -> dict[str, dict[str, int]]:
    """Return the counts of every file that has rows."""
    statuses = keys.get_column("status").replace(COUNT_OF_STATUS)
    each = listens.used.select("file", what=statuses.gather(listens.used.get_column("key")))
    used = each.group_by("file", "what").len().cast({"file": pl.String})
    rows = [
        skipped.group_by("file").len().select("file", pl.lit("skipped").alias("what"), "len"),
        rejects.group_by("file").len().select("file", pl.lit("rejected").alias("what"), "len"),
        listens.outcomes.select("file", pl.col("outcome").alias("what"), "len"),
    ]
    every = [part.with_columns(what=pl.lit("records")) for part in rows]
    found: dict[str, dict[str, int]] = {}
    for file, what, number in pl.concat([*rows, *every, used, used.with_columns(what=pl.lit("keys"))]).iter_rows():
        counts = found.setdefault(file, {})
        counts[what] = counts.get(what, 0) + number
    return {file: {name: found[file].get(name, 0) for name in COUNTS} for file in sorted(found)}


def by_reason(frame: pl.DataFrame) -> dict[str, int]:
    """Return how often each reason occurs, the most frequent first."""
    return dict(frame.group_by("reason").len().sort(["len", "reason"], descending=[True, False]).iter_rows())


def likely_doubles(skipped: pl.DataFrame) -> dict[str, int]:
    """Return how many rows of each file were skipped as likely doubles (``skipped``: schema SKIPPED)."""
    doubles = skipped.filter(reason=str(SkipReason.LIKELY_DOUBLE))
    return dict(doubles.group_by("file").len().iter_rows())


def removed_meanwhile(inserted: pl.DataFrame, keys: pl.DataFrame, outcome: pl.DataFrame, replaced: pl.Series) -> int:
    """Return how many ``inserted`` listens (track_id, listened_at) were removed with their track before the run ended.

    Koito removed the track between two batches. Its listens were then inserted again, for the track that their key was
    resolved to. The removed track is one that no key refers to any more, or one of ``replaced`` (track ids) that
    another key still refers to.
    """
    is_gone = ~pl.col("track_id").is_in(keys.get_column("track_id").implode())
    gone = inserted.filter(is_gone)
    rest = inserted.filter(~is_gone & pl.col("track_id").is_in(replaced.implode()))
    return gone.height + rest.join(outcome, on=["track_id", "listened_at"], how="anti").height


def imbalances(
    counts: Mapping[str, int], files: Mapping[str, Mapping[str, int]], records: int, ledger: int | None
) -> list[str]:
    """Return a sentence for each sum that does not balance.

    ``records`` is the number of records read. ``ledger`` is the number of listens that the batches inserted and nobody
    removed; None if there is no ledger or the run ended early.
    """
    found = []
    for name, terms in (("the run", counts), *files.items()):
        if terms["records"] != sum(terms[part] for part in ROW_COUNTS[1:]):
            found.append(f"{name}: {terms['records']} records are not the sum of their outcomes")
        if terms["keys"] != sum(terms[part] for part in KEY_COUNTS[1:]):
            found.append(f"{name}: {terms['keys']} keys are not the sum of their states")
    if counts["records"] != records:
        found.append(f"{records} records were read, {counts['records']} are accounted for")
    if ledger is not None and counts["inserted"] != ledger:
        found.append(f"{counts['inserted']} listens count as inserted, but the ledger's batches have {ledger}")
    if ledger is not None and counts["not_reached"]:
        found.append(f"{counts['not_reached']} listens were not reached, although the load came to its end")
    return found
