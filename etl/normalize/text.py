"""Cleans the texts of an export: what is matched and stored is what these functions return."""

from __future__ import annotations

import polars as pl

# Upper bound of a name in bytes: aliases are B-tree entries, whose limit in PostgreSQL is 2,704 bytes.
MAX_NAME_BYTES = 2_000

# Control characters that are no white space. Rust's \s is Unicode's White_Space, which holds U+0085 and NBSP.
_CONTROLS = r"[\p{Cc}--\s]"

# Everything that cleaning acts upon: NBSP is the one white space below U+0300 that is no control character and no
# space, and a text without characters from U+0300 on is in NFC (Unicode's NFC_Quick_Check is Yes for all below).
_SUSPECT = r"[\p{Cc}\x{A0}\x{300}-\x{10FFFF}]|^\s|\s$|\s\s|^$"


def clean(text: pl.Expr) -> pl.Expr:
    """Return ``text`` (String) in NFC, without control characters, white space collapsed to single spaces, trimmed.

    Blank texts become null. Cleaning twice changes nothing.
    """
    plain = text.str.replace_all(_CONTROLS, "").str.replace_all(r"\s+", " ").str.strip_chars(" ").str.normalize("NFC")
    return pl.when(plain.str.len_bytes() > 0).then(plain)


def changed_by_cleaning(texts: pl.Series) -> pl.DataFrame:
    """Return those distinct ``texts`` that cleaning changes.

    Columns: ``raw``; ``cleaned`` (null for a blank text); ``variant``, which is ``raw`` trimmed where that still
    differs. Koito stores what it is given, so a database that it filled may hold a text in that form. A text with
    U+0000 has no variant: PostgreSQL cannot hold it.
    """
    suspects = texts.unique().to_frame("raw").filter(pl.col("raw").str.contains(_SUSPECT))
    changed = suspects.with_columns(cleaned=clean(pl.col("raw"))).filter(pl.col("raw").ne_missing(pl.col("cleaned")))
    trimmed = pl.col("raw").str.strip_chars()
    is_variant = (trimmed != pl.col("cleaned")) & ~trimmed.str.contains("\0", literal=True)
    return changed.with_columns(variant=pl.when(is_variant).then(trimmed))


def fold(text: str) -> str:
    """Return ``text`` with simple case folding: one character to one, as Go's ``strings.EqualFold`` compares.

    Full folding would call "Straße" and "STRASSE" one name, which Koito does not.
    """
    if text.isascii():
        return text.lower()
    folded = text.casefold()  # never shortens, so that of equal length each character became one
    return folded if len(folded) == len(text) else "".join(map(_fold_character, text))


def _fold_character(char: str) -> str:
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return folded
    return char  # İ, whose lower case is two characters
