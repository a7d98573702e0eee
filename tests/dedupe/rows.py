"""Builds listens of a run and of the database for the tests of doubles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import polars as pl

from etl.core.schema import NEARBY, NORMALIZED, NOT_COUNTED, conform
from etl.dedupe import Doubles, find_doubles

Row: TypeAlias = dict[str, Any]

START = datetime(2024, 3, 1, 12, tzinfo=UTC)
FORMATS = {
    "account": "spotify-account",
    "extended": "spotify-extended",
    "ghan": "lastfm-pages",
    "minutes": "lastfm-minutes",
    "lb": "listenbrainz-lines",
    "maloja": "maloja-export",
    "koito": "koito-export",
}
_CLIENTS = {"spotify": "spotify", "lastfm": "lastfm", "maloja": "maloja"}


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def listen(file: str, second: float, track: str = "Tide", artist: str = "Kari Mo", **rest: Any) -> Row:  # noqa: ANN401
    """Return a listen ``second`` seconds after START, as it comes out of normalising."""
    source = FORMATS[file].partition("-")[0]
    row = {"file": file, "source": source, "listened_at": at(second), "artist": artist, "track": track}
    names = {"artists": [artist], "client": _CLIENTS.get(source), "lookup_key": f"{artist} {track} {rest.get('album')}"}
    return {**dict.fromkeys(NORMALIZED), **row, **names, **rest}


def extended(end: float, played: float = 200, *, track: str = "Tide", began: float | None = None, **rest: Any) -> Row:  # noqa: ANN401
    """Return a play of Spotify's extended history that ended at ``end``."""
    times: Row = {"ended_at": at(end), "started_at": at(end - played if began is None else began)}
    return listen("extended", end, track, played_ms=int(played * 1000), album="Shore", **times, **rest)


def account(minute: int, played: float = 200, *, track: str = "Tide") -> Row:
    """Return the same of account data: it knows the ``minute`` in which the play ended."""
    times: Row = {"ended_at": at(60 * minute), "started_at": at(60 * minute - played)}
    return listen("account", 60 * minute, track, played_ms=int(played * 1000), minute_only=True, **times)


def held(
    second: int,
    client: str | None,
    track: str = "Tide",
    artist: str = "Kari Mo",
    album: str = "Shore",
    duration: int = 200,
) -> Row:
    """Return a listen of the database."""
    return {
        "track_id": 7,
        "second": int(at(second).timestamp()),
        "client": client,
        "duration": duration,
        "titles": [track],
        "artists": [artist, f"{artist} (alias)"],
        "albums": [album],
    }


def listens(*rows: Row) -> pl.DataFrame:
    numbered = [{**row, "row": number} for number, row in enumerate(rows, start=1)]
    return conform(pl.DataFrame(numbered, schema=NORMALIZED), NORMALIZED)


def nearby(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=NEARBY)


def passed(*rows: Row) -> pl.DataFrame:
    names = list(NOT_COUNTED)
    return pl.DataFrame([{name: row[name] for name in names} for row in rows], schema=NOT_COUNTED)


def find(
    rows: list[Row], in_database: list[Row] | None = None, over: list[Row] | None = None, *, spotify_ends: bool = True
) -> Doubles:
    return find_doubles(
        listens(*rows), FORMATS, passed(*over or []), nearby(*in_database or []), spotify_ends=spotify_ends
    )
