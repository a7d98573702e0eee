"""Runs live listens and bare INSERTs in turn, each on an open connection; ``benchmarks.submit`` starts it.

    python -m benchmarks.submitting URI HOME 1500000000 200

It prints JSON: for each line, the seconds of each of the 200. The first listen is at 1,500,000,000 s after 1970.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from adbc_driver_postgresql import dbapi

from etl.live.listen import Listen
from etl.live.submit import open_live, submit_listen

if TYPE_CHECKING:
    from collections.abc import Callable

INSERT = """
INSERT INTO public.listens (track_id, listened_at, client, user_id)
VALUES ($1::integer, to_timestamp($2::bigint), $3, $4::integer)
"""
SONG: dict[str, Any] = {"artist": "A live artist", "track": "A live track", "album": "A live album", "client": "bench"}
MBID = "b1e26560-60e5-4236-bbdb-9aa5a8d5ee{:02}"
LINES: dict[str, dict[str, Any]] = {
    "names": {},
    "duration": {"duration": 200},
    "mbids": {
        "duration": 200,
        "recording_mbid": MBID.format(1),
        "release_mbid": MBID.format(2),
        "artist_mbids": [MBID.format(3)],
    },
}


def measure(uri: str, home: str, start: int, count: int) -> dict[str, list[float]]:
    """Return the seconds of each bare INSERT and of each live listen, by line."""
    seconds: dict[str, list[float]] = {"bare": [], **{name: [] for name in LINES}}
    clock = datetime.fromtimestamp(start, UTC)

    def later() -> datetime:
        nonlocal clock
        clock += timedelta(seconds=1)
        return clock

    with open_live(uri, home=home) as live, dbapi.connect(uri, autocommit=True) as connection:
        for extra in LINES.values():  # the key is cached, nothing is lacking
            known = submit_listen(live, Listen(listened_at=later(), **SONG, **extra))
        for _ in range(count):
            seconds["bare"].append(_timed(lambda: _insert(connection, known.track_id, later())))
            for name, extra in LINES.items():
                listen = Listen(listened_at=later(), **SONG, **extra)
                seconds[name].append(_timed(lambda one=listen: _check(submit_listen(live, one).outcome)))  # type: ignore[misc]
    return seconds


def _insert(connection: dbapi.Connection, track: int | None, moment: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, (track, int(moment.timestamp()), "bench", 1))


def _check(outcome: str) -> None:
    if outcome != "inserted":
        raise SystemExit(f"a live listen was {outcome}")


def _timed(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    """Run the measurement given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.submitting", description="Live listens, bare INSERTs.")
    parser.add_argument("uri")
    parser.add_argument("home")
    parser.add_argument("start", type=int)
    parser.add_argument("count", type=int)
    args = parser.parse_args()
    print(json.dumps(measure(args.uri, args.home, args.start, args.count)))


if __name__ == "__main__":
    main()
