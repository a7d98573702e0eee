"""The artists, releases and tracks that a plan can see: what the database holds, and what the plan adds. Pure.

Ids from ``FIRST_NEW`` on are placeholders of entities that do not exist yet, in the order of their creation; so the
lowest id is the oldest entity, in the database as in the plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl.normalize.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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

    def add_artist(self, artist: Artist) -> None:
        """Add one; artists come in the order of their ids."""
        self.artists[artist.id] = artist
        if artist.mbid:
            self.artist_of_mbid[artist.mbid] = artist.id
        for alias in artist.aliases:
            self.artists_named.setdefault(alias, []).append(artist.id)

    def add_release(self, release: Release) -> None:
        """Add one."""
        self.releases[release.id] = release
        if release.mbid:
            self.release_of_mbid[release.mbid] = release.id
        self._index(release, release.artists)

    def add_track(self, track: Track) -> None:
        """Add one; tracks come in the order of their ids."""
        self.tracks[track.id] = track
        if track.mbid:
            self.track_of_mbid[track.mbid] = track.id
        for title in track.titles:
            self.tracks_titled.setdefault((title, track.release), []).append(track.id)

    def attach(self, release: Release, artist: int) -> None:
        """Attach an artist to a release."""
        release.artists.append(artist)
        self._index(release, [artist])

    def _index(self, release: Release, artists: Iterable[int]) -> None:
        for title in release.titles:
            for artist in artists:
                known = self.release_titled.get((title, artist), release.id)
                self.release_titled[title, artist] = min(known, release.id)
