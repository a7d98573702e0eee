"""Decides which rows of a table of scrobbles are broken, and says what is wrong with an unreadable time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.reasons import RejectReason
from etl.formats.base import first_reason, is_blank, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

# A number with this many digits is a time after 2001 in this unit; in seconds it would be after the year 9999.
_UNITS = {13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}
DATE = r"^\s*(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})\s*$"
TIME_OF_DAY = r"^\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*$"
_EITHER_ORDER = r"^\s*(?:0?[1-9]|1[0-2])[/-](?:0?[1-9]|1[0-2])[/-]\d{4}\D"
_ROUNDED = r"^\s*\d[.,]\d+[Ee]\+?\d+\s*$"


def with_verdicts(frame: pl.DataFrame, times: Sequence[str], unit: str = "seconds") -> pl.DataFrame:
    """Add ``reject`` and ``detail``. Columns in: ``artist``, ``track``, ``listened_at``, the text columns ``times``.

    ``unit`` is the unit of a number in ``times``.
    """
    rules: list[tuple[pl.Expr, str]] = [
        (pl.lit(blank_texts(frame["artist"])), RejectReason.MISSING_ARTIST),
        (pl.lit(blank_texts(frame["track"])), RejectReason.MISSING_TRACK),
    ]
    if frame["listened_at"].null_count():
        rules.append((pl.all_horizontal(map(is_blank, times)), RejectReason.MISSING_TIME))
        rules.append((pl.col("listened_at").is_null(), RejectReason.BAD_TIME))
    judged = frame.with_columns(reject=first_reason(rules))
    detail = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    bad = (judged["reject"] == str(RejectReason.BAD_TIME)).fill_null(value=False).arg_true()
    if len(bad):
        details = [pl.when(~is_blank(name)).then(_not_a_time(name, unit)) for name in times]
        detail = detail.scatter(bad, judged[bad].select(pl.coalesce(details)).to_series())
    return judged.with_columns(detail.alias("detail"))


def blank_texts(texts: pl.Series) -> pl.Series:
    """Say for each text whether it is null or blank, as ``is_blank`` does, but strip only texts that may be."""
    blank = pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True)
    begins_with_ascii = texts.is_between("!", "\x7f").fill_null(value=False)
    others = (~begins_with_ascii).arg_true()
    return blank.scatter(others, texts[others].str.strip_chars().fill_null("") == "") if len(others) else blank


def wrong_unit(text: pl.Expr, unit: str = "seconds") -> pl.Expr:
    """Return " is in milliseconds, not seconds" or similar for a number with that many digits; null for other texts."""
    return pl.coalesce(
        pl.when(text.str.contains(rf"^\s*\d{{{digits}}}(?:\.\d*)?\s*$")).then(pl.lit(f" is in {other}, not {unit}"))
        for digits, other in _UNITS.items()
        if other != unit
    )


def _not_a_time(name: str, unit: str) -> pl.Expr:
    """Return the detail of a row whose column ``name`` is not a time."""
    text = pl.col(name)
    problem = pl.coalesce(
        wrong_unit(text, unit),
        pl.when(text.str.contains(DATE)).then(pl.lit(" has no time of day")),
        pl.when(text.str.contains(_EITHER_ORDER)).then(pl.lit(": day or month first?")),
        pl.when(text.str.contains(_ROUNDED)).then(pl.lit(" was rounded by a spreadsheet")),
        pl.lit(""),
    )
    return pl.format("{}: {}{}", pl.lit(name), quoted(text), problem)
