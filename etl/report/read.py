"""Reads the facts about a run: ``run.json``, and the results of named queries, through DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.schema import RUN_FILES
from etl.report.facts import Facts
from etl.runs.inspect import named_queries, opened

if TYPE_CHECKING:
    from etl.runs.directory import RunDirectory

_ALL = None
_FEW = 50  # rows, where the page shows the first of many
_QUERIES = {
    "totals": _ALL,
    "by_month": _ALL,
    "by_weekday_and_hour": _ALL,
    "new_artists": _ALL,
    "top_artists": _FEW,
    "top_albums": _FEW,
    "rejects_by_file": _FEW,
    "likely_doubles": _FEW,
    "spellings": _FEW,
}


def read_facts(run: RunDirectory) -> Facts:
    """Return the facts about ``run``; raises ``InputError`` where the run did not finish."""
    manifest = run.read_manifest()
    texts = {query.name: query.text for query in named_queries()}
    answers = {}
    with opened(run, whole=True) as connection:
        for name, most in _QUERIES.items():
            answer = connection.sql(texts[name])
            answers[name] = (answer if most is None else answer.limit(most)).pl()
    missing = [f"{name}.parquet" for name in RUN_FILES if not (run.path / f"{name}.parquet").is_file()]
    return Facts(manifest, answers, missing)
