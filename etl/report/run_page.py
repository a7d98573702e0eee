"""Makes the page about a run: one self-contained HTML file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import FileStatus, KeyStatus, RunStatus
from etl.report import charts
from etl.report.sections import hours, over_years, ranking
from etl.report.template import moment, render
from etl.report.text import OUTCOMES, accounted, headline, notices, plural, spaced
from etl.runs.accounting import COUNT_OF_STATUS
from etl.runs.missing_pages import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from etl.report.facts import RunFacts

_FILES = 200
_SHOWN = 10
_MEANINGS: dict[str, str] = {reason.value: reason.meaning for kind in (SkipReason, RejectReason) for reason in kind}


def run_page(facts: RunFacts) -> str:
    """Return the page about ``facts``, to be written as UTF-8."""
    manifest, answers = facts.manifest, facts.answers
    listened = not answers["by_month"].is_empty()
    return render(
        "run.html",
        version=manifest["versions"]["etl"],
        run=manifest,
        title=headline(manifest),
        notices=notices(manifest, facts.missing),
        is_dry=manifest["status"] == RunStatus.DRY_RUN,
        seconds=sum(manifest["timings"].values()),
        totals=answers["totals"].row(0, named=True) if listened else None,
        accounting=_accounting(manifest),
        files=_files(manifest),
        over_years=over_years(answers) if listened else None,
        hours=hours(answers["by_weekday_and_hour"], "UTC") if listened else None,
        rankings=_rankings(answers) if listened else [],
        quality=_quality(facts),
        timings=_timings(manifest),
        details=_details(manifest),
    )


def _share(number: int, whole: int) -> str:
    """Return a percentage; it is 0 or 100 only if that is exact."""
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
        "summary": ", ".join(f"{number:,} {status.label}" for status, number in statuses.items() if number),
    }


def _rankings(answers: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    return [
        {"title": title, "query": query, **ranking(answers[query].head(_SHOWN), name, by)}
        for title, query, name, by in (
            ("Top artists", "top_artists", "artist", None),
            ("Top albums", "top_albums", "album", "artist"),
        )
    ]


def _quality(facts: RunFacts) -> dict[str, Any]:
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
    """Return the settings and versions of a run that have a value."""
    created = manifest["created"]
    settings = {name: value for name, value in manifest["settings"].items() if value not in (None, False, "")}
    return [
        ("run", manifest["run_id"]),
        ("began", moment(manifest["started_at"])),
        ("ended", moment(manifest["finished_at"])),
        ("exit code", manifest["exit_code"]),
        ("database", manifest["dsn"]),
        (
            "new in the database",
            ", ".join(plural(created[name], name[:-1]) for name in ("artists", "albums", "tracks")),
        ),
        *((spaced(name), value) for name, value in settings.items()),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())),
    ]
