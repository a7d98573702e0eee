"""Reads everything that a load stores, without ids and in the same form for both databases, to compare targets."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows: TypeAlias = "list[tuple[Any, ...]]"

_POSTGRES = {
    "mbid": "musicbrainz_id::text",
    "second": "extract(epoch FROM listened_at)::bigint",
    "keys": "SELECT lookup_key, artist_id, track_id FROM track_lookup",
}
_SQLITE = {
    "mbid": "musicbrainz_id",
    "second": "listened_at",
    "keys": (
        "SELECT e.lookup_key, l.artist_id, l.track_id FROM etl_track_lookup e"  # only keys with a witness
        " JOIN artist_tracks l ON l.artist_id = e.artist_id AND l.track_id = coalesce("
        "(SELECT w.track_id FROM listens w WHERE w.rowid = e.listen AND w.listened_at = e.witness),"
        " (SELECT w.track_id FROM listens w WHERE w.track_id = e.track_id AND w.listened_at = e.witness))"
    ),
}


def library(query: Callable[[str], Rows], *, is_sqlite: bool) -> list[tuple[Any, ...]]:
    """Return artists, releases, tracks, listens and keys, each with everything that it refers to, sorted."""
    words = _SQLITE if is_sqlite else _POSTGRES
    names = {
        entity: _names(query(f"SELECT {entity}_id, alias, source, is_primary FROM {entity}_aliases"))
        for entity in ("artist", "release", "track")
    }
    artists = {
        number: ("artist", mbid, names["artist"][number])
        for number, mbid in query(f"SELECT id, {words['mbid']} FROM artists")
    }
    on_release = _credits(query("SELECT release_id, artist_id, is_primary FROM artist_releases"), artists)
    releases = {
        number: ("release", mbid, bool(various), names["release"][number], on_release[number])
        for number, mbid, various in query(f"SELECT id, {words['mbid']}, various_artists FROM releases")
    }
    on_track = _credits(query("SELECT track_id, artist_id, is_primary FROM artist_tracks"), artists)
    tracks = {
        number: ("track", mbid, duration, releases[release], names["track"][number], on_track[number])
        for number, mbid, duration, release in query(f"SELECT id, {words['mbid']}, duration, release_id FROM tracks")
    }
    listens = [
        ("listen", tracks[track], int(second), client or None, user)
        for track, second, client, user in query(f"SELECT track_id, {words['second']}, client, user_id FROM listens")
    ]
    keys = [("lookup", key, artists[artist], tracks[track]) for key, artist, track in query(words["keys"])]
    return sorted([*artists.values(), *releases.values(), *tracks.values(), *listens, *keys], key=repr)


def _names(rows: Rows) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for owner, alias, source, is_primary in sorted(rows):
        found[owner].append((alias, source, bool(is_primary)))
    return found


def _credits(rows: Rows, artists: dict[int, Any]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for owner, artist, is_primary in rows:
        found[owner].append((artists[artist], bool(is_primary)))
    return defaultdict(list, {owner: sorted(credited, key=repr) for owner, credited in found.items()})
