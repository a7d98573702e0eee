"""Artists, albums and tracks of the database that lack something, as the tasks see them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """What an entity is; Koito calls an album a release."""

    ARTISTS = "artists"
    ALBUMS = "albums"
    TRACKS = "tracks"


@dataclass(frozen=True)
class Artist:
    """An artist: ``names`` are all aliases, the primary one first; ``album`` and ``track`` the most played of each."""

    id: int
    plays: int
    mbid: str | None
    names: list[str]
    album: str | None
    track: str | None


@dataclass(frozen=True)
class Album:
    """An album: ``titles`` as an artist's names; ``artists`` their primary names, the first one first."""

    id: int
    plays: int
    mbid: str | None
    titles: list[str]
    artists: list[str]
    artist_mbid: str | None
    """Of the first artist."""
    various_artists: bool


@dataclass(frozen=True)
class Track:
    """A track; ``duration`` in seconds, 0 if unknown."""

    id: int
    plays: int
    mbid: str | None
    titles: list[str]
    artists: list[str]
    artist_mbid: str | None
    albums: list[str]
    duration: int


Entity: TypeAlias = "Artist | Album | Track"


def kind_of(entity: Entity) -> Kind:
    """Return what ``entity`` is."""
    return {Artist: Kind.ARTISTS, Album: Kind.ALBUMS, Track: Kind.TRACKS}[type(entity)]


def label(entity: Entity) -> tuple[str, str]:
    """Return the name or title of ``entity`` and the artists that it is credited to."""
    if isinstance(entity, Artist):
        return entity.names[0], ""
    return entity.titles[0], ", ".join(entity.artists)
