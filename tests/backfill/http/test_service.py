"""A request is sent once: the cache answers afterwards, and threads that need it at the same time share it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from etl.backfill.http.cache import Cache
from etl.backfill.http.service import DAY, FOUND_DAYS, CountingFetch, ServiceClient
from etl.backfill.services import musicbrainz
from etl.backfill.services.request import RequestFailedError, Service
from tests.backfill.replies import mbid
from tests.backfill.server import MISSING, Reply, ok

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from etl.backfill.http.client import HttpClient
    from tests.backfill.server import FakeService, ReceivedRequest

LENGTH = musicbrainz.length_of_recording(mbid(1))
NAMES = musicbrainz.artist_names(mbid(1))


def service_client(
    path: Path, server: FakeService, client: HttpClient, missing_days: int = 30
) -> tuple[ServiceClient, Cache]:
    cache = Cache(path / "answers.sqlite")
    return ServiceClient(client, cache, dict.fromkeys(Service, server.url), missing_days), cache


def test_threads_share_one_request(tmp_path: Path, services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    everyone = threading.Barrier(8)

    services.respond = lambda _: ok({"id": mbid(1), "length": 5_000})
    service, cache = service_client(tmp_path, services, new_client())

    def at_once(_: int) -> int:
        everyone.wait()
        return CountingFetch(service)(LENGTH)

    with closing(cache), ThreadPoolExecutor(8) as threads:
        assert list(threads.map(at_once, range(8))) == [5_000] * 8
    assert (services.asked.total(), service.asked.total(), service.cached.total()) == (1, 1, 7)


def test_slow_request_does_not_block_others(
    tmp_path: Path, services: FakeService, new_client: Callable[[], HttpClient]
) -> None:
    others = threading.Event()

    def respond(request: ReceivedRequest) -> Reply:
        if "recording" in request.path:
            assert others.wait(60)
        return MISSING

    services.respond = respond
    service, cache = service_client(tmp_path, services, new_client())
    with closing(cache), ThreadPoolExecutor(1) as threads:
        slow = threads.submit(service.answer, LENGTH)
        for number in range(100):
            service.answer(musicbrainz.artist_names(mbid(number)))
        others.set()
        assert slow.result() == (0, False)


def test_found_answers_are_kept_longer_than_not_found(
    tmp_path: Path, services: FakeService, new_client: Callable[[], HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    services.respond = lambda request: ok({"id": mbid(1), "length": 5_000}) if "recording" in request.path else MISSING
    service, cache = service_client(tmp_path, services, new_client())
    started, passed, sent = time.time(), [0.0], []
    monkeypatch.setattr(time, "time", lambda: started + passed[-1] * DAY)
    with closing(cache):
        for days in (0.0, 29.0, 31.0, 32.0, FOUND_DAYS + 1.0):
            passed.append(days)
            fetch = CountingFetch(service)
            assert (fetch(LENGTH), fetch(NAMES)) == (5_000, [])
            sent.append(fetch.sent)
    assert sent == [2, 0, 1, 0, 2]
    assert services.asked.total() == 5


def test_an_answer_from_a_clock_far_ahead_is_not_believed(
    tmp_path: Path, services: FakeService, new_client: Callable[[], HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    services.respond = lambda _: MISSING
    service, cache = service_client(tmp_path, services, new_client())
    started, now = time.time(), [0.0]
    monkeypatch.setattr(time, "time", lambda: started + now[-1])
    with closing(cache):
        cached = []
        for days in (40.0, 0.0, -1.0):  # the clock is set right, and a little back
            now.append(days * DAY)
            cached.append(service.answer(NAMES)[1])
    assert cached == [False, False, True]


def test_failures_are_not_cached(tmp_path: Path, services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.respond = lambda _: ok([])
    service, cache = service_client(tmp_path, services, new_client())
    with closing(cache):
        with pytest.raises(RequestFailedError):
            service.answer(LENGTH)
        services.respond = lambda _: ok({"id": mbid(1), "length": 5_000})
        assert service.answer(LENGTH) == (5_000, False)


def test_cached_answers_are_per_server(
    tmp_path: Path, services: FakeService, new_client: Callable[[], HttpClient]
) -> None:
    service, cache = service_client(tmp_path, services, new_client())
    with closing(cache):
        service.answer(LENGTH)
    elsewhere = dict.fromkeys(Service, services.url.replace("127.0.0.1", "localhost"))
    with closing(Cache(tmp_path / "answers.sqlite")) as cache:
        ServiceClient(new_client(), cache, elsewhere, 30).answer(LENGTH)
    assert services.asked.total() == 2
