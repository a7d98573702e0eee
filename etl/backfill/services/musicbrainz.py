"""Questions to MusicBrainz' web service, version 2: searches, and look-ups by MBID. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from etl.backfill.services import musicbrainz_answers as answers
from etl.backfill.services.musicbrainz_answers import Artist, Recording, Release
from etl.backfill.services.request import Question, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.backfill.services.request import Answer

T = TypeVar("T")

VARIOUS_ARTISTS = "Various Artists"
_FEW, _MANY = "10", "50"
_SPECIAL = re.compile(r'[\\"]')  # between quotation marks Lucene's other characters mean themselves


def search_artists(name: str) -> Question[list[Artist]]:
    """Ask for artists called ``name``, or nearly."""
    return _search("artist", f"artist:{_phrase(name)}", _FEW, answers.read_artists, list[Artist])


def search_releases(title: str, artist: str) -> Question[list[Release]]:
    """Ask for releases called ``title``, or nearly, by ``artist``."""
    query = f"release:{_phrase(title)} AND artist:{_phrase(artist)}"
    return _search("release", query, _MANY, answers.read_releases, list[Release])


def search_recordings(title: str, artist: str) -> Question[list[Recording]]:
    """Ask for recordings called ``title``, or nearly, by ``artist``."""
    query = f"recording:{_phrase(title)} AND artist:{_phrase(artist)}"
    return _search("recording", query, _MANY, answers.read_recordings, list[Recording])


def artist_names(mbid: str) -> Question[list[str]]:
    """Ask for the name and the primary aliases of an artist; empty where MusicBrainz does not know it."""
    return _look_up(f"artist/{mbid}", "aliases", answers.read_names, list[str])


def group_of_release(mbid: str) -> Question[str]:
    """Ask for the release group of a release; empty where MusicBrainz does not know it."""
    return _look_up(f"release/{mbid}", "release-groups", answers.read_group, str)


def titles_of_group(mbid: str) -> Question[list[str]]:
    """Ask for the titles of the releases of a release group."""
    return _look_up(f"release-group/{mbid}", "releases", answers.read_titles, list[str])


def length_of_recording(mbid: str) -> Question[int]:
    """Ask for the length of a recording in milliseconds; 0 where MusicBrainz does not know it."""
    return _look_up(f"recording/{mbid}", "", answers.read_length, int)


def _search(entity: str, query: str, limit: str, parse: Callable[[Answer], T], kind: type[T]) -> Question[T]:
    params = {"query": query, "limit": limit, "fmt": "json"}
    return Question(Service.MUSICBRAINZ, f"/ws/2/{entity}", parse, kind, params)


def _look_up(path: str, include: str, parse: Callable[[Answer], T], kind: type[T]) -> Question[T]:
    params = {"fmt": "json", **({"inc": include} if include else {})}
    return Question(Service.MUSICBRAINZ, f"/ws/2/{path}", parse, kind, params)


def _phrase(text: str) -> str:
    return '"' + _SPECIAL.sub(r"\\\g<0>", text) + '"'
