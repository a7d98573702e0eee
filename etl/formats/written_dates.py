"""Converts dates that spreadsheets and scripts write to the ISO form, if day, month and year are unambiguous."""

from __future__ import annotations

import polars as pl

_CLOCK = r"(\d{1,2})(:[0-5]\d(?::\d{2})?)\s*([AaPp])?(?:\.?[Mm]\.?)?\s*([Zz]|[+-]\d{2}:?\d{2})?\s*$"
_IN_NUMBERS = r"^\s*(\d{1,2})([./-])(\d{1,2})[./-](\d{4}),?[Tt ]+" + _CLOCK
_YEAR_FIRST = r"^\s*(\d{4})[./-](\d{1,2})[./-](\d{1,2}),?[Tt ]+" + _CLOCK
_WEEKDAY = r"^\s*(?:[A-Za-z]{3,9},?\s+)?"
_DAY_AND_NAME = _WEEKDAY + r"(\d{1,2})\s+([A-Za-z]{3,9}),?\s+(\d{4}),?\s+" + _CLOCK
_NAME_AND_DAY = _WEEKDAY + r"([A-Za-z]{3,9})\s+(\d{1,2}),?\s+(\d{4}),?\s+" + _CLOCK
_FULL_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTHS = {
    spelling: f"{number:02}" for number, name in enumerate(_FULL_NAMES, start=1) for spelling in (name, name[:3])
} | {"sept": "09"}


def in_iso_form(texts: pl.Series) -> pl.Series:
    """Return times such as "27/03/2020 6:11 +01:00" as "2020-03-27 06:11+01:00"; null for other texts.

    The month may have its English name, the hour AM or PM, and a weekday may come first. In numbers with dots the day
    comes first. With slashes or hyphens, the day is the number that is over 12 anywhere in the column. This holds for
    the whole column; if neither number or both are ever over 12, the text is null.
    """
    forms = [_from_numbers(texts), _from_year_first(texts), _from_names(texts)]
    return pl.select(pl.coalesce(map(pl.lit, forms))).to_series()


def _from_numbers(texts: pl.Series) -> pl.Series:
    first, mark, second, year, *clock = _parts(texts, _IN_NUMBERS)
    dotted = mark == "."
    others = pl.DataFrame({"first": first, "second": second}).select(pl.all().cast(pl.Int64, strict=False))
    over = others.filter(~dotted).select((pl.all() > 12).any())
    day_first, month_first = bool(over.item(0, "first")), bool(over.item(0, "second"))
    is_known = (dotted | (day_first != month_first)).fill_null(value=False)
    swapped = ~dotted & month_first
    day, month = first.zip_with(~swapped, second), second.zip_with(~swapped, first)
    return _joined(year, month, day, clock).set(~is_known, None)


def _from_year_first(texts: pl.Series) -> pl.Series:
    year, month, day, *clock = _parts(texts, _YEAR_FIRST)
    return _joined(year, month, day, clock)


def _from_names(texts: pl.Series) -> pl.Series:
    found, other = _parts(texts, _DAY_AND_NAME), _parts(texts, _NAME_AND_DAY)
    other[0], other[1] = other[1], other[0]
    day, name, year, *clock = [one.zip_with(found[0].is_not_null(), two) for one, two in zip(found, other, strict=True)]
    month = name.str.to_lowercase().replace_strict(_MONTHS, default=None, return_dtype=pl.String)
    return _joined(year, month, day, clock)


def _parts(texts: pl.Series, pattern: str) -> list[pl.Series]:
    return texts.str.extract_groups(pattern).struct.unnest().get_columns()


def _joined(year: pl.Series, month: pl.Series, day: pl.Series, clock: list[pl.Series]) -> pl.Series:
    """Return the ISO form; null if one of the parts is null or the hour does not exist on its clock."""
    hour, rest, half, zone = clock
    number, is_late = hour.cast(pl.Int64, strict=False), half.str.to_lowercase() == "p"
    in_half = (number % 12 + is_late.cast(pl.Int64) * 12).set(~number.is_between(1, 12), None)
    hours = number.zip_with(half.is_null(), in_half).cast(pl.String).str.zfill(2)
    return year + "-" + month.str.zfill(2) + "-" + day.str.zfill(2) + " " + hours + rest + zone.fill_null("")
