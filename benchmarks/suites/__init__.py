"""All suites by name, in the order in which they are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.suites import growth, headline, library, million, rows, several, sqlite, start, workers

if TYPE_CHECKING:
    from benchmarks.suite import Suite

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        *(start.SUITE, headline.SUITE, workers.SUITE, rows.SUITE, million.SUITE, growth.SUITE, several.SUITE),
        *(sqlite.SUITE, sqlite.MILLION, library.SUITE),
    )
}
