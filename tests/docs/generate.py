"""Owns the parts of the pages that follow from the code; ``python -m tests.docs.generate`` writes them again.

A part is between ``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import FILES_OF_SOME_RUNS, RUN_FILES, FileStatus, KeyStatus, Outcome, RunStatus
from tests.docs import tables
from tests.docs.commands import commands, overview, reference
from tests.docs.pages import pages, part_names, with_parts

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PARTS", "commands", "part_names", "written"]

PARTS: dict[str, Callable[[], str]] = {
    "services": tables.services,
    "commands": overview,
    "command-reference": reference,
    "exit-codes": tables.exit_codes,
    "formats": tables.formats,
    "table-columns": tables.table_columns,
    "refusals": tables.refusals,
    "skip-reasons": partial(tables.reasons, SkipReason),
    "reject-reasons": partial(tables.reasons, RejectReason),
    "outcomes": partial(tables.words, Outcome),
    "key-statuses": partial(tables.words, KeyStatus),
    "file-statuses": partial(tables.words, FileStatus),
    "run-statuses": partial(tables.words, RunStatus),
    **{f"columns-of-{name}": partial(tables.columns, name) for name in (*RUN_FILES, *FILES_OF_SOME_RUNS)},
    "queries": partial(tables.queries, "run"),
    "library-queries": partial(tables.queries, "library"),
    "library-views": tables.library_view_columns,
    "migrations": tables.our_migrations,
    "sqlite-migrations": tables.sqlite_migrations,
    "contents": tables.contents,
    "documentation": partial(tables.contents, "docs/"),
}


def written(text: str) -> str:
    """Return ``text``, a page, with every generated part as it should be."""
    return with_parts(text, lambda name: PARTS[name]())


if __name__ == "__main__":
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (rewritten := written(text)) != text:
            page.write_text(rewritten, encoding="utf-8")
