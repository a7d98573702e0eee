"""What a service may do to us: redirect, stall, refuse, be busy, and send what is no answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from etl.backfill.http.client import Client
from etl.backfill.http.limiter import LONGEST_PAUSE
from etl.backfill.http.retry import ATTEMPTS, pause, retry_after
from etl.backfill.services import coverart, deezer, musicbrainz
from etl.backfill.services.request import FailedError, StoppedError, UnreachableError
from tests.backfill.server import MISSING, Reply, Request, ok, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.backfill.conftest import Recorded
    from tests.backfill.server import Server

MBID = "aaaaaaaa-0000-4000-8000-000000000000"
LENGTH = musicbrainz.length_of_recording(MBID)
ANSWER = ok({"id": MBID, "length": 201_000, "title": "unused"})


def in_turn(*replies: Reply) -> Callable[[Request], Reply]:
    """Return what answers with one after the other, and with the last one ever after."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_who_asks_says_who_they_are_and_wants_json(services: Server, new_client: Callable[[], Client]) -> None:
    services.respond = lambda _: ANSWER
    assert new_client().ask(LENGTH, services.url) == 201_000
    (request,) = services.requests
    assert request.headers["User-Agent"] == "etl/test ( me@example.org )"
    assert request.headers["Accept"] == "application/json"
    assert (request.path, request.params) == (f"/ws/2/recording/{MBID}", {"fmt": "json"})


def test_what_is_missing_is_an_answer(services: Server, new_client: Callable[[], Client]) -> None:
    client = new_client()
    assert client.ask(LENGTH, services.url) == 0
    assert client.ask(musicbrainz.artist_names(MBID), services.url) == []
    assert client.ask(coverart.front("release", MBID), services.url) is False
    assert services.asked.total() == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_gets_the_pause_that_it_asks_for(
    services: Server, new_client: Callable[[], Client], slots: Recorded, status: int
) -> None:
    services.respond = in_turn(Reply(status, headers={"Retry-After": "7"}), ANSWER)
    client = new_client()
    assert client.ask(LENGTH, services.url) == 201_000
    assert (slots.pauses, client.repeated, services.asked.total()) == ([7.0], 1, 2)


def test_a_service_that_stays_busy_is_left_alone_after_some_attempts_each_after_a_longer_pause(
    services: Server, new_client: Callable[[], Client], slots: Recorded
) -> None:
    services.respond = lambda _: Reply(503)
    with pytest.raises(FailedError, match="status 503"):
        new_client().ask(LENGTH, services.url)
    assert services.asked.total() == ATTEMPTS
    assert slots.pauses == sorted(slots.pauses)
    assert len(slots.pauses) == ATTEMPTS - 1


def test_one_that_wants_a_rest_of_hours_is_not_asked_again(services: Server, new_client: Callable[[], Client]) -> None:
    services.respond = lambda _: Reply(429, headers={"Retry-After": str(int(LONGEST_PAUSE) + 1)})
    client = new_client()
    for _ in range(3):
        with pytest.raises(UnreachableError):
            client.ask(LENGTH, services.url)
    assert services.asked.total() == 1


def test_one_that_fails_again_and_again_is_given_up(services: Server, new_client: Callable[[], Client]) -> None:
    services.respond = lambda _: Reply(403)
    client = new_client()
    for _ in range(5):
        with pytest.raises(FailedError, match="status 403"):
            client.ask(LENGTH, services.url)
    with pytest.raises(UnreachableError):
        client.ask(LENGTH, services.url)
    assert services.asked.total() == 5


def test_a_good_answer_between_failures_keeps_a_service(services: Server, new_client: Callable[[], Client]) -> None:
    services.respond = in_turn(*[Reply(400)] * 4, ANSWER, *[Reply(400)] * 4, ANSWER)
    client, failed = new_client(), 0
    for _ in range(10):
        try:
            client.ask(LENGTH, services.url)
        except FailedError:
            failed += 1
    assert (failed, services.asked.total()) == (8, 10)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>not what you wanted</html>"),
        Reply(body=b'{"id": "aaaaaaaa-0000-4000-8000-000000000000", "len'),
        Reply(body=b""),
        ok([]),
        ok({"id": MBID, "length": {"ms": 3}}),
        ok({"id": "1; DROP TABLE artists", "length": 3}),
        ok({"length": 3}),
        Reply(body=b'{"id": "\xff\xfe"}'),
        Reply(body=b"\x1f\x8bno", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_what_is_no_answer_is_a_failure_of_this_question_alone(
    services: Server, new_client: Callable[[], Client], reply: Reply
) -> None:
    client = new_client()
    services.respond = lambda _: reply
    with pytest.raises(FailedError):
        client.ask(LENGTH, services.url)
    services.respond = lambda _: ANSWER
    assert client.ask(LENGTH, services.url) == 201_000


def test_an_answer_without_end_is_not_read_to_its_end(services: Server, new_client: Callable[[], Client]) -> None:
    services.respond = lambda _: Reply(body=b" " * 200_000)
    with pytest.raises(FailedError, match="more than 100,000 bytes"):
        new_client().ask(LENGTH, services.url)


def test_a_service_that_stalls_costs_no_more_than_the_time_out(
    services: Server, new_client: Callable[[], Client]
) -> None:
    services.respond = in_turn(Reply(headers={"Content-Length": "9"}, stalls=True), ANSWER)
    assert new_client().ask(LENGTH, services.url) == 201_000


def test_a_host_that_is_not_there_is_a_failure(new_client: Callable[[], Client]) -> None:
    with serving(lambda _: MISSING) as gone:
        pass
    with pytest.raises(FailedError, match=r"127\.0\.0\.1"):
        new_client().ask(LENGTH, gone.url)


def test_redirects_are_followed_but_not_for_ever(services: Server, new_client: Callable[[], Client]) -> None:
    moved = Reply(301, headers={"Location": f"/moved/{MBID}?fmt=json"})
    services.respond = lambda request: ANSWER if request.path.startswith("/moved") else moved
    client = new_client()
    assert client.ask(LENGTH, services.url) == 201_000
    services.respond = lambda _: Reply(302, headers={"Location": "/again"})
    with pytest.raises(FailedError, match="redirects again and again"):
        client.ask(LENGTH, services.url)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://a:port/", "mailto:me@example.org"])
def test_a_redirect_to_no_web_page_is_not_followed(
    services: Server, new_client: Callable[[], Client], target: str
) -> None:
    services.respond = lambda _: Reply(302, headers={"Location": target})
    with pytest.raises(FailedError, match=r"redirects to an address|Invalid URL"):
        new_client().ask(LENGTH, services.url)


def test_a_cover_is_there_if_the_archive_redirects_to_it_and_the_image_is_not_fetched(
    services: Server, new_client: Callable[[], Client]
) -> None:
    with serving(lambda _: Reply(body=b"image")) as elsewhere:
        services.respond = in_turn(
            Reply(308, headers={"Location": f"{services.url}/secure"}),
            Reply(307, headers={"Location": f"{elsewhere.url}/image.jpg"}),
        )
        assert new_client().ask(coverart.front("release", MBID), services.url) is True
    assert [request.method for request in services.requests] == ["HEAD", "HEAD"]
    assert elsewhere.asked.total() == 0


def test_deezers_own_errors_are_told_apart(services: Server, new_client: Callable[[], Client]) -> None:
    def error(code: int) -> Reply:
        return ok({"error": {"type": "Exception", "message": "told", "code": code}})

    client, question = new_client(), deezer.artist_pictures("Ann")
    services.respond = in_turn(error(4), error(700), ok({"data": [{"name": "Ann", "picture_xl": "https://x/a.jpg"}]}))
    assert [one.url for one in client.ask(question, services.url)] == ["https://x/a.jpg"]
    services.respond = lambda _: error(800)
    assert client.ask(question, services.url) == []
    services.respond = lambda _: error(600)
    with pytest.raises(FailedError, match="told"):
        client.ask(question, services.url)


def test_who_waits_for_a_slot_is_woken_by_the_end_of_the_run(services: Server, slots: Recorded) -> None:
    stop = threading.Event()
    slots.take = lambda *_: 60.0  # type: ignore[method-assign]
    client = Client("etl", slots, lambda _: 1.0, stop)
    with ThreadPoolExecutor(1) as asker:
        asking = asker.submit(client.ask, LENGTH, services.url)
        stop.set()
        with pytest.raises(StoppedError):
            asking.result()
    assert services.asked.total() == 0


def test_retry_after_is_a_number_or_a_date() -> None:
    now = datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert retry_after("120", now) == 120.0
    assert retry_after(format_datetime(now + timedelta(seconds=90), usegmt=True), now) == 90.0
    assert retry_after(format_datetime(now - timedelta(seconds=90), usegmt=True), now) == 0.0
    assert [retry_after(text, now) for text in (None, "", "soon", "-5", "٣")] == [None] * 5


def test_pauses_double_within_bounds_and_half_of_each_is_chance() -> None:
    assert [pause(attempt, 2.0, None, 1.0) for attempt in (1, 2, 3, 9)] == [2.0, 4.0, 8.0, 60.0]
    assert [pause(attempt, 2.0, None, 0.0) for attempt in (1, 2, 3, 9)] == [1.0, 2.0, 4.0, 30.0]
    assert pause(1, 2.0, 45.0, 0.3) == 45.0
