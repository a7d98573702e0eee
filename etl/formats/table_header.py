"""Reads the header of a table: maps its columns to our names, and decides whether it is a listening history."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from itertools import dropwhile
from typing import TYPE_CHECKING

from etl.core.errors import BrokenFileError
from etl.formats.base import PEEKS
from etl.parsers.delimited_split import Dialect, split_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from etl.formats.base import Peek

# Our name of each column, and its names in files, the most certain first.
COLUMN_ALIASES: dict[str, tuple[str, ...]] = {
    "uts": ("uts", "unixtime", "unix time", "unix timestamp", "date uts", "timestamp", "ts"),
    "date_ms": ("date ms",),
    "utc_time": ("utc time", "iso time", "datetime utc", "date utc"),
    "datetime": ("datetime",),
    "date_time": ("date time", "scrobbled at", "played at", "listened at", "date", "time"),
    "clock": ("time", "time of day", "clock"),
    "artist": ("artist", "artist name"),
    "artist_mbid": ("artist mbid",),
    "album": ("album", "album name", "album title", "release", "release name"),
    "album_mbid": ("album mbid", "release mbid"),
    "track": ("track", "track name", "track title", "song", "song title", "song name", "title"),
    "track_mbid": ("track mbid", "recording mbid"),
    "played_ms": ("ms played", "msplayed", "played ms", "play duration ms", "stream duration ms"),
}
TIMES = ("uts", "date_ms", "utc_time", "datetime", "date_time")
"""The best time column first."""

_COUNTS = {"playcount", "play count", "plays", "scrobbles", "scrobble count", "listens", "count", "total plays"}
_LIBREFM = (["artist", "track", "album", "time"], ["artist", "track", "time"])
# Columns that show that a table is the export of a service with its own format.
_OF_OTHER_FORMATS = (
    frozenset({"song title", "listening time"}),  # Deezer
    frozenset({"event start timestamp", "play duration milliseconds"}),  # Apple Music
    frozenset({"track description", "date played"}),
)
_USER = {"userid", "user id", "user"}  # a column of Libre.fm that may come first
_UNIX = re.compile(r'"?\d{1,19}"?')
SEPARATOR = re.compile(r'"?sep=.', re.IGNORECASE)
"""The line that Excel puts in front of a header to name the separator."""
COMMENT = re.compile(r"#(?![,;\t].*artist)|\+ACM-", re.IGNORECASE)  # a column may be called "#"
_PANOSCROBBLER = {"timems", "artist", "track"}
_SPOTIFY = (
    {"ts", "master metadata track name", "master metadata album artist name"},
    {"endtime", "artistname", "trackname"},
)
_EXPORTER = "uncorrected track name"  # a column of the official exporter, which did not quote
# A name of at most three words, so not a sentence with such a word in it.
_ARTIST_LIKE = re.compile(r"(?=.*\bartists?\b)(?:\S+ ?){1,3}")
_TRACK_LIKE = re.compile(r"(?=.*\b(?:track|song|title)\b)(?:\S+ ?){1,3}")
_VALUE = re.compile(r"\d{5}|\d:\d\d")  # a number or time: the line is not a header
_SHOWN_CELLS, _SHOWN_CHARS = 20, 40

EXPECTED = (
    "It needs an artist, a track and a time, each under one of these names: artist; track, song "
    "or title; uts, timestamp, utc_time, datetime or date (with a column time, if that has the time of day). Export it "
    "again without a spreadsheet in between, or rename the columns in a text editor"
)


class ColumnKind(Enum):
    """The kind of a table, by its header."""

    LISTENS = auto()
    """A listening history; it must be read or refused."""
    TOP_LIST = auto()
    """Artists or tracks with their numbers of plays."""
    LIBREFM = auto()
    """An export of Libre.fm or another GNU FM server."""
    PANOSCROBBLER = auto()
    """An export of Pano Scrobbler."""
    SPOTIFY = auto()
    """Plays under the names that Spotify's JSON exports give to their fields."""


@lru_cache(maxsize=PEEKS)  # several formats ask
def kind_of_table(peek: Peek) -> ColumnKind | None:
    """Return the kind of a table by its header; ``None`` for any other file."""
    lines = [line for line in peek.first_lines if not SEPARATOR.match(line)]
    table = list(dropwhile(COMMENT.match, lines))
    if not table or peek.shape or "\0" in table[0]:
        return None
    cells, delimiter = columns_of(table[0])
    if _is_librefm(list(map(_plain, cells)), table[1:], delimiter):
        return ColumnKind.LIBREFM
    if len(table) < len(lines) or any(map(_VALUE.search, cells)):
        return None
    if len(cells) == 1:  # a spreadsheet may have put each line into one cell
        cells, _ = columns_of(cells[0])
    names = {_plain(cell) for cell in cells}
    if any(columns <= names for columns in _OF_OTHER_FORMATS):
        return None
    return _own_kind(names) or _kind_of_columns(cells, names)


def _own_kind(names: AbstractSet[str]) -> ColumnKind | None:
    """Return the kind of a table whose columns have names that only one service uses."""
    if names >= _PANOSCROBBLER:
        return ColumnKind.PANOSCROBBLER
    return ColumnKind.SPOTIFY if any(names >= fields for fields in _SPOTIFY) else None


def _kind_of_columns(cells: Sequence[str], names: AbstractSet[str]) -> ColumnKind | None:
    """Return the kind of any other table, by the meaning of its columns."""
    known = {name for name in map_columns(cells) if name}
    has_artist = any(map(_ARTIST_LIKE.fullmatch, names))
    has_track = "track" in known or any(map(_TRACK_LIKE.fullmatch, names - set(COLUMN_ALIASES["album"])))
    if has_artist and names & _COUNTS and known.isdisjoint({"uts", "date_ms", "utc_time"}):
        return ColumnKind.TOP_LIST
    return ColumnKind.LISTENS if has_artist and has_track and len(cells) > 1 else None


def _is_librefm(names: list[str], rows: Sequence[str], delimiter: str) -> bool:
    """Say whether a header is Libre.fm's, and the last column of the first rows holds Unix times."""
    if (names[1:] not in _LIBREFM and names not in _LIBREFM) or names[0] not in {"artist", *_USER}:
        return False
    times = [row.rsplit(delimiter, 1)[-1].strip() for row in rows]
    return not any(times) or any(map(_UNIX.fullmatch, times))


def header_of(peek: Peek) -> str | None:
    """Return the header of a table, which may have Excel's line in front; ``None`` for any other file."""
    lines = [line for line in peek.first_lines if not SEPARATOR.match(line)]
    return lines[0] if lines and not peek.shape and "\0" not in lines[0] else None


@lru_cache(maxsize=PEEKS)
def columns_of(line: str) -> tuple[list[str], str]:
    """Return the column names in a header and the delimiter, without the user's name that lastfmstats.com adds."""
    cells, delimiter = split_header(line.rstrip("\r"))
    return [_without_user(cell.strip()) for cell in cells], delimiter


def columns_named(line: str, columns: Iterable[str]) -> Dialect:
    """Read a header whose columns have the names ``columns``, in any order, case and spelling of blanks.

    Other columns are not read; of two columns with one name, the first is.
    """
    cells, delimiter = columns_of(line)
    known = {_plain(name): name for name in columns}
    return Dialect(tuple(known.pop(_plain(cell), None) for cell in cells), delimiter)


def with_needed(header: Dialect, needed: Iterable[str], advice: str) -> Dialect:
    """Return ``header``. Raises ``BrokenFileError`` with ``advice`` if a ``needed`` column is missing in it."""
    if missing := [name for name in needed if name not in header.names]:
        raise BrokenFileError(f"it has no column {' and no '.join(missing)}", advice)
    return header


def map_columns(cells: Sequence[str]) -> list[str | None]:
    """Return our names of the columns; if several columns match one name, the most certain gets it."""
    plain = [_plain(cell) for cell in cells]
    names: list[str | None] = [None] * len(plain)
    for name, aliases in COLUMN_ALIASES.items():
        free = (alias for alias in aliases if alias in plain and names[plain.index(alias)] is None)
        if known := next(free, None):
            names[plain.index(known)] = name
    return names


def read_header(line: str) -> Dialect:
    """Read the header of a listening history. Raises ``BrokenFileError`` if a column is missing."""
    cells, delimiter = columns_of(line)
    names = map_columns(cells)
    missing = [name for name in ("artist", "track") if name not in names]
    if not set(TIMES) & set(names):
        missing.append("time")
    if missing:
        shown = (
            ", ".join(f'"{cell[:_SHOWN_CHARS]}"' for cell in cells[:_SHOWN_CELLS]).encode("utf-8", "replace").decode()
        )
        raise BrokenFileError(
            f"none of its columns is recognised as the {' or the '.join(missing)}; it has {shown}", EXPECTED
        )
    return Dialect(tuple(names), delimiter, quoting=_EXPORTER not in map(_plain, cells))


def _without_user(cell: str) -> str:
    """Return a cell without the user's name: "Date#name" is a time in milliseconds."""
    name, is_lastfmstats, _ = cell.partition("#")
    return f"{name}_ms" if is_lastfmstats and name.lower() == "date" else name


@lru_cache(maxsize=1 << 8)
def _plain(cell: str) -> str:
    return re.sub(r"[\s_-]+", " ", cell).strip().lower()
