"""Prepares the sections that several pages have: charts over the years, weekdays and hours, rankings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.report import charts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


def over_years(answers: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Return the charts of the queries ``by_month`` and ``new_artists``, and their numbers by year.

    ``by_month`` must have rows.
    """
    listens = _as_dict(answers["by_month"], "month", "listens")
    new = _as_dict(answers["new_artists"], "month", "artists")
    first, last = min(listens).year, max(listens).year
    years = {month.year: {"listens": 0, "new": 0} for month in listens}
    for month, number in listens.items():
        years[month.year]["listens"] += number
        years[month.year]["new"] += new.get(month, 0)
    best = max(listens, key=listens.__getitem__)
    span = f"{first}" if first == last else f"{first} to {last}"
    most = f"Most listens: {listens[best]:,} in {best:%B %Y}"
    label = f"Listens by month, {span}. {most}"
    label_new = f"New artists by month, {span}. The table has them by year"
    return {
        "listens": charts.by_month(listens, "listen", "var(--accent)", label, (first, last)),
        "most": most,
        "new": charts.by_month(new, "new artist", "var(--accent-2)", label_new, (first, last)) if new else None,
        "years": [{"year": year, **numbers} for year, numbers in years.items()],
    }


def _as_dict(frame: pl.DataFrame, key: str, value: str) -> dict[Any, int]:
    return dict(frame.select(key, value).iter_rows())


def hours(by_hour: pl.DataFrame, zone: str) -> dict[str, Any]:
    """Return the heat map of the query ``by_weekday_and_hour``, which must have rows, and its numbers by hour."""
    listens = {(day, hour): number for day, hour, number in by_hour.iter_rows()}
    (day, hour), most = max(listens.items(), key=lambda item: item[1])
    best = f"Most listens: {most:,} on {charts.WEEKDAYS[day - 1]}, {hour:02}:00 to {hour:02}:59"
    label = f"Listens by weekday and hour, {zone}. {best}"
    return {
        "drawing": charts.weekdays_and_hours(listens, label, zone),
        "most": best,
        "days": charts.WEEKDAYS,
        "rows": [(f"{hour:02}", [listens.get((day, hour), 0) for day in range(1, 8)]) for hour in range(24)],
    }


def ranking(rows: pl.DataFrame, name: str, by: str | None) -> dict[str, Any]:
    """Return the rows of a table of what was heard most; ``name``, ``by`` and ``listens`` are columns of ``rows``."""
    most = max(rows.get_column("listens"), default=1)
    return {
        "column": name,
        "rows": [
            {
                "name": row[name],
                "by": row[by] if by else None,
                "listens": row["listens"],
                "width": f"{100 * row['listens'] / most:.1f}",
            }
            for row in rows.iter_rows(named=True)
        ],
    }
