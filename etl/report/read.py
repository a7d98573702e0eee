"""Collects the facts for the pages: results of named queries, run by DuckDB, and ``run.json`` of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl import library as libraries
from etl.core.schema import RUN_FILES
from etl.core.version import __version__
from etl.report.facts import LibraryFacts, RunFacts
from etl.runs.inspect import opened

if TYPE_CHECKING:
    from etl.library import Library
    from etl.runs.directory import RunDirectory

_ALL = None
_FEW = 50  # rows, of results of which the page shows only the first
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


def read_run_facts(run: RunDirectory) -> RunFacts:
    """Return the facts about ``run``; raises ``InputError`` if the run did not finish."""
    manifest = run.read_manifest()
    with opened(run, whole=True) as session:
        answers = {name: session.frame(name, most) for name, most in _QUERIES.items()}
    missing = [f"{name}.parquet" for name in RUN_FILES if not (run.path / f"{name}.parquet").is_file()]
    return RunFacts(manifest, answers, missing)


def read_library_facts(library: Library) -> LibraryFacts:
    """Return the facts about ``library``: the answers to all its named queries."""
    with libraries.opened(library) as session:
        answers = {query.name: session.frame(query.name) for query in session.queries}
    return LibraryFacts(library.user, library.zone, answers, __version__)
