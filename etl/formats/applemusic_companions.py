"""Reads the files next to Apple Music's play activity, which name the artists that it lacks."""

from __future__ import annotations

import msgspec
import polars as pl

from etl.formats.base import Companion, Peek
from etl.formats.table_header import SEPARATOR, columns_named, header_of, with_needed
from etl.parsers import Delimited, Dialect, JsonList

SOURCE = "applemusic"

_NEEDED = _DESCRIPTION, _DAY = "Track Description", "Date Played"
_BETWEEN = " - "


class LibraryTrack(msgspec.Struct, gc=False):
    """A track in the library."""

    Title: str | None = None
    Artist: str | None = None
    Album: str | None = None


_LIBRARY = JsonList(LibraryTrack)


def _read_header(line: str) -> Dialect:
    return with_needed(columns_named(line, _NEEDED), _NEEDED, "Download it again")


_DAILY = Delimited(Dialect(_NEEDED), _read_header, SEPARATOR)


def read_daily(data: bytes) -> pl.DataFrame:
    """Return ``artist``, ``title`` and ``day`` (yyyymmdd) of the tracks played on each day, without broken rows.

    A description is "Artist - Title". If it has several dashes, any of them may be the separator: each gets a row.
    """
    table = _DAILY.read(data).frame.drop_nulls().unique(maintain_order=True)
    rows = [
        (_BETWEEN.join(parts[:end]), _BETWEEN.join(parts[end:]), day)
        for parts, day in zip(table[_DESCRIPTION].str.split(_BETWEEN).to_list(), table[_DAY], strict=True)
        for end in range(1, len(parts))
    ]
    return pl.DataFrame(rows, {"artist": pl.String, "title": pl.String, "day": pl.String}, orient="row")


def read_library(data: bytes) -> pl.DataFrame:
    """Return ``artist``, ``title`` and ``album`` of the tracks in the library, without those that lack a name."""
    tracks = _LIBRARY.read(data).rows
    rows = [(track.Artist, track.Title, track.Album) for track in tracks if track.Artist and track.Title]
    return pl.DataFrame(rows, {"artist": pl.String, "title": pl.String, "album": pl.String}, orient="row")


def _is_daily(peek: Peek) -> bool:
    header = header_of(peek)
    return header is not None and set(_NEEDED) <= set(columns_named(header, _NEEDED).names)


def _is_library(peek: Peek) -> bool:
    return peek.shape == "[" and {"Title", "Artist", "Track Identifier"} <= peek.keys


DAILY_TRACKS = Companion(
    name="applemusic-daily-tracks",
    source=SOURCE,
    title="Apple Music - Play History Daily Tracks",
    file_names=("Apple Music*Play History Daily Tracks*.csv", "Apple Music*Play History Daily Tracks*.zip"),
    recognise=_is_daily,
    check=read_daily,
)
LIBRARY_TRACKS = Companion(
    name="applemusic-library-tracks",
    source=SOURCE,
    title="Apple Music Library Tracks",
    file_names=("Apple Music Library Tracks*.json", "Apple Music Library Tracks*.zip"),
    recognise=_is_library,
    check=read_library,
)
