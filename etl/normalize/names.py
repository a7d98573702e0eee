"""Normalises the names of listens: cleans texts, splits the credit into artists, makes the lookup key. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from etl.core.schema import NAMES
from etl.normalize.credit import FEATURE_HINT, distinct_positions, split_credit
from etl.normalize.key import BETWEEN_ARTISTS, lookup_keys
from etl.normalize.text import MAX_NAME_BYTES, changed_by_cleaning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.core.separators import Separators

NAMES_OF_ROW = ("artist", "track", "album", "artists", "artist_mbids", "client")
_TEXTS = ("artist", "track", "album")


class Credit(NamedTuple):
    """An artist credit: its part of the lookup key, its artists, their MBIDs, and their names as exported."""

    text: str
    artists: list[str]
    mbids: list[str | None] | None
    raw: list[str] | None


def normalize_names(names: pl.DataFrame, separators: Separators) -> pl.DataFrame:
    """Return ``names`` with the columns NAMES_OF_ROW cleaned and ``artists`` filled, base artist first, each once.

    Columns added: ``raw_artists``, ``raw_track``, ``raw_album`` (texts as exported, if cleaning changed them by more
    than trimming), ``altered`` (whether it did), ``lookup_key``, ``too_long`` (the bytes of a name over the limit).
    ``artists`` and the key are null if artist or track is blank or too long.
    """
    cleaned = _clean_texts(names)
    has_artist = pl.coalesce(pl.col("artists").list.drop_nulls().list.len() > 0, pl.col("artist").is_not_null())
    usable = has_artist & pl.col("track").is_not_null() & pl.col("too_long").is_null()
    good = _split_credits(cleaned.filter(usable), separators)
    good = good.with_columns(lookup_keys(good)).drop("credit", "raw_artist")
    blank = pl.lit(None, pl.String).alias("lookup_key")
    artists = pl.when(has_artist).then(pl.coalesce("artists", pl.concat_list("artist")))
    bad = cleaned.filter(~usable).with_columns(blank, artists=artists)
    return pl.concat([good, bad.select(good.columns)])


def _clean_texts(names: pl.DataFrame) -> pl.DataFrame:
    """Clean the texts; add the raw ones and ``too_long``. Few texts need cleaning, so they are found first."""
    every = [names.get_column(name) for name in (*_TEXTS, "client")] + [names.get_column("artists").explode()]
    changed = changed_by_cleaning(pl.concat([texts.rename("text") for texts in every]))
    raw, new, variant = changed.get_columns()
    altered = raw.filter(raw.str.strip_chars() != new.fill_null("")).implode()
    cleaned = names.with_columns(
        *(pl.col(name).replace(raw, new) for name in (*_TEXTS, "client")),
        pl.col("artists").list.eval(pl.element().replace(raw, new)),
        *(_variants(pl.col(name), raw, variant).alias(f"raw_{name}") for name in _TEXTS),
        raw_artists=pl.col("artists").list.eval(_variants(pl.element(), raw, variant)),
        altered=pl.any_horizontal(
            pl.col(*_TEXTS).is_in(altered), pl.col("artists").list.eval(pl.element().is_in(altered)).list.any()
        ),
    )
    longest = pl.max_horizontal(
        *(pl.col(name).str.len_bytes() for name in _TEXTS if name != "artist"),
        # if artists are listed, the credit text is all of them joined, not a name, so its length does not count
        pl.when(pl.col("artists").is_null()).then(pl.col("artist").str.len_bytes()),
        pl.col("artists").list.eval(pl.element().str.len_bytes()).list.max(),
    )
    return cleaned.with_columns(
        raw_artists=pl.when(pl.col("raw_artists").list.drop_nulls().list.len() > 0).then("raw_artists"),
        too_long=pl.when(longest > MAX_NAME_BYTES).then(longest),
    )


def _variants(text: pl.Expr, raw: pl.Series, variant: pl.Series) -> pl.Expr:
    return text.replace_strict(raw, variant, default=None, return_dtype=pl.String)


def _split_credits(names: pl.DataFrame, separators: Separators) -> pl.DataFrame:
    """Fill ``artists``, ``raw_artists`` and ``credit``; only credits that may have several artists need Python."""
    texts = names.get_column("artist").drop_nulls().unique().to_list()
    composed = [text for text in texts if any(pattern.search(text) for pattern in separators)]
    feature = pl.any_horizontal(pl.col("artist", "track").str.contains(FEATURE_HINT))
    lone = pl.col("artists").list.len().eq(1) & pl.col("artists").list.first().is_not_null()
    easy = pl.when(pl.col("artists").is_null()).then(~feature & ~pl.col("artist").is_in(composed)).otherwise(lone)
    raw = pl.when(pl.col("raw_artist").is_not_null()).then(pl.concat_list("raw_artist"))
    plain = names.filter(easy).with_columns(
        credit=pl.coalesce(pl.col("artists").list.first(), "artist"),
        raw_artists=pl.when(pl.col("artists").is_null()).then(raw).otherwise("raw_artists"),
        artists=pl.coalesce("artists", pl.concat_list("artist")),
    )
    return pl.concat([plain, _split_hard(names.filter(~easy), separators).select(plain.columns)])


def _split_hard(names: pl.DataFrame, separators: Separators) -> pl.DataFrame:
    """Do the same for listed artists and for credits that may have several."""
    columns = ("artist", "track", "artists", "artist_mbids", "raw_artist", "raw_track", "raw_artists")
    found: list[Credit] = []
    for artist, track, listed, mbids, raw_artist, raw_track, raw_listed in names.select(columns).iter_rows():
        if listed is not None:
            found.append(listed_credit(listed, mbids, raw_listed))
            continue
        artists = split_credit(artist, track, separators)
        is_raw = raw_artist is not None or raw_track is not None
        raw = split_credit(raw_artist or artist, raw_track or track, separators) if is_raw else artists
        differs = raw != artists and len(raw) == len(artists)
        found.append(Credit(artist, artists, mbids, raw if differs else None))
    return names.with_columns(
        pl.Series("credit", [credit.text for credit in found], dtype=pl.String),
        _name_lists("artists", [credit.artists for credit in found]),
        pl.Series("artist_mbids", [credit.mbids for credit in found], dtype=NAMES),
        pl.Series("raw_artists", [credit.raw for credit in found], dtype=NAMES),
    )


def _name_lists(title: str, lists: Sequence[list[str]]) -> pl.Series:
    """Return lists of cleaned names, none of them empty, as a column. Splitting texts is faster than nested lists."""
    return pl.Series(title, [BETWEEN_ARTISTS.join(names) for names in lists], dtype=pl.String).str.split(
        BETWEEN_ARTISTS
    )


def listed_credit(listed: list[str | None], mbids: list[str | None] | None, raw: list[str | None] | None) -> Credit:
    """Return the credit of listed artists: without blanks, each name once, and MBIDs for the names that stay."""
    kept = distinct_positions(listed)
    artists = [name for position in kept if (name := listed[position])]
    variants = [(raw[position] if raw else None) or name for position in kept if (name := listed[position])]
    aligned = mbids is not None and len(mbids) == len(listed)
    return Credit(
        text=BETWEEN_ARTISTS.join(artists),
        artists=artists,
        mbids=[mbids[position] for position in kept] if mbids is not None and aligned else mbids,
        raw=variants if variants != artists else None,
    )
