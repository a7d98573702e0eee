"""Writes one history as each of five services exports it, with only what all of them can express."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

NOON = 1_577_880_000  # 2020-01-01T12:00:00Z


class Listen(NamedTuple):
    """A play of at least 30 s; ``second`` is the time that the service records."""

    second: int
    artists: tuple[str, ...]
    title: str
    album: str | None

    @property
    def credit(self) -> str:
        """The artists as one text."""
        return " feat. ".join(self.artists)


def history(size: int, seed: int = 0) -> list[Listen]:
    """Make ``size`` listens, one a second, of a quarter as many tracks, each of which is played.

    The tracks have few artists, titles that are also those of albums, and albums that artists share.
    """
    draw = random.Random(seed)
    number_of_tracks = size // 4
    artists = [f"Artist {number}" for number in range(number_of_tracks // 20 + 2)] + [
        "LISA",
        "LiSA",
        "Brandy",
        "Zoë Ög",
    ]
    titles = [f"Song {number}" for number in range(number_of_tracks // 10 + 2)]
    albums = [None, "Hits", *titles[:20], *(f"Album {number}" for number in range(number_of_tracks // 30))]
    tracks = [
        (tuple(draw.sample(artists, draw.choice((1, 1, 1, 2)))), draw.choice(titles), draw.choice(albums))
        for _ in range(number_of_tracks)
    ]
    played = [*tracks, *draw.choices(tracks, k=size - number_of_tracks)]
    draw.shuffle(played)
    return [Listen(NOON + place, *track) for place, track in enumerate(played)]


def spotify(listens: Sequence[Listen]) -> str:
    """Write the extended streaming history; a skipped play does not show the track's length."""
    rows = [
        {
            "ts": datetime.fromtimestamp(listen.second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ms_played": 31_000,
            "master_metadata_track_name": listen.title,
            "master_metadata_album_artist_name": listen.credit,
            "master_metadata_album_album_name": listen.album,
            "spotify_track_uri": "spotify:track:0000000000000000000000",
            "reason_end": "fwdbtn",
        }
        for listen in listens
    ]
    return json.dumps(rows)


def lastfm(listens: Sequence[Listen]) -> str:
    """Write pages of 200 scrobbles, the newest first."""
    tracks = [
        {
            "artist": {"mbid": "", "#text": listen.credit},
            "album": {"mbid": "", "#text": listen.album or ""},
            "mbid": "",
            "name": listen.title,
            "date": {"uts": str(listen.second)},
        }
        for listen in reversed(listens)
    ]
    pages = [tracks[start : start + 200] for start in range(0, len(tracks), 200)]
    return json.dumps([{"track": page, "@attr": {"page": str(number)}} for number, page in enumerate(pages, 1)])


def listenbrainz(listens: Sequence[Listen]) -> str:
    """Write JSON Lines."""
    lines = []
    for listen in listens:
        metadata: dict[str, Any] = {"artist_name": listen.credit, "track_name": listen.title, "mbid_mapping": None}
        if listen.album:
            metadata["release_name"] = listen.album
        lines.append(json.dumps({"listened_at": listen.second, "track_metadata": metadata}))
    return "\n".join(lines) + "\n"


def maloja(listens: Sequence[Listen]) -> str:
    """Write an export, in which artists are a list."""
    scrobbles = [
        {
            "time": listen.second,
            "track": {
                "artists": list(listen.artists),
                "title": listen.title,
                "album": {"artists": None, "albumtitle": listen.album} if listen.album else None,
                "length": None,
            },
            "duration": None,
            "origin": "client:test",
        }
        for listen in listens
    ]
    return json.dumps({"maloja": {"export_time": NOON}, "scrobbles": scrobbles})


def koito(listens: Sequence[Listen]) -> str:
    """Write Koito's own export, in which every track has an album."""

    def named(name: str) -> dict[str, Any]:
        return {"mbid": None, "aliases": [{"alias": name, "source": "Canonical", "is_primary": True}]}

    rows: list[dict[str, Any]] = [
        {
            "listened_at": datetime.fromtimestamp(listen.second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "client": "",
            "track": named(listen.title) | {"duration": 0},
            "album": named(listen.album or listen.title) | {"image_url": "", "various_artists": False},
            "artists": [named(name) | {"image_url": "", "is_primary": False} for name in listen.artists],
        }
        for listen in listens
    ]
    return json.dumps({"version": "1", "exported_at": "2024-01-01T00:00:00Z", "user": "someone", "listens": rows})


WRITERS: dict[str, tuple[str, Callable[[Sequence[Listen]], str]]] = {
    "spotify": ("endsong_0.json", spotify),
    "lastfm": ("recenttracks-someone-1704067200.json", lastfm),
    "listenbrainz": ("1.jsonl", listenbrainz),
    "maloja": ("maloja_export_2024_01_01_00_00_00.json", maloja),
    "koito": ("koito_export.json", koito),
}


def write(folder: Path, service: str, listens: Sequence[Listen]) -> Path:
    """Write ``listens`` as ``service`` exports them."""
    name, writer = WRITERS[service]
    path = folder / name
    path.write_text(writer(listens), encoding="utf-8")
    return path
