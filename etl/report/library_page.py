"""Makes the page about a library, for the listener: one self-contained HTML file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from etl.report.sections import hours, over_years, ranking
from etl.report.template import count, day, local, render
from etl.report.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.report.facts import LibraryFacts

_SHOWN = 10
_ALL_TIME = "All time"
_RANKINGS = (("Artists", "artist", None), ("Albums", "album", "artist"), ("Tracks", "track", "artist"))
_MANY = 100  # from this many hours on, no decimal is shown


def library_page(facts: LibraryFacts) -> str:
    """Return the page about ``facts``, to be written as UTF-8."""
    answers = facts.answers
    totals = answers["totals"].row(0, named=True)
    return render(
        "library.html",
        version=facts.version,
        user=facts.user,
        zone=facts.zone,
        **(_listened(facts, totals) if totals["listens"] else {"totals": None, "title": "No listens yet"}),
        loads=[{**row, "when": local(row["began"])} for row in answers["loads"].head(_SHOWN).iter_rows(named=True)],
    )


def _listened(facts: LibraryFacts, totals: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections about listens."""
    answers = facts.answers
    return {
        "title": f"{plural(totals['listens'], 'listen')} {_since(totals)}",
        "totals": totals,
        "hours_heard": _hours(totals["hours"]),
        "tiles": _tiles(totals, answers["streaks"].row(0, named=True)),
        "milestones": _milestones(answers),
        "over_years": over_years(answers),
        "years": _years(answers["by_year"]),
        "months": _months(answers["by_month"]),
        "periods": _periods(answers),
        "hours": hours(answers["by_weekday_and_hour"], facts.zone),
        "quality": answers["data_quality"].to_dicts(),
        "clients": answers["clients"].to_dicts(),
    }


def _since(totals: Mapping[str, Any]) -> str:
    first, last = totals["first"], totals["last"]
    if (first.year, first.month) == (last.year, last.month):
        return f"in {first:%B %Y}"
    return f"since {first:%B %Y}"


def _hours(number: float) -> str:
    """Return a number of hours as text; a small number has one decimal."""
    return count(round(number)) if number >= _MANY else f"{number:.1f}"


def _tiles(totals: Mapping[str, Any], streak: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("listens", count(totals["listens"])),
        ("hours", _hours(totals["hours"])),
        ("artists", count(totals["artists"])),
        ("albums", count(totals["albums"])),
        ("tracks", count(totals["tracks"])),
        ("days with music", count(totals["days"])),
        ("longest streak, days", count(streak["days"])),
        ("per day with music", f"{totals['listens'] / totals['days']:,.1f}"),
    ]


def _milestones(answers: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return the milestones: each with its name, what it was (a listen has a track and an artist), and when."""
    first, last = answers["first_and_last"].sort("which").to_dicts()
    streak = answers["streaks"].row(0, named=True)
    span = day(streak["first_day"])
    if streak["days"] > 1:
        span += f" to {day(streak['last_day'])}"
    listens = {
        name: {"track": row["track"], "artist": row["artist"], "what": None, "when": local(row["local_time"])}
        for name, row in (("First listen", first), ("Last listen", last))
    }
    busiest = {
        "Busiest day": _busiest(answers["busiest_days"], "day", "{0.day} {0:%B %Y}"),
        "Busiest month": _busiest(answers["by_month"], "month", "{:%B %Y}"),
        "Busiest year": _busiest(answers["by_year"], "year", "{}"),
    }
    longest = {"what": f"{plural(streak['days'], 'day')} in a row", "artist": None, "when": span}
    found = {**listens, "Longest streak": longest, **busiest}
    return [{"name": name, **milestone} for name, milestone in found.items()]


def _busiest(periods: pl.DataFrame, name: str, shown: str) -> dict[str, Any]:
    """Return the period with the most listens, from periods sorted by these; ``shown`` formats the column ``name``."""
    most = periods.sort("listens", descending=True, maintain_order=True).row(0, named=True)
    return {"what": plural(most["listens"], "listen"), "artist": None, "when": shown.format(most[name])}


def _years(by_year: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the table of years, the newest first."""
    most = by_year.get_column("listens").max()
    return [
        {**row, "hours": _hours(row["hours"]), "width": f"{100 * row['listens'] / most:.1f}"}
        for row in by_year.reverse().iter_rows(named=True)
    ]


def _months(by_month: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the table of months, the newest first."""
    return [
        {"month": f"{row['month']:%B %Y}", "listens": row["listens"], "hours": _hours(row["hours"])}
        for row in by_month.reverse().iter_rows(named=True)
    ]


def _periods(answers: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return the rankings of all time, then of each year, the newest first."""
    years = answers["by_year"].get_column("year").reverse().to_list()
    whole = {"id": "all-time", "title": _ALL_TIME, "rankings": _rankings(answers, "top_{}", pl.lit(value=True))}
    return [
        whole,
        *(
            {
                "id": f"year-{year}",
                "title": str(year),
                "rankings": _rankings(answers, "top_{}_by_year", pl.col("year") == year),
            }
            for year in (years if len(years) > 1 else [])
        ),
    ]


def _rankings(answers: Mapping[str, pl.DataFrame], query: str, wanted: pl.Expr) -> list[dict[str, Any]]:
    return [
        {
            "title": title,
            **ranking(answers[query.format(title.lower())].filter(wanted).head(_SHOWN), name, by),
        }
        for title, name, by in _RANKINGS
    ]
