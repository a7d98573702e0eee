"""A fake ``fetch`` that answers from memory, and the entities that the tests of rules look up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from etl.backfill.rules.entities import AlbumEntity, ArtistEntity, TrackEntity
from etl.backfill.services import musicbrainz
from etl.backfill.services.request import Response

if TYPE_CHECKING:
    from etl.backfill.services.request import Request

ANN = ArtistEntity(1, 9, None, ["Ann", "Annie"], "Debut", "First")
DEBUT = AlbumEntity(1, 9, None, ["Debut"], ["Ann"], None, various_artists=False)
FIRST = TrackEntity(1, 9, None, ["First"], ["Ann"], None, ["Debut"], 200)

RELEASES = musicbrainz.search_releases("Debut", "Ann")
RECORDINGS = musicbrainz.search_recordings("First", "Ann")


class FakeFetch:
    """Returns the given answers; for any other request, that nothing was found."""

    def __init__(self, *answers: tuple[Request[Any], Any]) -> None:
        self._answers = {request.key: answer for request, answer in answers}
        self.requested: list[str] = []

    def __call__(self, request: Request[Any], /) -> Any:  # noqa: ANN401
        self.requested.append(request.key)
        if request.key in self._answers:
            return self._answers[request.key]
        return request.answer_type()


def parsed(request: Request[Any], **document: Any) -> tuple[Request[Any], Any]:  # noqa: ANN401
    """Return a request and the answer that it parses from the JSON ``document``."""
    return request, request.parse(Response(200, msgspec.json.encode(document)))
