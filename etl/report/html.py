"""Makes the page about a run: one self-contained HTML file, which is well-formed XML, too. Pure.

Every value is sanitized and escaped as it enters the template.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from etl.core.reasons import RejectReason, SkipReason
from etl.core.sanitize import sanitize
from etl.core.schema import FileStatus, KeyStatus, RunStatus
from etl.report import charts
from etl.report.text import OUTCOMES, accounted, headline, notices, plural, spaced
from etl.runs.accounting import COUNT_OF_STATUS
from etl.runs.missing_pages import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from etl.report.facts import Facts

_FILES = 200
_SHOWN = 10
_NO_TEXT = re.compile("[\ufffe\uffff]")  # not allowed in XML
_MEANINGS: dict[str, str] = {reason.value: reason.meaning for kind in (SkipReason, RejectReason) for reason in kind}


def page(facts: Facts) -> str:
    """Return the page about ``facts``, to be written as UTF-8."""
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
    environment.filters |= {"count": _count, "day": _day, "moment": _moment, "spaced": spaced, "plural": plural}
    environment.filters["file_status"] = lambda status: FileStatus(status).label
    return environment.get_template("page.html")


def _safe(value: object) -> object:
    """Return a value for the page without control characters and without characters that XML does not allow."""
    return value if isinstance(value, Markup) else _NO_TEXT.sub("\ufffd", sanitize(value))


def _count(number: int) -> str:
    return f"{number:,}"


def _day(moment: date) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _moment(moment: str | datetime) -> str:
    """Return a time (ISO 8601, or UTC) in words."""
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{_day(known)}, {known.astimezone(UTC):%H:%M} UTC"


def _share(number: int, whole: int) -> str:
    """Return a percentage that is 0 or 100 only where it is exact."""
    if number in (0, whole):
        return "100 %" if number else "0 %"
    return f"{min(max(100 * number / whole, 0.1), 99.9):.1f} %"


def _accounting(manifest: Mapping[str, Any]) -> dict[str, Any]:
    counts = manifest["counts"]
    records = counts["records"]
    label = f"One bar of {plural(records, 'record')}: {accounted(counts)}"
    keys = {str(status): counts[COUNT_OF_STATUS[status]] for status in KeyStatus}
    return {
        "records": records,
        "drawing": charts.accounting({name: counts[name] for name in OUTCOMES}, label) if records else None,
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
    """Return the files, refused ones first, then loaded, known, ignored."""
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
        "missing": sentences(manifest),
        "all": len(listed),
        "summary": ", ".join(f"{number:,} {spaced(status)}" for status, number in statuses.items() if number),
    }


def _over_years(answers: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    listens = _as_dict(answers["by_month"], "month", "listens")
    new = _as_dict(answers["new_artists"], "month", "artists")
    first, last = min(listens).year, max(listens).year
    years = {month.year: {"listens": 0, "new": 0} for month in listens}
    for month, number in listens.items():
        years[month.year]["listens"] += number
        years[month.year]["new"] += new.get(month, 0)
    best = max(listens, key=listens.__getitem__)
    span = f"{first}" if first == last else f"{first} to {last}"
    most = f"The most in {best:%B %Y}: {listens[best]:,}"
    label = f"Listens by month, {span}. {most}"
    label_new = f"New artists by month, {span}. The table has them by year"
    return {
        "listens": charts.by_month(listens, "listen", "var(--accent)", label, (first, last)),
        "most": most,
        "new": charts.by_month(new, "new artist", "var(--accent-2)", label_new, (first, last)),
        "years": [{"year": year, **numbers} for year, numbers in years.items()],
    }


def _as_dict(frame: pl.DataFrame, key: str, value: str) -> dict[Any, int]:
    return dict(frame.select(key, value).iter_rows())


def _hours(hours: pl.DataFrame) -> dict[str, Any]:
    listens = {(day, hour): number for day, hour, number in hours.iter_rows()}
    (day, hour), most = max(listens.items(), key=lambda item: item[1])
    best = f"The most on {charts.WEEKDAYS[day - 1]} from {hour:02}:00 to {hour:02}:59: {most:,}"
    return {
        "drawing": charts.weekdays_and_hours(listens, f"Listens by weekday and hour, UTC. {best}"),
        "most": best,
        "days": charts.WEEKDAYS,
        "rows": [(f"{hour:02}", [listens.get((day, hour), 0) for day in range(1, 8)]) for hour in range(24)],
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
        "doubles": manifest["likely_doubles"] + manifest["skipped_by_reason"].get("likely_double", 0),
        "skipped_doubles": manifest["skipped_by_reason"].get("likely_double", 0),
        "double_rows": answers["likely_doubles"].head(_SHOWN).to_dicts(),
        "spellings": answers["spellings"].head(_SHOWN).to_dicts(),
    }


def _reasons(times: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"reason": reason, "rows": rows, "meaning": _MEANINGS.get(reason, "")} for reason, rows in times.items()]


def _timings(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    timings: Mapping[str, float] = manifest["timings"]
    if not timings:
        return None
    slowest = max(timings, key=timings.__getitem__)
    label = f"Seconds by step; the slowest is {spaced(slowest)} with {timings[slowest]:,.2f} s"
    return {"drawing": charts.steps(timings, label), "rows": timings}


def _details(manifest: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Return the settings and versions of a run, without empty ones."""
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
        *((spaced(name), value) for name, value in settings.items()),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())),
    ]
