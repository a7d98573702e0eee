"""Cleans the texts of an export: what is matched and stored is what these functions return."""

from __future__ import annotations

import polars as pl

# Upper bound of a name in bytes: aliases are B-tree entries, whose limit is 2,704 bytes (DESIGN 4).
MAX_NAME_BYTES = 2_000

# Control characters that are no white space. Rust's \s is Unicode's White_Space, which holds U+0085 and NBSP.
_CONTROLS = r"[\p{Cc}--\s]"


def clean(text: pl.Expr) -> pl.Expr:
    """Return ``text`` (String) in NFC, without control characters, white space collapsed to single spaces, trimmed.

    Blank texts become null. Cleaning twice changes nothing.
    """
    plain = text.str.replace_all(_CONTROLS, "").str.replace_all(r"\s+", " ").str.strip_chars(" ").str.normalize("NFC")
    return pl.when(plain.str.len_bytes() > 0).then(plain)


def raw_variant(raw: pl.Expr, cleaned: pl.Expr) -> pl.Expr:
    """Return ``raw`` trimmed where it is not what ``cleaned`` became, else null.

    Koito stores what it is given, so a database that it filled may hold the text in its raw form. A text with
    U+0000 is no variant: PostgreSQL cannot hold it.
    """
    trimmed = raw.str.strip_chars()
    return pl.when((trimmed != cleaned) & ~trimmed.str.contains("\0", literal=True)).then(trimmed)


def fold(text: str) -> str:
    """Return ``text`` with simple case folding: one character to one, as Go's ``strings.EqualFold`` compares.

    Full folding would call "Straße" and "STRASSE" one name, which Koito does not.
    """
    if text.isascii():
        return text.lower()
    return "".join(folded if len(folded := char.casefold()) == 1 else char.lower() for char in text)
