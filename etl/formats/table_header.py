"""Owns what the header of a table says: which column is which, and whether the table is a listening history at all."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from etl.core.errors import BrokenFileError
from etl.parsers.delimited_split import Dialect, is_blank, split_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.formats.base import Peek

# Our name of a column, and those that it has in files, the surest first.
COLUMN_ALIASES: dict[str, tuple[str, ...]] = {
    "uts": ("uts", "unixtime", "unix time", "unix timestamp", "date uts", "timestamp"),
    "date_ms": ("date ms",),
    "utc_time": ("utc time", "iso time", "datetime utc", "date utc", "datetime"),
    "date_time": ("date time", "scrobbled at", "played at", "listened at", "date", "time"),
    "artist": ("artist", "artist name"),
    "artist_mbid": ("artist mbid",),
    "album": ("album", "album name", "album title", "release", "release name"),
    "album_mbid": ("album mbid", "release mbid"),
    "track": ("track", "track name", "track title", "song", "song title", "song name", "title"),
    "track_mbid": ("track mbid", "recording mbid"),
}
TIMES = ("uts", "date_ms", "utc_time", "date_time")
"""The best first."""

_COUNTS = {"playcount", "play count", "plays", "scrobbles", "scrobble count", "listens", "count", "total plays"}
_LIBREFM = ["Artist", "Track", "Album", "Time"]
_COMMENT = re.compile(r"#(?![,;\t].*artist)|\+ACM-", re.IGNORECASE)  # a column may be called "#"
_EXPORTER = "uncorrected track name"  # the official exporter, which did not quote
# A name of at most three words, not a sentence that has such a word in it.
_ARTIST_LIKE = re.compile(r"(?=.*\bartists?\b)(?:\S+ ?){1,3}")
_TRACK_LIKE = re.compile(r"(?=.*\b(?:track|song|title)\b)(?:\S+ ?){1,3}")
_VALUE = re.compile(r"\d{5}|\d:\d\d")  # in a line that is no header
_LINES = 20
_SHOWN = 40

EXPECTED = (
    "It has to have an artist, a track and a time, each under one of the names that `etl` knows: artist; track, song "
    "or title; uts, timestamp, utc_time, datetime or date. Export it again without a spreadsheet in between, or rename "
    "the columns in a text editor"
)


class ColumnKind(Enum):
    """What a table is, judged by its header."""

    LISTENS = auto()
    """It should be a listening history, and has to be read or refused."""
    TOP_LIST = auto()
    """Artists or tracks with a number of plays each."""
    LIBREFM = auto()


def kind_of_table(peek: Peek) -> ColumnKind | None:
    """Say what a file is by its header; ``None`` where it has none that is of any interest."""
    lines = [line for line in peek.head.decode("utf-8", "replace").split("\n")[:_LINES] if not is_blank(line)]
    table = [line for line in lines if not _COMMENT.match(line)]
    if not table or peek.shape or "\0" in table[0]:
        return None
    cells, _ = columns_of(table[0])
    if cells == _LIBREFM:
        return ColumnKind.LIBREFM
    if len(table) < len(lines) or any(map(_VALUE.search, cells)):
        return None
    if len(cells) == 1:  # a spreadsheet may have taken each line for one cell
        cells, _ = columns_of(cells[0])
    names = {_plain(cell) for cell in cells}
    known = {name for name in map_columns(cells) if name}
    has_artist = any(map(_ARTIST_LIKE.fullmatch, names))
    has_track = "track" in known or any(map(_TRACK_LIKE.fullmatch, names - set(COLUMN_ALIASES["album"])))
    if has_artist and names & _COUNTS and known.isdisjoint({"uts", "date_ms", "utc_time"}):
        return ColumnKind.TOP_LIST
    return ColumnKind.LISTENS if has_artist and has_track and len(cells) > 1 else None


def columns_of(line: str) -> tuple[list[str], str]:
    """Return the names of the columns in a header, without what lastfmstats.com adds of the user, and the delimiter."""
    cells, delimiter = split_header(line.rstrip("\r"))
    return [_without_user(cell.strip()) for cell in cells], delimiter


def map_columns(cells: Sequence[str]) -> list[str | None]:
    """Return our names of the columns; of several columns for one name, the surest has it."""
    plain = [_plain(cell) for cell in cells]
    names: list[str | None] = [None] * len(plain)
    for name, aliases in COLUMN_ALIASES.items():
        if known := next((alias for alias in aliases if alias in plain), None):
            names[plain.index(known)] = name
    return names


def read_header(line: str) -> Dialect:
    """Read the header of a listening history; raises ``BrokenFileError`` where a column is lacking."""
    cells, delimiter = columns_of(line)
    names = map_columns(cells)
    lacking = [name for name in ("artist", "track") if name not in names]
    if not set(TIMES) & set(names):
        lacking.append("time")
    if lacking:
        shown = ", ".join(f'"{cell[:_SHOWN]}"' for cell in cells[:_LINES]).encode("utf-8", "replace").decode()
        raise BrokenFileError(f"no column of it is known as the {' or the '.join(lacking)}; it has {shown}", EXPECTED)
    return Dialect(tuple(names), delimiter, quoting=_EXPORTER not in map(_plain, cells))


def _without_user(cell: str) -> str:
    """Return a cell without the account's name in "Date#name", which is in milliseconds."""
    name, is_lastfmstats, _ = cell.partition("#")
    return f"{name}_ms" if is_lastfmstats and name.lower() == "date" else name


def _plain(cell: str) -> str:
    return re.sub(r"[\s_-]+", " ", cell).strip().lower()
