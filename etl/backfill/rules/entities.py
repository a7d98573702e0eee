"""Defines artists, albums and tracks of the database that lack a value. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec


class EntityKind(StrEnum):
    """The kinds of entities; Koito calls an album a release."""

    ARTISTS = "artists"
    ALBUMS = "albums"
    TRACKS = "tracks"


class ArtistEntity(msgspec.Struct, frozen=True):
    """An artist: ``names`` are all aliases, the primary one first; ``album`` and ``track`` are the most played ones."""

    id: int
    plays: int
    mbid: str | None
    names: list[str]
    album: str | None
    track: str | None


class AlbumEntity(msgspec.Struct, frozen=True):
    """An album: ``titles`` are all aliases, the primary one first; ``artists`` are their primary names, in order."""

    id: int
    plays: int
    mbid: str | None
    titles: list[str]
    artists: list[str]
    artist_mbid: str | None
    """The MBID of the first artist."""
    various_artists: bool


class TrackEntity(msgspec.Struct, frozen=True):
    """A track: ``titles`` and ``artists`` as those of an album; ``duration`` in seconds, 0 if unknown."""

    id: int
    plays: int
    mbid: str | None
    titles: list[str]
    artists: list[str]
    artist_mbid: str | None
    """The MBID of the first artist."""
    albums: list[str]
    duration: int


Entity: TypeAlias = "ArtistEntity | AlbumEntity | TrackEntity"

_KINDS = {ArtistEntity: EntityKind.ARTISTS, AlbumEntity: EntityKind.ALBUMS, TrackEntity: EntityKind.TRACKS}


def kind_of(entity: Entity) -> EntityKind:
    """Return the kind of ``entity``."""
    return _KINDS[type(entity)]


def label(entity: Entity) -> tuple[str, str]:
    """Return the name or title of ``entity``, and the artists it is credited to."""
    if isinstance(entity, ArtistEntity):
        return entity.names[0], ""
    return entity.titles[0], ", ".join(entity.artists)
