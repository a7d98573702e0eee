"""Turns the rows that a source's reader extracted into listens, skipped rows and rejected rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import polars as pl

from etl.normalize.credit import FEATURE_HINT, distinct_places, split_credit
from etl.normalize.key import BETWEEN_ARTISTS, lookup_keys
from etl.normalize.text import MAX_NAME_BYTES, clean, raw_variant
from etl.schema import EXTRACTED, NAMES, NORMALIZED, SKIPPED, RejectReason, SkipReason, conform

if TYPE_CHECKING:
    import re

Separators: TypeAlias = "tuple[re.Pattern[str], ...]"

_TEXTS = ("artist", "track", "album")
_MBID = r"^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$"


@dataclass(frozen=True)
class Rules:
    """What decides about a row, beside its own content."""

    now: datetime
    """Rows of more than a day later are rejected."""
    separators: Separators
    """Split a text credit into artists."""
    since: datetime | None = None
    until: datetime | None = None
    """The window, both ends inclusive."""


@dataclass(frozen=True)
class Normalized:
    """The rows of one file, each in exactly one of three frames."""

    listens: pl.DataFrame
    """Schema NORMALIZED."""
    skipped: pl.DataFrame
    """Schema SKIPPED."""
    rejected: pl.DataFrame
    """Columns file, row, reason, detail."""
    cleaned: int
    """How many listens had a text that cleaning changed."""


def normalize(extracted: pl.DataFrame, file: str, source: str, earliest: datetime, rules: Rules) -> Normalized:
    """Return the listens, skips and rejects of one file's ``extracted`` rows (schema EXTRACTED)."""
    rows = conform(extracted, EXTRACTED).with_columns(file=pl.lit(file), source=pl.lit(source))
    settled = pl.col("skip").is_not_null() | pl.col("reject").is_not_null()
    listens = _clean_texts(rows.filter(~settled))
    listens = _judge(listens.with_columns(pl.col("listened_at").dt.truncate("1s")), earliest, rules)
    rows = pl.concat([rows.filter(settled).select("file", "row", *_VERDICT), listens.select("file", "row", *_VERDICT)])
    good = listens.filter(pl.col("skip").is_null() & pl.col("reject").is_null())
    good = _make_keys(_split_credits(good, rules.separators))
    raw = pl.any_horizontal(pl.col("raw_artists", "raw_track", "raw_album").is_not_null())
    skipped = rows.filter(pl.col("reject").is_null() & pl.col("skip").is_not_null())
    rejected = rows.filter(pl.col("reject").is_not_null()).sort("row")
    return Normalized(
        listens=conform(good, NORMALIZED),
        skipped=conform(skipped.sort("row").rename({"skip": "reason"}), SKIPPED),
        rejected=rejected.select("file", "row", reason="reject", detail="detail"),
        cleaned=good.filter(raw).height,
    )


_VERDICT = ("skip", "reject", "detail")


def _clean_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the cleaned texts, and the raw ones (``raw_*``) where cleaning did more than trim."""
    cleaned = rows.with_columns(clean(pl.col(name)).alias(f"clean_{name}") for name in _TEXTS)
    raw = {f"raw_{name}": raw_variant(pl.col(name), pl.col(f"clean_{name}")) for name in _TEXTS}
    names = pl.col("artists").list.eval(clean(pl.element()))
    trimmed = pl.col("artists").list.eval(pl.element().str.strip_chars())
    mbids = [_mbid(pl.col(name)).alias(name) for name in ("release_mbid", "release_group_mbid", "recording_mbid")]
    return (
        cleaned.with_columns(**raw)
        .with_columns(
            clean_artists=names,
            raw_artists=pl.when(trimmed != names).then(trimmed),
            artist_mbids=pl.col("artist_mbids").list.eval(_mbid(pl.element())),
            duration=pl.when(pl.col("duration") > 0).then("duration"),
            client=clean(pl.col("client")),
        )
        .with_columns(*mbids)
        .drop(*_TEXTS, "artists")
        .rename({f"clean_{name}": name for name in (*_TEXTS, "artists")})
    )


def _mbid(text: pl.Expr) -> pl.Expr:
    """Return a MusicBrainz identifier in its canonical form, null where it is none: the row is good without it."""
    low = text.str.strip_chars().str.to_lowercase()
    bare = low.str.replace_all("-", "", literal=True)
    parts = [bare.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    nil = bare == "0" * 32
    return pl.when(low.str.contains(_MBID) & ~nil).then(pl.concat_str(*parts, separator="-"))


def _judge(rows: pl.DataFrame, earliest: datetime, rules: Rules) -> pl.DataFrame:
    """Set ``skip``, or ``reject`` and ``detail``, of the rows that are no listens; the first verdict counts."""
    time = pl.col("listened_at")
    no_names = pl.col("artists").is_not_null() & pl.col("artists").list.drop_nulls().list.len().eq(0)
    longest = pl.max_horizontal(
        *(pl.col(name).str.len_bytes() for name in _TEXTS),
        pl.col("artists").list.eval(pl.element().str.len_bytes()).list.max(),
    )
    stamp = time.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    too_long = pl.format("{} bytes; at most 2,000 fit", longest)
    verdicts: list[tuple[RejectReason, pl.Expr, pl.Expr]] = [
        (RejectReason.MISSING_ARTIST, pl.col("artist").is_null() | no_names, pl.lit(None)),
        (RejectReason.MISSING_TRACK, pl.col("track").is_null(), pl.lit(None)),
        (RejectReason.MISSING_TIME, time.is_null(), pl.lit(None)),
        (RejectReason.TIME_TOO_EARLY, time < earliest, stamp),
        (RejectReason.TIME_IN_FUTURE, time > rules.now + timedelta(days=1), stamp),
        (RejectReason.NAME_TOO_LONG, longest > MAX_NAME_BYTES, too_long),
    ]
    reject, detail = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for reason, applies, text in reversed(verdicts):
        reject = pl.when(applies).then(pl.lit(str(reason))).otherwise(reject)
        detail = pl.when(applies).then(text.cast(pl.String)).otherwise(detail)
    outside = pl.lit(value=False)
    if rules.since is not None:
        outside |= time < rules.since
    if rules.until is not None:
        outside |= time > rules.until
    skip = pl.when(outside).then(pl.lit(str(SkipReason.OUTSIDE_WINDOW)))
    return rows.with_columns(reject=reject, detail=detail).with_columns(
        skip=pl.when(pl.col("reject").is_null()).then(skip)
    )


def _split_credits(rows: pl.DataFrame, separators: Separators) -> pl.DataFrame:
    """Fill ``artists`` and ``raw_artists``; Python looks only at the rows where there is something to decide."""
    names = rows.get_column("artist").unique()
    composed = pl.Series([name for name in names if any(pattern.search(name) for pattern in separators)], dtype=pl.String)
    feature = pl.any_horizontal(pl.col("artist", "track").str.contains(FEATURE_HINT))
    lone = pl.col("artists").list.len().eq(1) & pl.col("artists").list.first().is_not_null()
    easy = pl.coalesce(lone, ~feature & ~pl.col("artist").is_in(composed.implode()))
    raw = pl.when(pl.col("raw_artist").is_not_null()).then(pl.concat_list("raw_artist"))
    plain = rows.filter(easy).with_columns(
        credit=pl.coalesce(pl.col("artists").list.first(), "artist"),
        artists=pl.coalesce("artists", pl.concat_list("artist")),
        raw_artists=pl.coalesce("raw_artists", raw),
    )
    return pl.concat([plain, _split_hard(rows.filter(~easy), separators)]).sort("row")


def _split_hard(rows: pl.DataFrame, separators: Separators) -> pl.DataFrame:
    """Do the same for listed artists and for credits that may hold several."""
    columns = ("artist", "track", "artists", "artist_mbids", "raw_artist", "raw_track", "raw_artists")
    found: list[Credit] = []
    for artist, track, listed, mbids, raw_artist, raw_track, raw_listed in rows.select(columns).iter_rows():
        if listed is not None:
            found.append(_listed_credit(listed, mbids, raw_listed))
            continue
        artists = split_credit(artist, track, separators)
        raw = split_credit(raw_artist or artist, raw_track or track, separators)
        differs = raw != artists and len(raw) == len(artists)
        found.append(Credit(artist, artists, mbids, raw if differs else None))
    return rows.with_columns(
        pl.Series("credit", [credit.text for credit in found], dtype=pl.String),
        pl.Series("artists", [credit.artists for credit in found], dtype=NAMES),
        pl.Series("artist_mbids", [credit.mbids for credit in found], dtype=NAMES),
        pl.Series("raw_artists", [credit.raw for credit in found], dtype=NAMES),
    )


class Credit(NamedTuple):
    """An artist credit: its part of the lookup key, its artists, their MBIDs, their names as exported."""

    text: str
    artists: list[str]
    mbids: list[str | None] | None
    raw: list[str] | None


def _listed_credit(listed: list[str | None], mbids: list[str | None] | None, raw: list[str | None] | None) -> Credit:
    """Return the credit of listed artists: blanks dropped, each name once; MBIDs that stand beside names go along."""
    kept = distinct_places(listed)
    artists = [name for place, name in enumerate(listed) if place in kept and name]
    aligned = mbids is not None and len(mbids) == len(listed)
    variants = [raw[place] or name for place, name in enumerate(listed) if place in kept and name] if raw else None
    return Credit(
        text=BETWEEN_ARTISTS.join(artists),
        artists=artists,
        mbids=[mbid for place, mbid in enumerate(mbids) if place in kept] if mbids and aligned else mbids,
        raw=variants if variants != artists else None,
    )


def _make_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``lookup_key``."""
    return rows.with_columns(lookup_keys(rows))
