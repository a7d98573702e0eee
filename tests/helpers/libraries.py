"""Makes libraries as they are read from a database, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from etl.core.schema import empty
from etl.library import Library
from etl.library.loads import LOADS
from etl.library.read import TABLES, complete
from etl.targets.results import RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime


T = TypeVar("T")


@dataclass(frozen=True)
class Heard:
    """One listen; equal names are the same artist, the same album of that artist, and the same track on that album."""

    at: datetime
    artists: tuple[str, ...] = ("Ann",)
    track: str | None = "One"
    album: str | None = "Hits"
    duration: int | None = 180
    client: str | None = "test"


def make_library(heard: Sequence[Heard] = (), zone: str = "UTC", loads: Sequence[tuple[object, ...]] = ()) -> Library:
    """Return the library of ``heard``; ids count from 1 in the order of the names."""
    artists = _numbered(name for one in heard for name in one.artists)
    albums = _numbered((one.artists[0], one.album) for one in heard)
    tracks = _numbered((one.artists, one.track, one.album, one.duration) for one in heard)
    rows: dict[str, list[tuple[object, ...]]] = {
        "listens": [(tracks[one.artists, one.track, one.album, one.duration], one.at, one.client) for one in heard],
        "tracks": [
            (number, track, albums[names[0], album], duration, None)
            for (names, track, album, duration), number in tracks.items()
        ],
        "albums": [(number, title, False, None) for (_, title), number in albums.items()],
        "artists": [(number, name, None) for name, number in artists.items()],
        "track_artists": [
            (number, artists[name], place == 0)
            for (names, *_), number in tracks.items()
            for place, name in enumerate(names)
        ],
        "album_artists": [(number, artists[name], True) for (name, _), number in albums.items()],
    }
    frames = {name: pl.DataFrame(rows[name], RESULTS[f"library/{name}"], orient="row") for name in TABLES}
    runs = pl.DataFrame(list(loads), LOADS, orient="row") if loads else empty(LOADS)
    return Library("admin", zone, {**complete(frames, zone), "loads": runs})


def _numbered(names: Iterable[T]) -> dict[T, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}
