"""Reads a sound table at once, with Polars; any other table is left to ``etl.parsers.delimited_split``.

Polars has the same rules for fields and quotes, but fills short records with nulls and may ignore blank lines. So a
table is sound only if there are as many records as lines, and every record has its last field. If the last field may
be empty, each line gets one more field, a mark. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.parsers.utf8 import UTF8_MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.parsers.delimited_split import Dialect

_LAST = "last"


def read_well_formed(body: bytes, at: int, dialect: Dialect) -> pl.DataFrame | None:
    """Return a text column for each name in ``dialect``, null if a field is empty; the records begin at ``at``.

    ``None`` unless the records are UTF-8, all of the same width, each on one line and without a carriage return in it.
    """
    if at >= len(body) or dialect.at_least is not None or dialect.comment is not None:
        return None
    if body.find(b"\r", at) >= 0 and body.count(b"\r", at) != body.count(b"\r\n", at):
        return None
    # Polars would remove a mark with which the first field begins.
    if body.startswith(UTF8_MARK, at) or (dialect.quoting and _ends_in_quotes(body, at)):
        return None
    skipped = body.count(b"\n", 0, at)
    *others, last = dialect.names
    frame = _parsed(body, skipped, dialect, (*others, last or _LAST))
    if frame is None or frame.height != (lines := _lines(body, skipped)):
        return None
    if frame[last or _LAST].null_count():
        frame = _parsed(_marked(body[at:], dialect.delimiter), 0, dialect, (*dialect.names, _LAST))
        if frame is None or frame.height != lines or frame[_LAST].null_count():
            return None
    frame = frame.drop(_LAST, strict=False)
    empty = [name for name in frame.columns if (frame[name] == "").any()]  # a pair of quotes with nothing between them
    return frame.with_columns(pl.when(pl.col(empty) != "").then(pl.col(empty))) if empty else frame


def _ends_in_quotes(body: bytes, at: int) -> bool:
    """Say whether the last line ends inside quotes; Polars takes a pair of quotes there for the closing one.

    If another line does, Polars joins it with the next one, and there are fewer records than lines.
    """
    end = len(body)
    while end > at and body[end - 1] in b"\r\n":
        end -= 1
    return body.count(b'"', max(at, body.rfind(b"\n", at, end)), end) % 2 == 1


def _lines(body: bytes, skipped: int) -> int:
    """Return how many lines follow the ``skipped`` ones, many times as fast as ``bytes.count``."""
    lines = pl.scan_csv(
        body,
        has_header=False,
        skip_lines=skipped,
        schema={"line": pl.String},
        quote_char=None,
        truncate_ragged_lines=True,
    )
    return int(lines.select(pl.len()).collect().item())


def _marked(body: bytes, delimiter: str) -> bytes:
    """Return ``body`` with one more field at the end of each line."""
    mark = f"{delimiter}1".encode()
    lines = body.replace(b"\r\n", b"\n").removesuffix(b"\n")
    return lines.replace(b"\n", mark + b"\n") + mark


def _parsed(body: bytes, skipped: int, dialect: Dialect, names: Sequence[str | None]) -> pl.DataFrame | None:
    """Return the columns that have one of ``names``; ``None`` if Polars finds an error or more columns."""
    columns = {f"column_{place}": name for place, name in enumerate(names)}
    wanted = {column: name for column, name in columns.items() if name}
    # All columns are read: if only some are, Polars ignores excess fields.
    try:
        frame = pl.read_csv(
            body,
            has_header=False,
            skip_lines=skipped,
            schema=dict.fromkeys(columns, pl.String),
            separator=dialect.delimiter,
            quote_char='"' if dialect.quoting else None,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame.select(list(wanted)).rename(wanted)
