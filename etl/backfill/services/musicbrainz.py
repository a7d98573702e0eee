"""Builds requests to MusicBrainz' web service, version 2: searches, and look-ups by MBID. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from etl.backfill.services import musicbrainz_answers as answers
from etl.backfill.services.musicbrainz_answers import ArtistMatch, RecordingMatch, ReleaseMatch
from etl.backfill.services.request import Request, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.backfill.services.request import Response

T = TypeVar("T")

VARIOUS_ARTISTS = "Various Artists"
_FEW, _MANY = "10", "50"  # results of a search
_SPECIAL = re.compile(r'[\\"]')  # Lucene takes all other characters literally between quotation marks


def search_artists(name: str) -> Request[list[ArtistMatch]]:
    """Search for artists whose name is similar to ``name``."""
    return _search("artist", f"artist:{_phrase(name)}", _FEW, answers.parse_artists, list[ArtistMatch])


def search_releases(title: str, artist: str) -> Request[list[ReleaseMatch]]:
    """Search for releases by ``artist`` whose title is similar to ``title``."""
    query = f"release:{_phrase(title)} AND artist:{_phrase(artist)}"
    return _search("release", query, _MANY, answers.parse_releases, list[ReleaseMatch])


def search_recordings(title: str, artist: str) -> Request[list[RecordingMatch]]:
    """Search for recordings by ``artist`` whose title is similar to ``title``."""
    query = f"recording:{_phrase(title)} AND artist:{_phrase(artist)}"
    return _search("recording", query, _MANY, answers.parse_recordings, list[RecordingMatch])


def artist_names(mbid: str) -> Request[list[str]]:
    """Ask for the name and the primary aliases of an artist; empty if MusicBrainz does not know it."""
    return _look_up(f"artist/{mbid}", "aliases", answers.parse_names, list[str])


def group_of_release(mbid: str) -> Request[str]:
    """Ask for the MBID of a release's release group; empty if MusicBrainz does not know the release."""
    return _look_up(f"release/{mbid}", "release-groups", answers.parse_group, str)


def titles_of_group(mbid: str) -> Request[list[str]]:
    """Ask for the titles of a release group and its releases; empty if MusicBrainz does not know it."""
    return _look_up(f"release-group/{mbid}", "releases", answers.parse_titles, list[str])


def length_of_recording(mbid: str) -> Request[int]:
    """Ask for the length of a recording in milliseconds; 0 if MusicBrainz does not know it."""
    return _look_up(f"recording/{mbid}", "", answers.parse_length, int)


def _search(entity: str, query: str, limit: str, parse: Callable[[Response], T], answer_type: type[T]) -> Request[T]:
    params = {"query": query, "limit": limit, "fmt": "json"}
    return Request(Service.MUSICBRAINZ, f"/ws/2/{entity}", parse, answer_type, params)


def _look_up(path: str, include: str, parse: Callable[[Response], T], answer_type: type[T]) -> Request[T]:
    params = {"fmt": "json", **({"inc": include} if include else {})}
    return Request(Service.MUSICBRAINZ, f"/ws/2/{path}", parse, answer_type, params)


def _phrase(text: str) -> str:
    return '"' + _SPECIAL.sub(r"\\\g<0>", text) + '"'
