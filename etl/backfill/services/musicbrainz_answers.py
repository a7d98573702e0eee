"""Parses the JSON that MusicBrainz' web service, version 2, sends, and keeps what the rules use. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from etl.parsers.decoders import json_decoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from etl.backfill.services.request import Response

_Mbid = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_Score = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
_Length = Annotated[int, msgspec.Meta(le=2**50)]  # milliseconds

# --- The types that are kept, also in the cache ---------------------------------------------------------------


class ArtistMatch(msgspec.Struct, frozen=True):
    """An artist in a search result: ``names`` are the name and all aliases, ``primary`` those worth storing."""

    id: str
    name: str
    score: int
    names: list[str]
    primary: list[str]
    note: str


class CreditedArtist(msgspec.Struct, frozen=True):
    """An artist in a credit: ``names`` are the artist's own name and the name in the credit."""

    id: str
    names: list[str]


class ReleaseMatch(msgspec.Struct, frozen=True):
    """A release in a search result; ``group`` is the MBID of its release group."""

    id: str
    title: str
    score: int
    artists: list[CreditedArtist]
    group: str
    group_type: str
    is_official: bool
    date: str


class RecordingMatch(msgspec.Struct, frozen=True):
    """A recording in a search result; ``length`` in milliseconds, 0 if unknown; ``releases`` are titles."""

    id: str
    title: str
    score: int
    artists: list[CreditedArtist]
    length: int
    releases: list[str]
    note: str


# --- What MusicBrainz sends -----------------------------------------------------------------------------------


class _AliasJson(msgspec.Struct):
    name: str
    primary: bool | None = None


class _ArtistJson(msgspec.Struct):
    id: _Mbid
    name: str
    score: _Score = 0
    disambiguation: str | None = None
    aliases: list[_AliasJson] | None = None


class _CreditJson(msgspec.Struct):
    artist: _ArtistJson
    name: str | None = None


class _GroupJson(msgspec.Struct):
    id: _Mbid
    primary_type: str | None = msgspec.field(default=None, name="primary-type")


class _ReleaseJson(msgspec.Struct):
    title: str
    id: _Mbid
    score: _Score = 0
    artist_credit: list[_CreditJson] | None = msgspec.field(default=None, name="artist-credit")
    release_group: _GroupJson | None = msgspec.field(default=None, name="release-group")
    status: str | None = None
    date: str | None = None


class _TitleJson(msgspec.Struct):
    title: str


class _RecordingJson(msgspec.Struct):
    title: str
    id: _Mbid
    score: _Score = 0
    artist_credit: list[_CreditJson] | None = msgspec.field(default=None, name="artist-credit")
    length: _Length | None = None
    releases: list[_TitleJson] | None = None
    video: bool | None = None
    disambiguation: str | None = None


class _ArtistsJson(msgspec.Struct):
    artists: list[_ArtistJson]


class _ReleasesJson(msgspec.Struct):
    releases: list[_ReleaseJson]


class _RecordingsJson(msgspec.Struct):
    recordings: list[_RecordingJson]


class _GroupOfReleaseJson(msgspec.Struct):
    release_group: _GroupJson = msgspec.field(name="release-group")


class _TitlesOfGroupJson(msgspec.Struct):
    title: str
    releases: list[_TitleJson]


class _LengthOfRecordingJson(msgspec.Struct):
    id: _Mbid
    length: _Length | None = None


# --- Conversion of the latter to the former -------------------------------------------------------------------


def parse_artists(response: Response) -> list[ArtistMatch]:
    """Return the artists of a search."""
    return [
        ArtistMatch(
            id=artist.id,
            name=artist.name,
            score=artist.score,
            names=_all_names(artist),
            primary=_primary_names(artist),
            note=artist.disambiguation or "",
        )
        for artist in json_decoder(_ArtistsJson).decode(response.body).artists
    ]


def parse_releases(response: Response) -> list[ReleaseMatch]:
    """Return the releases of a search that have a release group, as all should."""
    return [
        ReleaseMatch(
            id=release.id,
            title=release.title,
            score=release.score,
            artists=_credited_artists(release.artist_credit),
            group=release.release_group.id,
            group_type=release.release_group.primary_type or "",
            is_official=release.status == "Official",
            date=release.date or "",
        )
        for release in json_decoder(_ReleasesJson).decode(response.body).releases
        if release.release_group
    ]


def parse_recordings(response: Response) -> list[RecordingMatch]:
    """Return the recordings of a search, without videos."""
    return [
        RecordingMatch(
            id=recording.id,
            title=recording.title,
            score=recording.score,
            artists=_credited_artists(recording.artist_credit),
            length=max(0, recording.length or 0),
            releases=_distinct(release.title for release in recording.releases or ()),
            note=recording.disambiguation or "",
        )
        for recording in json_decoder(_RecordingsJson).decode(response.body).recordings
        if not recording.video
    ]


def parse_names(response: Response) -> list[str]:
    """Return the name and the primary aliases of an artist; empty if it was not found."""
    if response.is_not_found:
        return []
    return _primary_names(json_decoder(_ArtistJson).decode(response.body))


def parse_group(response: Response) -> str:
    """Return the MBID of a release's release group; empty if the release was not found."""
    if response.is_not_found:
        return ""
    return json_decoder(_GroupOfReleaseJson).decode(response.body).release_group.id


def parse_titles(response: Response) -> list[str]:
    """Return the titles of a release group and its releases; empty if it was not found."""
    if response.is_not_found:
        return []
    group = json_decoder(_TitlesOfGroupJson).decode(response.body)
    return _distinct([group.title, *(release.title for release in group.releases)])


def parse_length(response: Response) -> int:
    """Return the length of a recording in milliseconds, 0 if unknown."""
    if response.is_not_found:
        return 0
    return max(0, json_decoder(_LengthOfRecordingJson).decode(response.body).length or 0)


def _all_names(artist: _ArtistJson) -> list[str]:
    return _distinct([artist.name, *(alias.name for alias in artist.aliases or ())])


def _primary_names(artist: _ArtistJson) -> list[str]:
    return _distinct([artist.name, *(alias.name for alias in artist.aliases or () if alias.primary)])


def _credited_artists(credit: list[_CreditJson] | None) -> list[CreditedArtist]:
    return [
        CreditedArtist(part.artist.id, _distinct([part.artist.name, part.name or part.artist.name]))
        for part in credit or ()
    ]


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
