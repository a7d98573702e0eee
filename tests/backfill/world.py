"""A database with little in it, and services that know some of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.backfill.run import backfill
from etl.backfill.services.request import Service
from etl.backfill.settings import BackfillSettings, parse_kinds
from etl.core.settings import Workspace
from tests.backfill.conftest import HASTY
from tests.backfill.server import MISSING, Reply, ok
from tests.helpers.support import execute, query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.backfill.server import Request, Server

FAST = 100_000.0


def mbid(number: int) -> str:
    """Return an MBID."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def do(
    home: Path,
    uri: str,
    server: Server,
    task: str = "images",
    what: str | None = None,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Do a task in this process against ``server`` and return its account."""
    addresses = dict.fromkeys(Service, server.url)
    settings = BackfillSettings(
        task=task, kinds=parse_kinds(task, what), addresses=addresses, rates=dict.fromkeys(Service, FAST), **more
    )
    return backfill(Workspace(home, uri), settings, patience=HASTY)


def options(server: Server) -> list[str]:
    """Return the options by which a process asks ``server`` alone, as fast as it can."""
    return [
        word for service in Service for word in ("--url", f"{service}={server.url}", "--rate", f"{service}={FAST:.0f}")
    ]


def people(uri: str, artists: int, albums: int) -> None:
    """Put artists A1, A2... and albums B1, B2... into an empty database; the first of each was played the most.

    Each artist has the tracks of the album of its number; odd albums have an MBID.
    """
    execute(
        uri,
        f"""
        INSERT INTO artists (id) OVERRIDING SYSTEM VALUE SELECT n FROM generate_series(1, {artists}) n;
        INSERT INTO artist_aliases SELECT n, 'A' || n, 'Canonical', true FROM generate_series(1, {artists}) n;
        INSERT INTO releases (id, musicbrainz_id) OVERRIDING SYSTEM VALUE
        SELECT n, CASE WHEN n % 2 = 1 THEN (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000')::uuid END
        FROM generate_series(1, {albums}) n;
        INSERT INTO release_aliases SELECT n, 'B' || n, 'Canonical', true FROM generate_series(1, {albums}) n;
        INSERT INTO artist_releases SELECT (n - 1) % {artists} + 1, n, true FROM generate_series(1, {albums}) n;
        INSERT INTO tracks (id, release_id) OVERRIDING SYSTEM VALUE SELECT n, n FROM generate_series(1, {albums}) n;
        INSERT INTO track_aliases SELECT n, 'C' || n, true, 'Canonical' FROM generate_series(1, {albums}) n;
        INSERT INTO artist_tracks SELECT (n - 1) % {artists} + 1, n, true FROM generate_series(1, {albums}) n;
        INSERT INTO listens
        SELECT n, '2020-01-01'::timestamptz + s * interval '1 s', 'test', u.id
        FROM generate_series(1, {albums}) n, generate_series(1, greatest(1, 10 - n)) s, users u;
        """,
    )


def pictures(request: Request) -> Reply:
    """Answer as Deezer and the Cover Art Archive do that have a picture of everything."""
    if request.path == "/search/artist":
        name = request.params["q"].split('"')[1]
        return ok({"data": [{"name": name, "picture_xl": f"https://img.example/{name}.jpg", "nb_fan": 5}]})
    if request.path == "/search/album":
        _, artist, _, title, _ = request.params["q"].split('"')
        album = {"title": title, "cover_xl": f"https://img.example/{title}.jpg", "artist": {"name": artist}}
        return ok({"data": [album]})
    if request.path.endswith("/front"):
        return Reply(307, headers={"Location": "https://archive.example/image.jpg"})
    return MISSING


def images(uri: str, table: str) -> dict[int, tuple[str | None, str | None]]:
    """Return the image and its source of every row of a table."""
    rows = query(uri, f"SELECT id, image::text, image_source FROM {table}")
    return {one: (image, source) for one, image, source in rows}


# --- MusicBrainz ----------------------------------------------------------------------------------------------


def credit(number: int, name: str) -> list[dict[str, Any]]:
    """Return an artist credit."""
    return [{"name": name, "artist": {"id": mbid(number), "name": name, "sort-name": name}}]


def artist(number: int, name: str, *primary: str, score: int = 100) -> dict[str, Any]:
    """Return an artist of a search; ``primary`` are its primary aliases."""
    aliases = [{"name": one, "primary": True, "locale": "en"} for one in primary]
    return {"id": mbid(number), "name": name, "score": score, "aliases": [*aliases, {"name": "old", "primary": None}]}


def release(number: int, title: str, by: list[dict[str, Any]], group: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a release of a search."""
    group_of = {"id": mbid(group), "primary-type": "Album"}
    found = {"id": mbid(number), "title": title, "score": 100, "artist-credit": by, "release-group": group_of}
    return {**found, "status": "Official", "date": "2001", **more}


def recording(
    number: int,
    title: str,
    by: list[dict[str, Any]],
    length: int | None,
    *albums: str,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Return a recording of a search; ``length`` in milliseconds."""
    on = [{"id": mbid(0xFFFF), "title": album} for album in albums]
    return {
        "id": mbid(number),
        "title": title,
        "score": 100,
        "artist-credit": by,
        "length": length,
        "releases": on,
        **more,
    }


def catalogue(
    searches: Mapping[str, Sequence[dict[str, Any]]], look_ups: Mapping[str, dict[str, Any]] | None = None
) -> Callable[[Request], Reply]:
    """Answer as MusicBrainz does that finds ``searches`` by what the query holds first, ``look_ups`` by their path."""

    def respond(request: Request) -> Reply:
        entity = request.path.removeprefix("/ws/2/")
        if "query" not in request.params:
            return ok((look_ups or {})[entity]) if entity in (look_ups or {}) else MISSING
        wanted = f"{entity} {request.params['query'].split(chr(34))[1]}"
        return ok({"count": 0, "offset": 0, f"{entity}s": list(searches.get(wanted, []))})

    return respond
