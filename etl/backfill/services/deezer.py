"""Searches Deezer for pictures of artists and covers of albums. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

from etl.backfill.services.request import Request, RequestFailedError, Response, Service, ServiceBusyError
from etl.parsers.decoders import json_decoder

# https://developers.deezer.com/api/errors; Deezer sends all of them with status 200
_BUSY_CODES = frozenset({4, 700})
_NO_DATA = 800
# Deezer's placeholder images: the part of the URL that names the picture is empty, or the MD5 sum of nothing.
_PLACEHOLDERS = ("/artist//", "/cover//", "d41d8cd98f00b204e9800998ecf8427e")
_MAX_URL = 2_000  # characters
_MAX_RESULTS = "10"


class Picture(msgspec.Struct, frozen=True):
    """A picture of an artist or the cover of an album; ``name`` is the artist's name or the album's title."""

    name: str
    url: str
    artist: str = ""
    fans: int = 0


class _DeezerArtist(msgspec.Struct):
    name: str
    picture_xl: str | None = None
    nb_fan: Annotated[int, msgspec.Meta(le=2**50)] = 0


class _DeezerAlbumArtist(msgspec.Struct):
    name: str = ""


class _DeezerAlbum(msgspec.Struct):
    title: str
    cover_xl: str | None = None
    artist: _DeezerAlbumArtist = msgspec.field(default_factory=_DeezerAlbumArtist)


class _DeezerError(msgspec.Struct):
    code: int = 0
    message: str = ""


class _DeezerArtists(msgspec.Struct):
    data: list[_DeezerArtist] = []
    error: _DeezerError | None = None


class _DeezerAlbums(msgspec.Struct):
    data: list[_DeezerAlbum] = []
    error: _DeezerError | None = None


def artist_pictures(name: str) -> Request[list[Picture]]:
    """Search for pictures of artists whose name is similar to ``name``."""
    params = {"q": f'artist:"{_unquoted(name)}"', "limit": _MAX_RESULTS}
    return Request(Service.DEEZER, "/search/artist", _parse_artists, list[Picture], params)


def album_covers(artist: str, title: str) -> Request[list[Picture]]:
    """Search for covers of albums by ``artist`` whose title is similar to ``title``."""
    params = {"q": f'artist:"{_unquoted(artist)}" album:"{_unquoted(title)}"', "limit": _MAX_RESULTS}
    return Request(Service.DEEZER, "/search/album", _parse_albums, list[Picture], params)


def _unquoted(text: str) -> str:
    """Return ``text`` without quotation marks: Deezer's queries cannot escape them."""
    return text.replace('"', " ")


def _parse_artists(response: Response) -> list[Picture]:
    found = json_decoder(_DeezerArtists).decode(response.body)
    _check(found.error)
    return [
        Picture(artist.name, artist.picture_xl, fans=artist.nb_fan)
        for artist in found.data
        if artist.picture_xl and _is_picture(artist.picture_xl)
    ]


def _parse_albums(response: Response) -> list[Picture]:
    found = json_decoder(_DeezerAlbums).decode(response.body)
    _check(found.error)
    return [
        Picture(album.title, album.cover_xl, album.artist.name)
        for album in found.data
        if album.cover_xl and _is_picture(album.cover_xl)
    ]


def _check(error: _DeezerError | None) -> None:
    if error is None or error.code == _NO_DATA:
        return
    message = f"Deezer: {error.message or 'error'} ({error.code})"
    raise ServiceBusyError(message) if error.code in _BUSY_CODES else RequestFailedError(message)


def _is_picture(url: str) -> bool:
    is_url = url.startswith(("https://", "http://")) and url.isascii() and url.isprintable() and len(url) < _MAX_URL
    return is_url and not any(part in url for part in _PLACEHOLDERS)
