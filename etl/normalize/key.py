"""Makes lookup keys. No other module makes them, because ``lower()`` differs between engines."""

from __future__ import annotations

import hashlib

import polars as pl

BETWEEN_FIELDS = "\x1f"  # never in cleaned text, which has no control characters; PostgreSQL cannot store U+0000
BETWEEN_ARTISTS = "\x1e"
MAX_KEY_BYTES = 2_000


def lookup_keys(texts: pl.DataFrame) -> pl.Series:
    """Return the key of each row: credit, track and album, lower-cased, joined by U+001F.

    Columns in, all cleaned: ``credit`` (the text, or the names in order joined by ``BETWEEN_ARTISTS``), ``track``,
    ``album`` (null is an empty part). A key of more than 2,000 bytes is replaced by a digest, because it is a primary
    key in a B-tree.
    """
    keys = texts.select(
        pl.concat_str(
            pl.col("credit").str.to_lowercase(),
            pl.col("track").str.to_lowercase(),
            pl.col("album").fill_null("").str.to_lowercase(),
            separator=BETWEEN_FIELDS,
        ).alias("lookup_key")
    ).to_series()
    long = keys.str.len_bytes() > MAX_KEY_BYTES
    if not long.any():
        return keys
    return pl.Series("lookup_key", [_digest(key) if is_long else key for key, is_long in zip(keys, long, strict=True)])


def lookup_key(credit: str, track: str, album: str | None) -> str:
    """Return the key of one row, much faster than ``lookup_keys``. Python's ``lower()`` is used only for ASCII."""
    texts = (credit, track, album or "")
    is_ascii = all(text.isascii() for text in texts)
    lower = [text.lower() for text in texts] if is_ascii else pl.Series(texts).str.to_lowercase()
    key = BETWEEN_FIELDS.join(lower)
    return _digest(key) if len(key.encode()) > MAX_KEY_BYTES else key


def _digest(key: str) -> str:
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
