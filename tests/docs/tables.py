"""Generates the tables of the pages from the formats, the schemas and the words of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.errors import PRECEDENCE, ExitCode
from etl.core.queries import named_queries
from etl.core.reasons import RejectReason
from etl.core.schema import FILES_OF_SOME_RUNS, RUN_FILES
from etl.formats import FORMATS, OTHER_FILES, REFUSALS, SOURCES, service_names
from etl.formats.table_header import COLUMN_ALIASES
from etl.library import opened
from etl.targets.migrations import migrations as migrations_of
from etl.targets.postgres.migrate import KOITO_SCHEMA, migrations
from tests.docs.pages import DOCS, pages, summary, title
from tests.docs.words import COLUMNS, WORDS
from tests.helpers.libraries import make_library

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum

    from etl.core.reasons import SkipReason

SERVICES = service_names()


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def listed(names: Sequence[str]) -> str:
    """Return ``names`` as a list in prose: a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def quoted(names: Sequence[str]) -> str:
    """Return ``names`` in backticks, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def services() -> str:
    """Return a sentence that names the services whose exports are read."""
    return f"It reads exports of {listed([SERVICES[source] for source in SOURCES])}.\n"


def exit_codes() -> str:
    """Return the exit codes and their precedence."""
    order = ", ".join(str(int(code)) for code in PRECEDENCE)
    codes = table(("code", "meaning"), [(str(int(code)), code.meaning) for code in ExitCode])
    return f"{codes}\nIf several apply, the exit code is the first of these: {order}.\n"


def formats() -> str:
    """Return every format: its service, its file names, how to get it, what to know about it."""
    rows = [
        (
            SERVICES[kind.source],
            f"{kind.title}<br>(`{kind.name}`)",
            quoted(kind.file_names),
            kind.how_to_get + (f" It {kind.caveat}." if kind.caveat else ""),
        )
        for kind in FORMATS
    ]
    return table(("service", "format", "file names", "how to get it"), rows)


def table_columns() -> str:
    """Return the names that the columns of a table of Last.fm plays may have."""
    return table(("column", "names"), [(f"`{name}`", quoted(names)) for name, names in COLUMN_ALIASES.items()])


def refusals() -> str:
    """Return the files that are known but not read."""
    rows = [
        (entry.title, "ignored" if entry.harmless else "exit code 4", f"{entry.advice}.")
        for entry in (*REFUSALS, *OTHER_FILES)
    ]
    return table(("file", "result", "reason, and what to do"), rows)


def reasons(kind: type[SkipReason | RejectReason]) -> str:
    """Return the reasons of one kind; for reject reasons also when a file with such a row is read again."""
    rows = [
        (f"`{reason}`", reason.meaning, *([reason.read_again] if isinstance(reason, RejectReason) else []))
        for reason in kind
    ]
    return table(("reason", "meaning", "read again")[: len(rows[0])], rows)


def words(kind: type[StrEnum]) -> str:
    """Return the words of an enumeration; raises ``KeyError`` for one whose meaning is not written down."""
    return table(("word", "meaning"), [(f"`{word}`", WORDS[kind][word]) for word in kind])


def columns(name: str) -> str:
    """Return the columns of a Parquet file; raises ``KeyError`` for one that is not described."""
    rows = [
        (f"`{column}`", _type(dtype), "yes" if COLUMNS[name][column].nullable else "", COLUMNS[name][column].about)
        for column, dtype in {**RUN_FILES, **FILES_OF_SOME_RUNS}[name].items()
    ]
    return table(("column", "type", "null?", "content"), rows)


def _type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List):
        return f"list of {_type(pl.Series(dtype=dtype.inner).dtype)}"
    names = {pl.String: "text", pl.Int32: "int32", pl.Int64: "int64", pl.Datetime: "timestamp (µs, UTC)"}
    return names[type(dtype)]


def queries(group: str) -> str:
    """Return the named queries of ``etl inspect`` about a run or the library."""
    return table(("query", "shows"), [(f"`{query.name}`", query.about) for query in named_queries(group)])


def library_view_columns() -> str:
    """Return the views of the library: the content of each, and its columns."""
    with opened(make_library()) as session:
        rows = [
            (f"`{view.name}`", view.about, quoted(session.connection.table(view.name).columns))
            for view in session.views.values()
        ]
    return table(("view", "content", "columns"), rows)


def our_migrations() -> str:
    """Return what `etl db migrate` adds to Koito's PostgreSQL database."""
    ours = [one for one in migrations() if one.version != KOITO_SCHEMA]
    return "".join(f"* `{one.version:04}_{one.name}`: {one.summary}.\n" for one in ours)


def sqlite_migrations() -> str:
    """Return what `etl db migrate` adds to Koito's file."""
    return "".join(f"* `{one.version:04}_{one.name}`: {one.summary}.\n" for one in migrations_of("sqlite"))


def contents(prefix: str = "") -> str:
    """Return a list of all pages in `docs/` except the index, in reading order."""
    first = [
        "exports",
        "koito",
        "library",
        "how-it-works",
        "files",
        "commands",
        "reference",
        "glossary",
        "scheduling",
        "backfill",
        "faq",
    ]
    found = [page for page in pages() if page.parent == DOCS and page.name != "README.md"]
    found.sort(key=lambda page: (first.index(page.stem) if page.stem in first else len(first), page.stem))
    texts = {page.name: page.read_text(encoding="utf-8") for page in found}
    return "".join(f"* [{title(text)}]({prefix}{name}): {summary(text)}\n" for name, text in texts.items())
