"""Cleans the aliases in an export, as ``text`` cleans the names of the listens themselves. Pure."""

from __future__ import annotations

import polars as pl

from etl.core.schema import ALIAS, ALIASES, CANONICAL
from etl.normalize.text import MAX_NAME_BYTES, changed_by_cleaning

_TEXTS = ("of", "alias", "source")


def clean_aliases(aliases: pl.Series) -> pl.Series:
    """Return ``aliases`` (dtype ALIASES) with cleaned texts, each once and in a fixed order.

    Blank names and names of more than 2,000 bytes are dropped. Of two equal names, the primary one stays. An empty list
    becomes null.
    """
    if aliases.null_count() == len(aliases):
        return aliases
    rows = aliases.rename("aliases").to_frame().with_row_index("position")
    distinct = rows.group_by("aliases", maintain_order=True).agg("position").with_row_index("list")
    single = distinct.filter(pl.col("aliases").is_not_null()).select("list", "aliases").explode("aliases")
    cleaned = _clean_texts(single.unnest("aliases"))
    fits = pl.all_horizontal(pl.col("alias", "source").str.len_bytes() <= MAX_NAME_BYTES)
    kept = (
        cleaned.filter(pl.col("alias").is_not_null() & fits)
        .with_columns(pl.col("is_primary").fill_null(value=False))
        .sort("list", "entity", "of", "alias", pl.col("is_primary").not_(), "source")
        .unique(["list", "entity", "of", "alias"], keep="first", maintain_order=True)
        .group_by("list", maintain_order=True)
        .agg(aliases=pl.struct(ALIAS.names()))
    )
    found = distinct.select("list", "position").join(kept, on="list", how="left").explode("position").sort("position")
    return found.get_column("aliases").cast(ALIASES).rename(aliases.name)


def _clean_texts(rows: pl.DataFrame) -> pl.DataFrame:
    texts = pl.concat([rows.get_column(name).rename("text") for name in _TEXTS])
    raw, new, _ = changed_by_cleaning(texts).get_columns()
    cleaned = rows.with_columns(pl.col(name).replace(raw, new) for name in _TEXTS)
    return cleaned.with_columns(pl.col("source").fill_null(CANONICAL))  # Koito's column takes no null
