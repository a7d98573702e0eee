"""Builds what the services send: parts of MusicBrainz' JSON, and functions that reply to requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.backfill.server import MISSING, Reply, ok

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.backfill.server import ReceivedRequest


def mbid(number: int) -> str:
    """Return an MBID that begins with ``number`` in hexadecimal."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def every_image(request: ReceivedRequest) -> Reply:
    """Reply as Deezer and the Cover Art Archive would if they had a picture of everything."""
    if request.path == "/search/artist":
        name = request.params["q"].split('"')[1]
        return ok({"data": [{"name": name, "picture_xl": f"https://img.example/{name}.jpg", "nb_fan": 5}]})
    if request.path == "/search/album":
        _, artist, _, title, _ = request.params["q"].split('"')
        album = {"title": title, "cover_xl": f"https://img.example/{title}.jpg", "artist": {"name": artist}}
        return ok({"data": [album]})
    if request.path.endswith("/front"):
        return Reply(307, headers={"Location": "https://archive.org/download/image.jpg"})
    return MISSING


def in_turn(*replies: Reply) -> Callable[[ReceivedRequest], Reply]:
    """Return a function that sends the replies in turn, then repeats the last one."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def credit(number: int, name: str) -> list[dict[str, Any]]:
    """Return an artist credit."""
    return [{"name": name, "artist": {"id": mbid(number), "name": name, "sort-name": name}}]


def artist(number: int, name: str, *primary: str, score: int = 100) -> dict[str, Any]:
    """Return an artist of a search, with primary aliases and an alias that is not one."""
    aliases = [{"name": alias, "primary": True, "locale": "en"} for alias in primary]
    return {"id": mbid(number), "name": name, "score": score, "aliases": [*aliases, {"name": "old", "primary": None}]}


def release(number: int, title: str, by: list[dict[str, Any]], group: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a release of a search; ``group`` is the number of its release group."""
    return {
        "id": mbid(number),
        "title": title,
        "score": 100,
        "artist-credit": by,
        "release-group": {"id": mbid(group), "primary-type": "Album"},
        "status": "Official",
        "date": "2001",
        **more,
    }


def recording(
    number: int,
    title: str,
    by: list[dict[str, Any]],
    length: int | None,
    *albums: str,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Return a recording of a search; ``length`` in milliseconds."""
    return {
        "id": mbid(number),
        "title": title,
        "score": 100,
        "artist-credit": by,
        "length": length,
        "releases": [{"id": mbid(0xFFFF), "title": album} for album in albums],
        **more,
    }


def musicbrainz(
    searches: Mapping[str, Sequence[dict[str, Any]]], look_ups: Mapping[str, dict[str, Any]] | None = None
) -> Callable[[ReceivedRequest], Reply]:
    """Return a function that replies as MusicBrainz.

    ``searches``: results by entity and first term, such as ``artist Ann``; ``look_ups``: documents by path.
    """

    def respond(request: ReceivedRequest) -> Reply:
        entity = request.path.removeprefix("/ws/2/")
        if "query" not in request.params:
            return ok((look_ups or {})[entity]) if entity in (look_ups or {}) else MISSING
        wanted = f"{entity} {request.params['query'].split(chr(34))[1]}"
        return ok({"count": 0, "offset": 0, f"{entity}s": list(searches.get(wanted, []))})

    return respond
