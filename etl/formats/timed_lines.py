"""Distinguishes two kinds of tables without a header whose lines begin with a Unix time: Maloja's and lastexport.py's.

Maloja 2 writes time, artist, title, album, duration; lastexport.py writes time, title, artist, album and three MBIDs.
Lines of three or four columns can be either. A line that only one of the programs writes proves the kind. If there is
no such line, the file's name decides. Without a telling name the file is refused: artist and title could be swapped.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from etl.formats.base import Refusal, name_matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.formats.base import Peek

MALOJA_NAMES = ("lastfmimport.tsv", "spotifyimport.tsv", "20??_*.tsv")
LASTEXPORT_NAMES = ("exported_tracks*.txt",)

_TIME = re.compile(r"\d{9,10}")
_MBID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PLAYED = re.compile(r"-|\d{1,6}")  # how many seconds, in Maloja's fifth column
_MALOJAS_SIGNS = re.compile(r"␟|\\num")


class Writer(Enum):
    """The program that wrote such a table."""

    MALOJA = auto()
    LASTEXPORT = auto()
    UNKNOWN = auto()


def writer_of(peek: Peek) -> Writer | None:
    """Return the program that wrote a table; ``None`` if under a third of its first lines begin with a Unix time."""
    first = peek.first_lines
    if 3 * sum(_fits(line.split("\t")) for line in first) < max(len(first), 1):
        return None
    lines = [fields for line in peek.lines() if _fits(fields := line.split("\t"))]
    by_maloja, by_lastexport = sum(map(_is_malojas, lines)), sum(map(_is_lastexports, lines))
    if by_maloja != by_lastexport:
        return Writer.MALOJA if by_maloja > by_lastexport else Writer.LASTEXPORT
    if name_matches(peek.name, LASTEXPORT_NAMES):
        return Writer.LASTEXPORT
    return Writer.MALOJA if name_matches(peek.name, MALOJA_NAMES) else Writer.UNKNOWN


def _fits(fields: Sequence[str]) -> bool:
    if not (3 <= len(fields) <= 7 and _TIME.fullmatch(fields[0]) and fields[1] and fields[2]):
        return False
    return len(fields) <= 4 or _is_malojas(fields) or _is_lastexports(fields)


def _is_malojas(fields: Sequence[str]) -> bool:
    """Say whether only Maloja writes such a line."""
    if len(fields) == 5 and _PLAYED.fullmatch(fields[4]):
        return True
    return len(fields) <= 5 and ("-" in fields[3:4] or any(map(_MALOJAS_SIGNS.search, fields[1:4])))


def _is_lastexports(fields: Sequence[str]) -> bool:
    """Say whether only lastexport.py writes such a line: with MBIDs, or with a column for each of them."""
    mbids = fields[4:]
    are_mbids = all(not field or _MBID.fullmatch(field) for field in mbids)
    return are_mbids and (len(mbids) == 3 or any(mbids))


def _is_of_unknown_writer(peek: Peek) -> bool:
    return writer_of(peek) is Writer.UNKNOWN


REFUSAL = Refusal(
    name="table-of-unknown-order",
    source="maloja",
    title="Table of times and names without a header",
    recognise=_is_of_unknown_writer,
    advice="Maloja 2 writes time, artist and title; lastexport.py writes time, title and artist. The file does not "
    "show which of them wrote it. Rename it to lastfmimport.tsv if the artist comes first, or to exported_tracks.txt "
    "if the title comes first",
)
