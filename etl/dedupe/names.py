"""Makes names comparable between services, which write one track in several ways. Pure."""

from __future__ import annotations

import polars as pl

_FEATURE = r"(?:feat\.?|ft\.?|featuring|with)\s"
_BRACKETED = rf"[(\[]\s*(?:{_FEATURE}[^)\]]*|[^)\]]*\bremaster(?:ed)?\b[^)\]]*)[)\]]"
_TRAILING = r"\s+(?:feat\.|ft\.|featuring)\s.*$"
_REMASTER = r"\s+[-–—]\s+(?:[^-–—]*\s)?remaster(?:ed)?\b.*$"
_NOT_READ = r"[^\p{L}\p{N}]+"


def loose(names: pl.Series) -> pl.Series:
    """Return ``names`` without what services add, drop or spell differently; null stays null.

    That is: case, features, "Remastered", punctuation and spaces (one old tool for Last.fm strips commas and quotes).
    A name of punctuation alone stays as it is.
    """
    distinct = names.drop_nulls().unique()
    low = pl.col("name").str.to_lowercase()
    core = low.str.replace_all(_BRACKETED, " ").str.replace(_TRAILING, "").str.replace(_REMASTER, "")
    bare = core.str.replace_all(_NOT_READ, "")
    made = distinct.to_frame("name").select(pl.when(bare != "").then(bare).otherwise(low)).to_series()
    return names.replace_strict(distinct, made, default=None, return_dtype=pl.String)
