"""Finds the artist of a track in the files next to Apple Music's play activity. Nothing is guessed. Pure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec

from etl.formats.applemusic_companions import DAILY_TRACKS, LIBRARY_TRACKS, read_daily, read_library

if TYPE_CHECKING:
    from collections.abc import Iterable

    from etl.formats.base import Companions

Key = TypeVar("Key", str, "tuple[str, str]")
Names: TypeAlias = dict[str, str]
"""Artists by their folded names, so that two spellings are one artist."""


class ArtistIndex(msgspec.Struct, frozen=True):
    """The artists that have a track of a title: all of them, those on an album, those that were played on a day."""

    of_title: dict[str, Names] = msgspec.field(default_factory=dict)
    of_album: dict[tuple[str, str], Names] = msgspec.field(default_factory=dict)
    of_day: dict[tuple[str, str], Names] = msgspec.field(default_factory=dict)

    def candidates(self, title: str, album: str, days: Iterable[str], container: str) -> list[str]:
        """Return the artists that a play may be by: a single one if it is certain.

        A title that only one artist has is certain. Of several artists, it is the one with the album, else the one that
        was played on the day (one of the local ``days``, yyyymmdd), else the artist of the ``container``, from which it
        was played.
        """
        folded = fold(title)
        everyone = self.of_title.get(folded, {})
        of_days: Names = {}
        for day in days:
            of_days |= self.of_day.get((folded, day), {})
        container_artist = {name: artist for name, artist in everyone.items() if name == fold(container)}
        for some in (everyone, self.of_album.get((folded, fold(album)), {}), of_days, container_artist):
            if len(some) == 1:
                return list(some.values())
        return list(everyone.values())


def index_artists(companions: Companions) -> ArtistIndex:
    """Return the artists that the files next to an export name."""
    index = ArtistIndex()
    for name, data in companions.files:
        if name == DAILY_TRACKS.name:
            for artist, title, day in read_daily(data).iter_rows():
                _add(index.of_title, fold(title), artist)
                _add(index.of_day, (fold(title), day.strip()), artist)
        elif name == LIBRARY_TRACKS.name:
            for artist, title, album in read_library(data).iter_rows():
                _add(index.of_title, fold(title), artist)
                if album:
                    _add(index.of_album, (fold(title), fold(album)), artist)
    return index


def fold(text: str) -> str:
    """Return ``text`` in the form in which names are compared: without case and surplus blanks."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _add(index: dict[Key, Names], key: Key, artist: str) -> None:
    if folded := fold(artist):
        index.setdefault(key, {}).setdefault(folded, artist.strip())
