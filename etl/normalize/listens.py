"""Turns the rows of a format into listens, skipped rows and rejected rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import polars as pl

from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import EXTRACTED, NORMALIZED, SKIPPED, TIME, conform
from etl.normalize.aliases import clean_aliases
from etl.normalize.names import NAMES_OF_ROW, normalize_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.core.separators import Separators

_VERDICT = ("skip", "reject", "detail")
_REJECTED = ("file", "row", "reason", "detail")
MBID = r"^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$"
_UUID_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))


class Rules(msgspec.Struct, frozen=True):
    """The settings that decide about a row."""

    now: datetime
    """A row with a time of more than a day later is rejected."""
    separators: Separators
    """Split a credit that is one text into artists."""
    since: datetime | None = None
    until: datetime | None = None
    """The window of times, both ends inclusive."""


class Normalized(msgspec.Struct, frozen=True):
    """The rows of one file, each in exactly one of three frames."""

    listens: pl.DataFrame
    """Schema NORMALIZED."""
    skipped: pl.DataFrame
    """Schema SKIPPED."""
    rejected: pl.DataFrame
    """Columns file, row, reason, detail."""
    cleaned: int
    """The number of listens with a text that cleaning changed by more than trimming."""


class Extracted(NamedTuple):
    """The rows that a format read from a file, and the values that all of them share."""

    rows: pl.DataFrame
    """Schema EXTRACTED."""
    file: str
    source: str
    earliest: datetime
    """Rows with an earlier time are rejected."""


def normalize(extracted: pl.DataFrame, file: str, source: str, earliest: datetime, rules: Rules) -> Normalized:
    """Return the listens, skips and rejects of one file's ``extracted`` rows (schema EXTRACTED)."""
    return normalize_together([Extracted(extracted, file, source, earliest)], rules)[0]


def normalize_together(files: Sequence[Extracted], rules: Rules) -> list[Normalized]:
    """Return the same for each of ``files``, in their order; faster than one by one, because names repeat."""
    if not files:
        return []
    rows = _labelled(files)
    decided = pl.col("skip").is_not_null() | pl.col("reject").is_not_null()
    checked = _decide(_clean_values(_with_names(rows.filter(~decided), rules.separators)), rules)
    verdict = ("number", "file", "row", *_VERDICT)
    others = [rows.filter(decided).select(verdict), checked.filter(decided).select(verdict)]
    verdicts = pl.concat(others).sort("number", "row")
    good = checked.filter(~decided)
    rejected = verdicts.filter(pl.col("reject").is_not_null()).rename({"reject": "reason"})
    skipped = verdicts.filter(pl.col("reject").is_null() & pl.col("skip").is_not_null()).rename({"skip": "reason"})
    parts = (
        _by_file(number, rows, len(files))
        for number, rows in (
            (good["number"], conform(good.select(NORMALIZED.names()), NORMALIZED)),
            (good["number"], good.select("altered")),
            (skipped["number"], conform(skipped.select(SKIPPED.names()), SKIPPED)),
            (rejected["number"], rejected.select(_REJECTED)),
        )
    )
    return [
        Normalized(listens=listens, skipped=skips, rejected=rejects, cleaned=int(altered.to_series().sum()))
        for listens, altered, skips, rejects in zip(*parts, strict=True)
    ]


def _labelled(files: Sequence[Extracted]) -> pl.DataFrame:
    """Return the rows of all ``files``, each with the values of its file and the file's ``number``."""
    about = pl.DataFrame(
        {
            "file": [file.file for file in files],
            "source": [file.source for file in files],
            "earliest": pl.Series([file.earliest for file in files], dtype=TIME),
        }
    )
    heights = pl.Series([file.rows.height for file in files], dtype=pl.UInt32)
    number = pl.int_range(len(files), dtype=pl.UInt32, eager=True).repeat_by(heights).explode(empty_as_null=False)
    rows = conform(pl.concat(file.rows for file in files), EXTRACTED)
    return rows.with_columns(number.alias("number")).hstack(about[number])


def _by_file(number: pl.Series, rows: pl.DataFrame, files: int) -> list[pl.DataFrame]:
    """Divide ``rows``, sorted by the ``number`` of their file, into those of each file."""
    edges = number.search_sorted(pl.Series(range(files + 1), dtype=pl.UInt32))
    return [rows.slice(start, end - start) for start, end in pairwise(edges)]


def _with_names(rows: pl.DataFrame, separators: Separators) -> pl.DataFrame:
    """Replace the names of ``rows`` by normalised ones. Plays repeat, so each distinct combination is made once."""
    columns = list(NAMES_OF_ROW)
    distinct = rows.select(columns).with_row_index("position").group_by(columns, maintain_order=True).agg("position")
    names = normalize_names(distinct, separators).rechunk()  # taking rows from chunks is 20 times slower
    positions = names.select("position").with_row_index("of").explode("position")
    of = pl.zeros(rows.height, pl.UInt32, eager=True).scatter(positions["position"], positions["of"])
    return rows.drop(columns).hstack(names.drop("position")[of])


def _clean_values(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring times, MBIDs, durations and aliases into their final form."""
    return rows.with_columns(
        clean_aliases(rows.get_column("aliases")),
        pl.col("listened_at").dt.truncate("1s"),
        *(_uuid(pl.col(name)).alias(name) for name in ("release_mbid", "release_group_mbid", "recording_mbid")),
        pl.col("artist_mbids").list.eval(_uuid(pl.element())),
        duration=pl.when(pl.col("duration") > 0).then("duration"),
    )


def _uuid(text: pl.Expr) -> pl.Expr:
    """Return an MBID in its canonical form. An invalid one becomes null: the listen is good without it."""
    low = text.str.strip_chars().str.to_lowercase()
    bare = low.str.replace_all("-", "", literal=True)
    canonical = pl.concat_str(*(bare.str.slice(*part) for part in _UUID_PARTS), separator="-")
    return pl.when(low.str.contains(MBID) & (bare != "0" * 32)).then(canonical)


def _decide(rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Set ``skip``, or ``reject`` and ``detail``, for rows that are not listens; the first verdict counts."""
    time = pl.col("listened_at")
    stamp = time.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    too_long = pl.format("{} bytes; at most 2,000 fit", "too_long")
    verdicts: list[tuple[RejectReason, pl.Expr, pl.Expr]] = [
        (RejectReason.MISSING_ARTIST, pl.col("artists").is_null(), pl.lit(None)),
        (RejectReason.MISSING_TRACK, pl.col("track").is_null(), pl.lit(None)),
        (RejectReason.MISSING_TIME, time.is_null(), pl.lit(None)),
        (RejectReason.TIME_TOO_EARLY, time < pl.col("earliest"), stamp),
        (RejectReason.TIME_IN_FUTURE, time > rules.now + timedelta(days=1), stamp),
        (RejectReason.NAME_TOO_LONG, pl.col("too_long").is_not_null(), too_long),
    ]
    reject = [pl.when(applies).then(pl.lit(str(reason))) for reason, applies, _ in verdicts]
    detail = [pl.when(applies).then(pl.coalesce(text.cast(pl.String), pl.lit(""))) for _, applies, text in verdicts]
    outside = pl.lit(value=False)
    if rules.since is not None:
        outside |= time < rules.since
    if rules.until is not None:
        outside |= time > rules.until
    skip = pl.when(outside & pl.col("reject").is_null()).then(pl.lit(str(SkipReason.OUTSIDE_WINDOW)))
    checked = rows.with_columns(reject=pl.coalesce(reject), detail=pl.coalesce(detail).replace("", None))
    return checked.with_columns(skip=skip)
