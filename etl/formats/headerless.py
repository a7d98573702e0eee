"""Recognises tables of plays without a header by their times, and says which first line they need.

Such tables are not read, because artist and track could be swapped: which column is which cannot be known.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from etl.formats.base import Refusal
from etl.formats.lastfm_minutes import is_minutes
from etl.formats.other_services import OTHER_SERVICES
from etl.formats.rockbox_log import is_log
from etl.formats.scrobble_rows import DATE, TIME_OF_DAY
from etl.formats.table_header import kind_of_table
from etl.formats.timed_lines import writer_of
from etl.parsers.delimited_split import DELIMITERS, Dialect, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.formats.base import Peek

_DATE, _TIME_OF_DAY = re.compile(DATE), re.compile(TIME_OF_DAY)
_MOMENT = re.compile(
    r"\s*(?:\d{9,10}|\d{13}"
    r"|(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{1,2} [A-Za-z]{3} \d{4}),?[Tt ]\s*\d{1,2}:\d{2}.*)\s*"
)
_LETTER = re.compile(r"[^\W\d_]")
_NAMES = ("artist", "track", "album")
_WIDEST = 20  # columns of a table that a person can write a header for
_DATES, _HOURS, _TEXT, _UNUSED = "date", "time", "text", "unused"


class _Shape(NamedTuple):
    """The columns of a table without a header."""

    names: list[str]
    """What a header could call them."""
    delimiter: str


def _is_headerless(peek: Peek) -> bool:
    return _shape_of(peek) is not None and not any(other.recognise(peek) for other in OTHER_SERVICES)


def _shape_of(peek: Peek) -> _Shape | None:
    """Return the columns of a table whose first line holds a time; ``None`` for any other file."""
    lines = peek.first_lines
    if not lines or peek.shape or "\0" in lines[0] or writer_of(peek) or kind_of_table(peek) or is_minutes(peek):
        return None
    if is_log(peek) or any(service.recognise(peek) for service in OTHER_SERVICES):
        return None
    delimiter = max(DELIMITERS, key=lines[0].count)
    rows = [fields for line in lines if (fields := cut(line, Dialect((), delimiter))[0])]
    width, having = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if not 3 <= width <= _WIDEST or 2 * having < len(lines):
        return None
    names = _time_names(list(zip(*(row for row in rows if len(row) == width), strict=True)))
    free = iter(_NAMES)
    named = [name if name != _TEXT else next(free, _UNUSED) for name in names]
    return _Shape(named, delimiter) if _DATES in names and names.count(_TEXT) > 1 else None


def _time_names(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return the name of each column's kind: times, or dates and times of day; texts; or neither."""
    moments = [_are(column, _MOMENT) for column in columns]
    if any(moments):
        return [_DATES if place == moments.index(True) else _other(column) for place, column in enumerate(columns)]
    days, hours = ([_are(column, pattern) for column in columns] for pattern in (_DATE, _TIME_OF_DAY))
    if not (any(days) and any(hours)):
        return []
    places = {days.index(True): _DATES, hours.index(True): _HOURS}
    return [places.get(place) or _other(column) for place, column in enumerate(columns)]


def _other(column: Sequence[str]) -> str:
    return _TEXT if any(map(_LETTER.search, column)) and not _are(column, _MOMENT) else _UNUSED


def _are(column: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return all(map(pattern.fullmatch, column))


def _advice(peek: Peek) -> str:
    shape = _shape_of(peek)
    if shape is None:
        return REFUSAL.advice
    place = shape.names.index
    where = f"Column {place(_DATES) + 1} has the times"
    if _HOURS in shape.names:
        where = f"Column {place(_DATES) + 1} has the dates and column {place(_HOURS) + 1} the times of day"
    header = shape.delimiter.join(shape.names).replace("\t", "<tab>")
    return (
        f"{where}, but nothing shows which column is the artist and which is the track. Add a first line that names "
        f"the columns in their order, such as {header}"
    )


REFUSAL = Refusal(
    name="table-without-header",
    source="lastfm",
    title="Table without a header",
    recognise=_is_headerless,
    advice="Nothing shows which column is the artist and which is the track. Add a first line that names the columns "
    "in their order, such as artist,track,album,date",
    harmless=True,
    advise=_advice,
)
