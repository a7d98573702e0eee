"""Builds listens of a run and of the database for the tests of doubles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import polars as pl

from etl.core.schema import CACHED, NEARBY, NORMALIZED, NOT_COUNTED, conform, empty
from etl.dedupe import END, START, DedupeResult, RecordingService, apply_doubles, find_doubles

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = dict[str, Any]

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
_CLIENTS = {"spotify": "spotify", "lastfm": "lastfm", "maloja": "maloja"}


def services(clock: str = END) -> tuple[RecordingService, ...]:
    """Return the services of the tests; Spotify's plays are stored by ``clock``."""
    return (
        RecordingService("koito", None, 0),
        RecordingService("listenbrainz", None, 1, title="ListenBrainz"),
        RecordingService("lastfm", "lastfm", 2),
        RecordingService("maloja", "maloja", 3),
        RecordingService("spotify", "spotify", 4, is_whole=True, clock=clock),
    )


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def listen(source: str, second: float, track: str = "Tide", artist: str = "Kari Mo", **rest: Any) -> Row:  # noqa: ANN401
    """Return a listen ``second`` seconds after NOON, as it comes out of normalising."""
    row = {"file": source, "source": source, "listened_at": at(second), "artist": artist, "track": track}
    names = {"artists": [artist], "client": _CLIENTS.get(source), "lookup_key": f"{artist} {track} {rest.get('album')}"}
    return {**dict.fromkeys(NORMALIZED), **row, **names, **rest}


def extended(end: float, played: float = 200, *, track: str = "Tide", began: float | None = None, **rest: Any) -> Row:  # noqa: ANN401
    """Return a play of Spotify's extended history that ended at ``end``."""
    times: Row = {"ended_at": at(end), "started_at": at(end - played if began is None else began)}
    row = listen("spotify", end, track, played_ms=int(played * 1000), album="Shore", **times)
    return {**row, "lookup_key": f"{row['artist']} {track} Shore", **rest}


def account(minute: int, played: float = 200, *, track: str = "Tide") -> Row:
    """Return the same of account data: it knows the ``minute`` in which the play ended."""
    times: Row = {"ended_at": at(60 * minute), "started_at": at(60 * minute - played)}
    row = listen("spotify", 60 * minute, track, played_ms=int(played * 1000), minute_only=True, **times)
    return {**row, "file": "account"}


def by_start(row: Row) -> Row:
    """Return a play as it is under ``--spotify-time start``."""
    return {**row, "listened_at": row["started_at"].replace(microsecond=0)}


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


class Found(NamedTuple):
    """What became of rows, by their places."""

    loaded: list[int]
    same: dict[int, int]
    present: dict[int, int]
    likely: dict[int, tuple[str, int]]
    """"run" or "database", and the place there."""
    not_counted: list[int]
    verdicts: pl.DataFrame
    settled: DedupeResult


def find(
    rows: Sequence[Row],
    in_database: Sequence[Row] = (),
    over: Sequence[Row] = (),
    *,
    clock: str = END,
    coarse: Sequence[str] = (),
    cached: Sequence[tuple[str, int]] = (),
    drop_doubles: bool = True,
) -> Found:
    """Compare ``rows`` with each other and with listens ``in_database``, and apply the verdicts."""
    listens = as_listens(rows)
    there = pl.DataFrame(list(in_database), schema=NEARBY)
    names = list(NOT_COUNTED)
    passed = pl.DataFrame([{name: row[name] for name in names} for row in over], schema=NOT_COUNTED)
    keys = pl.DataFrame(list(cached), schema=CACHED, orient="row") if cached else empty(CACHED)
    verdicts = find_doubles(listens, passed, there, keys, services(clock), coarse)
    settled = apply_doubles(listens, verdicts, there, drop_doubles=drop_doubles)

    def pairs(word: str, column: str) -> dict[int, int]:
        return dict(verdicts.filter(pl.col("verdict") == word).select("place", column).drop_nulls().iter_rows())

    likely = {place: ("run", of) for place, of in pairs("likely", "of").items()}
    likely |= {place: ("database", of) for place, of in pairs("likely", "listen").items()}
    return Found(
        loaded=[row - 1 for row in settled.listens.get_column("row")],
        same=pairs("same", "of"),
        present=pairs("present", "listen"),
        likely=likely,
        not_counted=verdicts.filter(pl.col("verdict") == "not_counted").get_column("place").to_list(),
        verdicts=verdicts,
        settled=settled,
    )


def as_listens(rows: Sequence[Row]) -> pl.DataFrame:
    """Return ``rows``, numbered, with schema NORMALIZED."""
    numbered = [{**row, "row": number} for number, row in enumerate(rows, start=1)]
    return conform(pl.DataFrame(numbered, schema=NORMALIZED), NORMALIZED)


__all__ = ["END", "START", "Found", "Row", "account", "as_listens", "at", "by_start", "extended", "find", "held"]
