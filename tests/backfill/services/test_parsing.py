"""How requests are written, and that no body breaks the parsers."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from etl.backfill.services import deezer, musicbrainz
from etl.backfill.services.request import Request, RequestFailedError, Response
from tests.backfill.replies import mbid

KEYS = [
    "aliases", "artist", "artist-credit", "artists", "code", "cover_xl", "data", "error", "id", "length", "name",
    "nb_fan", "picture_xl", "primary", "recordings", "release-group", "releases", "score", "title",
]  # fmt: skip


def test_special_characters_of_queries_are_escaped() -> None:
    params = musicbrainz.search_releases('7" \\ (Mix) AND/OR', "AC/DC").params
    assert params["query"] == r'release:"7\" \\ (Mix) AND/OR" AND artist:"AC/DC"'
    assert deezer.album_covers('Ann "A" Bo', "T").params["q"] == 'artist:"Ann  A  Bo" album:"T"'


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(mbid(1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
_REQUESTS: list[Request[Any]] = [
    musicbrainz.search_artists("a"),
    musicbrainz.search_releases("a", "b"),
    musicbrainz.search_recordings("a", "b"),
    musicbrainz.artist_names("a"),
    musicbrainz.group_of_release("a"),
    musicbrainz.titles_of_group("a"),
    musicbrainz.length_of_recording("a"),
    deezer.artist_pictures("a"),
    deezer.album_covers("a", "b"),
]


@given(st.binary(max_size=40) | _JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_any_body_is_parsed_and_can_be_cached_or_is_a_failure(body: bytes) -> None:
    for request in _REQUESTS:
        try:
            value = request.parse(Response(200, body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RequestFailedError):
            continue
        assert msgspec.json.decode(msgspec.json.encode(value), type=request.answer_type) == value
