"""Years of listening in three services: about as many listens are stored as plays were heard, in whatever order."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.dedupe.listener import Database, Play, Row, Track, extended, lastfm, listenbrainz, old_extended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.slow

SERVICES = ("spotify", "lastfm", "listenbrainz")
BEGAN = 1_600_000_000
PLAYS = 2_000


def heard(seed: int, *, paused: float, lone: float, repeated: float) -> list[Play]:
    """Return what one person heard; the arguments are the numbers of paused, repeated and singly recorded plays."""
    random = Random(seed)
    tracks = [Track(f"Artist {n % 60}", f"Title {n}", f"Album {n % 90}", random.randint(120, 300)) for n in range(400)]
    plays: list[Play] = []
    now, track = BEGAN, tracks[0]
    for number in range(1, PLAYS + 1):
        if random.random() > repeated:
            track = random.choice(tracks)
        now += random.choice([0, 0, 0, random.randint(8, 30), random.randint(300, 20_000)])
        played = track.length if random.random() < 0.9 else random.randint(track.length // 2 + 5, track.length)
        pause = random.randint(20, 2400) if random.random() < paused else 0
        seen = {random.choice(SERVICES)} if random.random() < lone else set(SERVICES)
        late = tuple(random.randint(0, 5) for _ in range(5))
        plays.append(Play(number, track, now, now + played + pause, played, frozenset(seen), late))
        now = plays[-1].end
    return plays


def rows(plays: Sequence[Play], recorder: Callable[[Play], Row], service: str) -> list[Row]:
    return [recorder(play) for play in plays if service in play.seen]


@cache
def three_services() -> dict[str, list[Row]]:
    """Return the exports of a history where a tenth is in one service alone, and a sixth on repeat."""
    plays = heard(1, paused=0, lone=0.1, repeated=1 / 6)
    recorders = {"spotify": extended, "lastfm": lastfm, "listenbrainz": listenbrainz}
    return {service: rows(plays, recorders[service], service) for service in SERVICES}


@cache
def paused_plays() -> dict[str, list[Row]]:
    """Return Spotify's and Last.fm's exports: a sixth was paused, half has no recorded start, 3 % is not scrobbled."""
    random = Random(2)
    plays = heard(2, paused=1 / 6, lone=0, repeated=1 / 20)
    starts = [extended(play) if play.number % 2 else old_extended(play) for play in plays]
    return {"spotify": starts, "lastfm": [lastfm(play) for play in plays if random.random() > 0.03]}


def stored(exports: dict[str, list[Row]], order: Sequence[str], *, at_once: bool) -> Database:
    """Return the database after the exports were loaded in this order."""
    database = Database()
    runs = [[row for name in order for row in exports[name]]] if at_once else [exports[name] for name in order]
    for run in runs:
        database.load(run)
    return database


@pytest.mark.parametrize("at_once", [True, False], ids=["at_once", "apart"])
@pytest.mark.parametrize("order", list(permutations(SERVICES)), ids="-".join)
def test_three_services_store_as_many_as_were_heard(order: tuple[str, ...], *, at_once: bool) -> None:
    exports = three_services()
    database = stored(exports, order, at_once=at_once)
    assert abs(len(database.listens) - PLAYS) <= 0.002 * PLAYS
    everything = [row for name in SERVICES for row in exports[name]]
    assert database.load(everything)[1] <= 0.001 * PLAYS
    assert database.load(everything)[1] == 0


@pytest.mark.parametrize("at_once", [True, False], ids=["at_once", "apart"])
@pytest.mark.parametrize("order", list(permutations(("spotify", "lastfm"))), ids="-".join)
def test_paused_plays_and_missing_scrobbles_cost_little(order: tuple[str, ...], *, at_once: bool) -> None:
    count = len(stored(paused_plays(), order, at_once=at_once).listens)
    assert 0.998 * PLAYS <= count <= 1.01 * PLAYS
