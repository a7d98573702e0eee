"""The page: what it says of a run, as HTML that needs nothing but itself. Pure.

Everything that is put into the template is made inert first and escaped by it; it is well-formed XML, too.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
import polars as pl
from markupsafe import Markup

from etl.core.sanitize import sanitize
from etl.core.schema import FileStatus, KeyStatus, RejectReason, RunStatus, SkipReason
from etl.report import charts
from etl.report.text import OUTCOMES, accounted, headline, notices, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.report.facts import Facts

_FILES = 200
_SHOWN = 10
_NO_TEXT = re.compile("[\ufffe\uffff]")  # no characters, for XML
_MEANINGS: dict[str, str] = {reason.value: reason.meaning for kind in (SkipReason, RejectReason) for reason in kind}


def page(facts: Facts) -> str:
    """Return the page as a text to be written as UTF-8."""
    manifest, answers = facts.manifest, facts.answers
    listened = not answers["by_month"].is_empty()
    return _template().render(
        run=manifest,
        title=headline(manifest),
        notices=notices(manifest, facts.missing),
        is_dry=manifest["status"] == RunStatus.DRY_RUN,
        seconds=sum(manifest["timings"].values()),
        totals=answers["totals"].row(0, named=True) if listened else None,
        accounting=_accounting(manifest),
        files=_files(manifest),
        over_years=_over_years(answers) if listened else None,
        hours=_hours(answers["by_weekday_and_hour"]) if listened else None,
        rankings=_rankings(answers) if listened else [],
        quality=_quality(facts),
        timings=_timings(manifest),
        details=_details(manifest),
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("etl.report", "templates"),
        autoescape=True,
        finalize=_safe,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "day": _day, "moment": _moment, "words": _words, "plural": plural}
    return environment.get_template("page.html")


def _safe(value: object) -> object:
    """Return what is put into the page without characters that act, or that XML does not have."""
    return value if isinstance(value, Markup) else _NO_TEXT.sub("\ufffd", sanitize(value))


def _count(number: int) -> str:
    return f"{number:,}"


def _day(moment: date) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _moment(moment: str | datetime) -> str:
    """Return a time (ISO 8601, or UTC) for people."""
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{_day(known)}, {known.astimezone(UTC):%H:%M} UTC"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _drawings(drawn: list[str]) -> Markup:
    return Markup("").join(map(Markup, drawn))  # drawn and escaped by etl.report.charts


def _share(number: int, whole: int) -> str:
    """Return a percentage that is 0 or 100 only where nothing or all is meant."""
    if number in (0, whole):
        return "100 %" if number else "0 %"
    return f"{min(max(100 * number / whole, 0.1), 99.9):.1f} %"


def _accounting(manifest: Mapping[str, Any]) -> dict[str, Any]:
    counts = manifest["counts"]
    records = counts["records"]
    parts = pl.DataFrame({"name": list(OUTCOMES), "records": [counts[name] for name in OUTCOMES]})
    label = f"One bar of {plural(records, 'record')}: {accounted(counts)}"
    keys = {str(status): counts["cache_hits" if status is KeyStatus.HIT else str(status)] for status in KeyStatus}
    return {
        "records": records,
        "drawing": _drawings(charts.accounting(parts, label)) if records else None,
        "rows": [
            {
                "name": name,
                "meaning": OUTCOMES[name],
                "records": counts[name],
                "share": _share(counts[name], records) if records else "",
            }
            for name in OUTCOMES
        ],
        "lookup_keys": counts["keys"],
        "key_states": keys,
        "balances": not manifest["imbalances"],
    }


def _files(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the files, those that need a look first: refused, loaded, known, left aside."""
    order = [FileStatus.REFUSED, FileStatus.LOADED, FileStatus.KNOWN, FileStatus.LEFT_ASIDE]
    listed = sorted(manifest["files"], key=lambda file: order.index(file["status"]))
    rows = []
    for file in listed[:_FILES]:
        cut = max(file["path"].rfind("/"), file["path"].rfind("!")) + 1
        rows.append({**file, "folder": file["path"][:cut], "name": file["path"][cut:]})
    statuses = {status: sum(file["status"] == status for file in listed) for status in order}
    return {
        "rows": rows,
        "more": len(listed) - len(rows),
        "all": len(listed),
        "summary": ", ".join(f"{number:,} {_words(status)}" for status, number in statuses.items() if number),
    }


def _over_years(answers: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    months, new = answers["by_month"], answers["new_artists"]
    joined = months.select("month", "listens").join(new.select("month", new="artists"), on="month", how="left")
    by_year = (
        joined.group_by(year=pl.col("month").dt.year()).agg(pl.col("listens", "new").sum()).sort("year").to_dicts()
    )
    best = months.sort("listens", descending=True, maintain_order=True).row(0, named=True)
    first, last = by_year[0]["year"], by_year[-1]["year"]
    span = f"{first}" if first == last else f"{first} to {last}"
    most = f"The most in {best['month']:%B %Y}: {best['listens']:,}"
    whole = months.row(0)[0], months.row(-1)[0]
    drawn = charts.by_month(months, "listens", "listen", "var(--accent)", f"Listens by month, {span}. {most}", whole)
    label = f"New artists by month, {span}. The table has them by year"
    drawn_new = charts.by_month(new, "artists", "new artist", "var(--accent-2)", label, whole)
    return {
        "listens": _drawings(drawn),
        "most": most,
        "new": _drawings(drawn_new),
        "years": by_year,
    }


def _hours(hours: pl.DataFrame) -> dict[str, Any]:
    known = {(day, hour): listens for day, hour, listens in hours.iter_rows()}
    (day, hour), most = max(known.items(), key=lambda item: item[1])
    best = f"The most on {charts.WEEKDAYS[day - 1]} from {hour:02}:00 to {hour:02}:59: {most:,}"
    return {
        "drawing": _drawings(charts.weekdays_and_hours(hours, f"Listens by weekday and hour, UTC. {best}")),
        "most": best,
        "days": charts.WEEKDAYS,
        "rows": [(f"{hour:02}", [known.get((day, hour), 0) for day in range(1, 8)]) for hour in range(24)],
    }


def _rankings(answers: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    found = []
    for title, query, name, by in (
        ("Top artists", "top_artists", "artist", None),
        ("Top albums", "top_albums", "album", "artist"),
    ):
        rows = answers[query].head(_SHOWN).to_dicts()
        most = max((row["listens"] for row in rows), default=1)
        found.append(
            {
                "title": title,
                "query": query,
                "column": name,
                "rows": [
                    {
                        "name": row[name],
                        "by": row[by] if by else None,
                        "listens": row["listens"],
                        "width": f"{100 * row['listens'] / most:.1f}",
                    }
                    for row in rows
                ],
            }
        )
    return found


def _quality(facts: Facts) -> dict[str, Any]:
    manifest, answers = facts.manifest, facts.answers
    rejects = answers["rejects_by_file"]
    return {
        "skipped": _reasons(manifest["skipped_by_reason"]),
        "rejected": _reasons(manifest["rejected_by_reason"]),
        "places": [{**row, "place": f"{row['file']}:{row['first_row']}"} for row in rejects.head(_SHOWN).to_dicts()],
        "doubles": manifest["likely_doubles"],
        "double_rows": answers["likely_doubles"].head(_SHOWN).to_dicts(),
        "spellings": answers["spellings"].head(_SHOWN).to_dicts(),
    }


def _reasons(times: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"reason": reason, "rows": rows, "meaning": _MEANINGS.get(reason, "")} for reason, rows in times.items()]


def _timings(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    timings: Mapping[str, float] = manifest["timings"]
    if not timings:
        return None
    frame = pl.DataFrame({"step": [_words(step) for step in timings], "seconds": [float(s) for s in timings.values()]})
    slowest = max(timings, key=timings.__getitem__)
    label = f"Seconds by step; the slowest is {_words(slowest)} with {timings[slowest]:,.2f} s"
    return {"drawing": _drawings(charts.steps(frame, label)), "rows": frame.rows()}


def _details(manifest: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Return the settings and versions of a run, as far as they say something."""
    created = manifest["created"]
    settings = {name: value for name, value in manifest["settings"].items() if value not in (None, False, "")}
    return [
        ("run", manifest["run_id"]),
        ("began", _moment(manifest["started_at"])),
        ("ended", _moment(manifest["finished_at"])),
        ("exit code", manifest["exit_code"]),
        ("database", manifest["dsn"]),
        (
            "new in the database",
            ", ".join(plural(created[name], name[:-1]) for name in ("artists", "albums", "tracks")),
        ),
        *((_words(name), value) for name, value in settings.items()),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())),
    ]
