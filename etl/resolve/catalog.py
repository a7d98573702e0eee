"""The artists, releases and tracks that a plan can see: what the database holds, and what the plan adds. Pure.

Ids from ``FIRST_NEW`` on are placeholders of entities that do not exist yet, in the order of their creation; so the
lowest id is the oldest entity, in the database as in the plan.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl.normalize.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Entity: TypeAlias = tuple[str, int]
    """artists, releases or tracks, and an id."""

FIRST_NEW = 2**31


@dataclass(slots=True)
class Artist:
    """An artist and the names that it is known by."""

    id: int
    mbid: str | None
    aliases: list[str]

    def answers_to(self, folded: str) -> bool:
        """Whether one of the names is ``folded`` but for case."""
        return any(fold(alias) == folded for alias in self.aliases)


@dataclass(slots=True)
class Release:
    """A release, its primary title and the artists attached to it; the first made it."""

    id: int
    mbid: str | None
    titles: Sequence[str]
    artists: list[int]
    various_artists: bool = False
    """Of one that the plan makes."""


@dataclass(slots=True)
class Track:
    """A track, its primary title and its artists, the primary one first."""

    id: int
    mbid: str | None
    titles: Sequence[str]
    release: int
    artists: Sequence[int]
    duration: int


@dataclass(slots=True)
class Catalog:
    """All of them, found by id, MBID or name; each list of ids is ascending."""

    artists: dict[int, Artist] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    tracks: dict[int, Track] = field(default_factory=dict)
    artist_of_mbid: dict[str, int] = field(default_factory=dict)
    release_of_mbid: dict[str, int] = field(default_factory=dict)
    track_of_mbid: dict[str, int] = field(default_factory=dict)
    artists_named: dict[str, list[int]] = field(default_factory=dict)
    release_titled: dict[tuple[str, int], int] = field(default_factory=dict)
    """The lowest id of (title, attached artist)."""
    tracks_titled: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    """By (title, release)."""
    missed: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """By (artists, releases or tracks, MBID): the tracks of requests that gave an MBID which then still nothing had."""
    commit_together: list[tuple[Entity, Entity]] = field(default_factory=list)
    """Both answer to a name or an MBID, and the order of the plan decides which is meant. Where only the second one is
    stored, because a run ended, what is planned afresh would find that."""

    def add_artist(self, artist: Artist) -> None:
        """Add one; artists come in the order of their ids."""
        self.artists[artist.id] = artist
        if artist.mbid:
            self.own("artists", artist.mbid, artist.id)
        for alias in artist.aliases:
            named = self.artists_named.setdefault(alias, [])
            self._add_commit_together("artists", artist.id, named)
            named.append(artist.id)

    def add_alias(self, artist: Artist, alias: str) -> None:
        """Give an artist a further name."""
        artist.aliases.append(alias)
        named = self.artists_named.setdefault(alias, [])
        self._add_commit_together("artists", artist.id, named)
        insort(named, artist.id)

    def add_release(self, release: Release) -> None:
        """Add one."""
        self.releases[release.id] = release
        if release.mbid:
            self.own("releases", release.mbid, release.id)
        self._index(release, release.artists)

    def add_track(self, track: Track) -> None:
        """Add one; tracks come in the order of their ids."""
        self.tracks[track.id] = track
        if track.mbid:
            self.own("tracks", track.mbid, track.id)
        for title in track.titles:
            titled = self.tracks_titled.setdefault((title, track.release), [])
            self._add_commit_together("tracks", track.id, titled)
            titled.append(track.id)

    def own(self, entity: str, mbid: str, number: int) -> None:
        """Note whose an MBID is."""
        owners = {"artists": self.artist_of_mbid, "releases": self.release_of_mbid, "tracks": self.track_of_mbid}
        owners[entity][mbid] = number
        self.commit_together += [(("tracks", track), (entity, number)) for track in self.missed.get((entity, mbid), ())]

    def attach(self, release: Release, artist: int) -> None:
        """Attach an artist to a release."""
        release.artists.append(artist)
        self._index(release, [artist])

    def _index(self, release: Release, artists: Iterable[int]) -> None:
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
