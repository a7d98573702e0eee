"""What MusicBrainz' web service, version 2, sends as JSON, and what of it is kept. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from etl.backfill.services.request import Answer

Mbid = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Score = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
Milliseconds = Annotated[int, msgspec.Meta(le=2**50)]

# --- what is kept ---------------------------------------------------------------------------------------------


class Artist(msgspec.Struct, frozen=True):
    """An artist of a search: ``names`` are the name and all aliases, ``primary`` those that a database is given."""

    id: str
    name: str
    score: int
    names: list[str]
    primary: list[str]
    note: str


class Credited(msgspec.Struct, frozen=True):
    """An artist of a credit: the artist's own name, and the one in the credit."""

    id: str
    names: list[str]


class Release(msgspec.Struct, frozen=True):
    """A release of a search; ``group`` is the MBID of its release group."""

    id: str
    title: str
    score: int
    artists: list[Credited]
    group: str
    group_type: str
    is_official: bool
    date: str


class Recording(msgspec.Struct, frozen=True):
    """A recording of a search; ``length`` in milliseconds, 0 if unknown; ``releases`` are titles."""

    id: str
    title: str
    score: int
    artists: list[Credited]
    length: int
    releases: list[str]
    note: str


# --- what is sent ---------------------------------------------------------------------------------------------


class _Alias(msgspec.Struct):
    name: str
    primary: bool | None = None


class _Artist(msgspec.Struct):
    id: Mbid
    name: str
    score: Score = 0
    disambiguation: str | None = None
    aliases: list[_Alias] | None = None


class _Credit(msgspec.Struct):
    artist: _Artist
    name: str | None = None


class _Group(msgspec.Struct):
    id: Mbid
    primary_type: str | None = msgspec.field(default=None, name="primary-type")


class _Release(msgspec.Struct):
    title: str
    id: Mbid
    score: Score = 0
    artist_credit: list[_Credit] | None = msgspec.field(default=None, name="artist-credit")
    release_group: _Group | None = msgspec.field(default=None, name="release-group")
    status: str | None = None
    date: str | None = None


class _Title(msgspec.Struct):
    title: str


class _Recording(msgspec.Struct):
    title: str
    id: Mbid
    score: Score = 0
    artist_credit: list[_Credit] | None = msgspec.field(default=None, name="artist-credit")
    length: Milliseconds | None = None
    releases: list[_Title] | None = None
    video: bool | None = None
    disambiguation: str | None = None


class _Artists(msgspec.Struct):
    artists: list[_Artist]


class _Releases(msgspec.Struct):
    releases: list[_Release]


class _Recordings(msgspec.Struct):
    recordings: list[_Recording]


class _ReleaseGroupOf(msgspec.Struct):
    release_group: _Group = msgspec.field(name="release-group")


class _Titles(msgspec.Struct):
    title: str
    releases: list[_Title]


class _Length(msgspec.Struct):
    id: Mbid
    length: Milliseconds | None = None


# --- from the one to the other --------------------------------------------------------------------------------


def read_artists(answer: Answer) -> list[Artist]:
    """Return the artists of a search."""
    return [
        Artist(one.id, one.name, one.score, _names(one), _primary(one), one.disambiguation or "")
        for one in msgspec.json.decode(answer.body, type=_Artists, strict=False).artists
    ]


def read_releases(answer: Answer) -> list[Release]:
    """Return the releases of a search that have a release group, as all do."""
    return [
        Release(
            id=one.id,
            title=one.title,
            score=one.score,
            artists=_credited(one.artist_credit),
            group=one.release_group.id,
            group_type=one.release_group.primary_type or "",
            is_official=one.status == "Official",
            date=one.date or "",
        )
        for one in msgspec.json.decode(answer.body, type=_Releases, strict=False).releases
        if one.release_group
    ]


def read_recordings(answer: Answer) -> list[Recording]:
    """Return the recordings of a search, without videos."""
    return [
        Recording(
            id=one.id,
            title=one.title,
            score=one.score,
            artists=_credited(one.artist_credit),
            length=max(0, one.length or 0),
            releases=_distinct(release.title for release in one.releases or ()),
            note=one.disambiguation or "",
        )
        for one in msgspec.json.decode(answer.body, type=_Recordings, strict=False).recordings
        if not one.video
    ]


def read_names(answer: Answer) -> list[str]:
    """Return the name and the primary aliases of an artist; nothing for one that is unknown."""
    if answer.is_missing:
        return []
    return _primary(msgspec.json.decode(answer.body, type=_Artist, strict=False))


def read_group(answer: Answer) -> str:
    """Return the MBID of a release's group."""
    if answer.is_missing:
        return ""
    return msgspec.json.decode(answer.body, type=_ReleaseGroupOf, strict=False).release_group.id


def read_titles(answer: Answer) -> list[str]:
    """Return the titles of the releases of a group."""
    if answer.is_missing:
        return []
    found = msgspec.json.decode(answer.body, type=_Titles, strict=False)
    return _distinct([found.title, *(release.title for release in found.releases)])


def read_length(answer: Answer) -> int:
    """Return the length of a recording in milliseconds, 0 if unknown."""
    if answer.is_missing:
        return 0
    return max(0, msgspec.json.decode(answer.body, type=_Length, strict=False).length or 0)


def _names(artist: _Artist) -> list[str]:
    return _distinct([artist.name, *(alias.name for alias in artist.aliases or ())])


def _primary(artist: _Artist) -> list[str]:
    return _distinct([artist.name, *(alias.name for alias in artist.aliases or () if alias.primary)])


def _credited(credit: list[_Credit] | None) -> list[Credited]:
    return [Credited(one.artist.id, _distinct([one.artist.name, one.name or one.artist.name])) for one in credit or ()]


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
