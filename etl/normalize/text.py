"""Cleans the texts of an export. Only cleaned texts are matched and stored."""

from __future__ import annotations

import polars as pl

# The limit of a name in bytes: aliases are in a B-tree index, whose entries PostgreSQL limits to 2,704 bytes.
MAX_NAME_BYTES = 2_000

# Control characters except white space. Rust's \s is Unicode's White_Space, which includes U+0085 and NBSP.
_CONTROLS = r"[\p{Cc}--\s]"

# Everything that cleaning changes. Below U+0300, NBSP is the only white space except the space that is not a control
# character, and a text without characters from U+0300 on is in NFC (Unicode's NFC_Quick_Check is Yes for all below).
_SUSPECT = r"[\p{Cc}\x{A0}\x{300}-\x{10FFFF}]|^\s|\s$|\s\s|^$"


def clean(text: pl.Expr) -> pl.Expr:
    """Return ``text`` (String) in NFC, without control characters, with white space collapsed to spaces, trimmed.

    Blank texts become null. Cleaning again changes nothing.
    """
    plain = text.str.replace_all(_CONTROLS, "").str.replace_all(r"\s+", " ").str.strip_chars(" ").str.normalize("NFC")
    return pl.when(plain.str.len_bytes() > 0).then(plain)


def changed_by_cleaning(texts: pl.Series) -> pl.DataFrame:
    """Return those distinct ``texts`` that cleaning changes.

    Columns out: ``raw``; ``cleaned`` (null for a blank text); ``variant``, which is ``raw`` trimmed, if that differs
    from ``cleaned``. Koito stores texts as submitted, so its database may have one in this form. A text with U+0000 has
    no variant, because PostgreSQL cannot store it.
    """
    suspects = texts.unique().to_frame("raw").filter(pl.col("raw").str.contains(_SUSPECT))
    changed = suspects.with_columns(cleaned=clean(pl.col("raw"))).filter(pl.col("raw").ne_missing(pl.col("cleaned")))
    trimmed = pl.col("raw").str.strip_chars()
    is_variant = (trimmed != pl.col("cleaned")) & ~trimmed.str.contains("\0", literal=True)
    return changed.with_columns(variant=pl.when(is_variant).then(trimmed))


def fold(text: str) -> str:
    """Return ``text`` with simple case folding, one character to one, as Go's ``strings.EqualFold`` compares.

    Full folding would make "Straße" and "STRASSE" equal, which they are not in Koito.
    """
    if text.isascii():
        return text.lower()
    folded = text.casefold()  # never shorter than text, so with equal lengths each character became one
    return folded if len(folded) == len(text) else "".join(map(_fold_character, text))


def _fold_character(char: str) -> str:
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return folded
    return char  # İ, whose lower case is two characters
