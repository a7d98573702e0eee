"""Deezer's search: pictures of artists and covers of albums. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

from etl.backfill.services.request import Answer, BusyError, FailedError, Question, Service

# https://developers.deezer.com/api/errors; the status of all of them is 200
_BUSY = frozenset({4, 700})
_NO_DATA = 800
# Deezer has a silhouette in the place of a picture that is missing: the part that names the picture is empty, or the
# MD5 sum of nothing.
_NO_PICTURE = ("/artist//", "/cover//", "d41d8cd98f00b204e9800998ecf8427e")
_LIMIT = "10"


class Picture(msgspec.Struct, frozen=True):
    """A picture of an artist, or the cover of an album; ``name`` is the artist's name or the album's title."""

    name: str
    url: str
    artist: str = ""
    fans: int = 0


class _Artist(msgspec.Struct):
    name: str
    picture_xl: str | None = None
    nb_fan: Annotated[int, msgspec.Meta(le=2**50)] = 0


class _AlbumArtist(msgspec.Struct):
    name: str = ""


class _Album(msgspec.Struct):
    title: str
    cover_xl: str | None = None
    artist: _AlbumArtist = msgspec.field(default_factory=_AlbumArtist)


class _Problem(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Artists(msgspec.Struct):
    data: list[_Artist] = []
    error: _Problem | None = None


class _Albums(msgspec.Struct):
    data: list[_Album] = []
    error: _Problem | None = None


def artist_pictures(name: str) -> Question[list[Picture]]:
    """Ask for pictures of artists called ``name``, or nearly."""
    params = {"q": f'artist:"{_quoted(name)}"', "limit": _LIMIT}
    return Question(Service.DEEZER, "/search/artist", _read_artists, list[Picture], params)


def album_covers(artist: str, title: str) -> Question[list[Picture]]:
    """Ask for covers of albums called ``title``, or nearly, by ``artist``."""
    params = {"q": f'artist:"{_quoted(artist)}" album:"{_quoted(title)}"', "limit": _LIMIT}
    return Question(Service.DEEZER, "/search/album", _read_albums, list[Picture], params)


def _quoted(text: str) -> str:
    """Return ``text`` for a place between quotation marks, which Deezer has no way to escape."""
    return text.replace('"', " ")


def _read_artists(answer: Answer) -> list[Picture]:
    read = msgspec.json.decode(answer.body, type=_Artists, strict=False)
    _check(read.error)
    return [
        Picture(one.name, one.picture_xl, fans=one.nb_fan)
        for one in read.data
        if one.picture_xl and _is_picture(one.picture_xl)
    ]


def _read_albums(answer: Answer) -> list[Picture]:
    read = msgspec.json.decode(answer.body, type=_Albums, strict=False)
    _check(read.error)
    return [
        Picture(one.title, one.cover_xl, one.artist.name)
        for one in read.data
        if one.cover_xl and _is_picture(one.cover_xl)
    ]


def _check(error: _Problem | None) -> None:
    if error is None or error.code == _NO_DATA:
        return
    told = f"Deezer: {error.message or 'error'} ({error.code})"
    raise BusyError(told) if error.code in _BUSY else FailedError(told)


def _is_picture(url: str) -> bool:
    is_address = url.startswith(("https://", "http://")) and url.isascii() and url.isprintable() and len(url) < 2_000
    return is_address and not any(part in url for part in _NO_PICTURE)
