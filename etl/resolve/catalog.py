"""Holds the artists, releases and tracks that a plan can match: those in the database and those it creates. Pure.

Ids from ``FIRST_NEW`` on are placeholders for new entities, in the order of their creation. So the lowest id is the
oldest entity, in the database as well as in the plan. A catalog can serve several plans, one after the other: the
entities that earlier ones created keep their placeholders, and ``FirstNew`` says where a plan's own begin.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from etl.normalize.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Entity: TypeAlias = tuple[str, int]
    """artists, releases or tracks, and an id."""
    CatalogEntity: TypeAlias = "CatalogArtist | CatalogRelease | CatalogTrack"

FIRST_NEW = 2**31


class FirstNew(NamedTuple):
    """The placeholders from which on entities are created by a plan; lower ones were created by plans before it."""

    artists: int = FIRST_NEW
    releases: int = FIRST_NEW
    tracks: int = FIRST_NEW


class CatalogArtist(msgspec.Struct):
    """An artist and its names."""

    id: int
    mbid: str | None
    aliases: list[str]

    def has_name(self, folded: str) -> bool:
        """Say whether one of the names is ``folded``, ignoring case."""
        return any(fold(alias) == folded for alias in self.aliases)


class CatalogRelease(msgspec.Struct):
    """A release, its titles and its artists; the first artist is the one that it was created with."""

    id: int
    mbid: str | None
    titles: Sequence[str]
    artists: list[int]
    various_artists: bool = False
    """Known only for a new release."""


class CatalogTrack(msgspec.Struct):
    """A track, its titles and its artists, the primary one first."""

    id: int
    mbid: str | None
    titles: Sequence[str]
    release: int
    artists: Sequence[int]
    duration: int


class Catalog(msgspec.Struct):
    """All entities, indexed by id, MBID and name; each list of ids is ascending."""

    artists: dict[int, CatalogArtist] = msgspec.field(default_factory=dict)
    releases: dict[int, CatalogRelease] = msgspec.field(default_factory=dict)
    tracks: dict[int, CatalogTrack] = msgspec.field(default_factory=dict)
    artist_of_mbid: dict[str, int] = msgspec.field(default_factory=dict)
    release_of_mbid: dict[str, int] = msgspec.field(default_factory=dict)
    track_of_mbid: dict[str, int] = msgspec.field(default_factory=dict)
    artists_named: dict[str, list[int]] = msgspec.field(default_factory=dict)
    release_titled: dict[tuple[str, int], int] = msgspec.field(default_factory=dict)
    """The lowest id of (title, attached artist)."""
    tracks_titled: dict[tuple[str, int], list[int]] = msgspec.field(default_factory=dict)
    """By (title, release)."""
    missed: dict[tuple[str, str], list[int]] = msgspec.field(default_factory=dict)
    """By (artists, releases or tracks, MBID): the tracks of requests with an MBID that no entity had at that time."""
    missed_names: dict[str, list[int]] = msgspec.field(default_factory=dict)
    """By name: the tracks of requests whose whole credit would have been that artist, had there been one."""
    commit_together: list[tuple[Entity, Entity]] = msgspec.field(default_factory=list)
    """Pairs of entities with the same name or MBID: the order of the plan decided which is meant. If a run ended with
    only the second one stored, the next run would match that one."""

    def add_artist(self, artist: CatalogArtist) -> None:
        """Add an artist."""
        self.artists[artist.id] = artist
        if artist.mbid:
            self.own("artists", artist.mbid, artist.id)
        for alias in artist.aliases:
            insort(self._name(artist.id, alias), artist.id)

    def add_alias(self, artist: CatalogArtist, alias: str) -> None:
        """Add an alias to an artist."""
        artist.aliases.append(alias)
        insort(self._name(artist.id, alias), artist.id)

    def _name(self, artist: int, alias: str) -> list[int]:
        """Add the constraints of a new name of ``artist``; return the artists so named, to which the caller adds it."""
        named = self.artists_named.setdefault(alias, [])
        self._add_commit_together("artists", artist, named)
        self.commit_together += [(("tracks", track), ("artists", artist)) for track in self.missed_names.get(alias, ())]
        return named

    def add_release(self, release: CatalogRelease) -> None:
        """Add a release."""
        self.releases[release.id] = release
        if release.mbid:
            self.own("releases", release.mbid, release.id)
        self._index(release, release.artists)

    def add_track(self, track: CatalogTrack) -> None:
        """Add a track."""
        self.tracks[track.id] = track
        if track.mbid:
            self.own("tracks", track.mbid, track.id)
        for title in track.titles:
            titled = self.tracks_titled.setdefault((title, track.release), [])
            self._add_commit_together("tracks", track.id, titled)
            insort(titled, track.id)

    def own(self, entity: str, mbid: str, number: int) -> None:
        """Record the entity that an MBID belongs to."""
        owners = {"artists": self.artist_of_mbid, "releases": self.release_of_mbid, "tracks": self.track_of_mbid}
        owners[entity][mbid] = number
        self.commit_together += [(("tracks", track), (entity, number)) for track in self.missed.get((entity, mbid), ())]

    def attach(self, release: CatalogRelease, artist: int) -> None:
        """Add an artist to a release."""
        release.artists.append(artist)
        self._index(release, [artist])

    def _index(self, release: CatalogRelease, artists: Iterable[int]) -> None:
        for title in release.titles:
            for artist in artists:
                known = self.release_titled.get((title, artist))
                if known is None:
                    self.release_titled[title, artist] = release.id
                elif known != release.id:
                    self._add_commit_together("releases", release.id, (known,))
                    self.release_titled[title, artist] = min(known, release.id)

    def _add_commit_together(self, entity: str, added: int, known: Iterable[int]) -> None:
        self.commit_together += [((entity, one), (entity, added)) for one in known if one >= FIRST_NEW or added < one]
