"""A question is asked once: the cache answers afterwards, and those who ask at the same time wait for one answer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from etl.backfill.http.cache import Cache
from etl.backfill.http.service import DAY, FOUND_DAYS, Asker
from etl.backfill.services import musicbrainz
from etl.backfill.services.request import FailedError, Service
from tests.backfill.server import MISSING, Reply, ok
from tests.backfill.world import mbid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from etl.backfill.http.client import Client
    from tests.backfill.server import Request, Server

LENGTH = musicbrainz.length_of_recording(mbid(1))
NAMES = musicbrainz.artist_names(mbid(1))


def asker(path: Path, server: Server, client: Client, missing_days: int = 30) -> tuple[Asker, Cache]:
    cache = Cache(path / "answers.sqlite")
    return Asker(client, cache, dict.fromkeys(Service, server.url), missing_days), cache


def test_many_who_ask_at_once_share_one_request(
    tmp_path: Path, services: Server, new_client: Callable[[], Client]
) -> None:
    everyone = threading.Barrier(8)

    services.respond = lambda _: ok({"id": mbid(1), "length": 5_000})
    ask, cache = asker(tmp_path, services, new_client())

    def at_once(_: int) -> int:
        everyone.wait()
        return ask(LENGTH)

    with closing(cache), ThreadPoolExecutor(8) as threads:
        assert list(threads.map(at_once, range(8))) == [5_000] * 8
    assert (services.asked.total(), ask.asked.total(), ask.cached.total()) == (1, 1, 7)


def test_other_questions_do_not_wait_for_a_slow_one(
    tmp_path: Path, services: Server, new_client: Callable[[], Client]
) -> None:
    others = threading.Event()

    def respond(request: Request) -> Reply:
        if "recording" in request.path:
            assert others.wait(60)
        return MISSING

    services.respond = respond
    ask, cache = asker(tmp_path, services, new_client())
    with closing(cache), ThreadPoolExecutor(1) as threads:
        slow = threads.submit(ask, LENGTH)
        for number in range(100):
            ask(musicbrainz.artist_names(mbid(number)))
        others.set()
        assert slow.result() == 0


def test_what_was_found_is_believed_longer_than_what_was_not(
    tmp_path: Path, services: Server, new_client: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    services.respond = lambda request: ok({"id": mbid(1), "length": 5_000}) if "recording" in request.path else MISSING
    ask, cache = asker(tmp_path, services, new_client())
    begun, passed, asked = time.time(), [0.0], []
    monkeypatch.setattr(time, "time", lambda: begun + passed[-1] * DAY)
    with closing(cache):
        for days in (0.0, 29.0, 31.0, 32.0, FOUND_DAYS + 1.0):
            passed.append(days)
            assert (ask(LENGTH), ask(NAMES)) == (5_000, [])
            asked.append(services.asked.total())
    assert asked == [2, 2, 3, 3, 5]


def test_failures_are_not_kept(tmp_path: Path, services: Server, new_client: Callable[[], Client]) -> None:
    services.respond = lambda _: ok([])
    ask, cache = asker(tmp_path, services, new_client())
    with closing(cache):
        with pytest.raises(FailedError):
            ask(LENGTH)
        services.respond = lambda _: ok({"id": mbid(1), "length": 5_000})
        assert ask(LENGTH) == 5_000


def test_answers_of_one_server_are_not_those_of_another(
    tmp_path: Path, services: Server, new_client: Callable[[], Client]
) -> None:
    ask, cache = asker(tmp_path, services, new_client())
    with closing(cache):
        ask(LENGTH)
    elsewhere = dict.fromkeys(Service, services.url.replace("127.0.0.1", "localhost"))
    with closing(Cache(tmp_path / "answers.sqlite")) as cache:
        Asker(new_client(), cache, elsewhere, 30)(LENGTH)
    assert services.asked.total() == 2
