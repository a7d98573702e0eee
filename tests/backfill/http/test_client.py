"""How the client copes with redirects, stalls, refusals, busy services and invalid responses."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import pytest

from etl.backfill.http.client import HttpClient
from etl.backfill.http.connections import RequestLimits
from etl.backfill.http.offline import OfflineError
from etl.backfill.http.rate_limit import LONGEST_PAUSE
from etl.backfill.http.retry import ATTEMPTS
from etl.backfill.services import coverart, deezer, musicbrainz
from etl.backfill.services.request import RequestFailedError, ServiceGivenUpError, StoppedError
from etl.core.errors import ExitCode
from tests.backfill.replies import in_turn
from tests.backfill.server import MISSING, Reply, ok, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.backfill.conftest import RecordingRateLimiter
    from tests.backfill.server import FakeService

MBID = "aaaaaaaa-0000-4000-8000-000000000000"
LENGTH = musicbrainz.length_of_recording(MBID)
ANSWER = ok({"id": MBID, "length": 201_000, "title": "unused"})


def test_headers_and_parameters_of_a_request(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.respond = lambda _: ANSWER
    assert new_client().send(LENGTH, services.url) == 201_000
    (request,) = services.requests
    assert request.headers["User-Agent"] == "etl/test ( me@example.org )"
    assert request.headers["Accept"] == "application/json"
    assert (request.path, request.params) == (f"/ws/2/recording/{MBID}", {"fmt": "json"})


def test_404_is_an_answer(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    client = new_client()
    assert client.send(LENGTH, services.url) == 0
    assert client.send(musicbrainz.artist_names(MBID), services.url) == []
    assert client.send(coverart.front_cover("release", MBID), services.url) is False
    assert services.asked.total() == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_service_gets_the_pause_it_asks_for(
    services: FakeService, new_client: Callable[[], HttpClient], rate_limiter: RecordingRateLimiter, status: int
) -> None:
    services.respond = in_turn(Reply(status, headers={"Retry-After": "7"}), ANSWER)
    client = new_client()
    assert client.send(LENGTH, services.url) == 201_000
    assert (rate_limiter.pauses, client.repeated, services.asked.total()) == ([7.0], 1, 2)


def test_busy_service_is_retried_after_longer_and_longer_pauses(
    services: FakeService, new_client: Callable[[], HttpClient], rate_limiter: RecordingRateLimiter
) -> None:
    services.respond = lambda _: Reply(503)
    with pytest.raises(RequestFailedError, match="status 503"):
        new_client().send(LENGTH, services.url)
    assert services.asked.total() == ATTEMPTS
    assert rate_limiter.pauses == sorted(rate_limiter.pauses)
    assert len(rate_limiter.pauses) == ATTEMPTS - 1


def test_service_that_wants_a_pause_of_hours_is_given_up(
    services: FakeService, new_client: Callable[[], HttpClient]
) -> None:
    services.respond = lambda _: Reply(429, headers={"Retry-After": str(int(LONGEST_PAUSE) + 1)})
    client = new_client()
    for _ in range(3):
        with pytest.raises(ServiceGivenUpError):
            client.send(LENGTH, services.url)
    assert services.asked.total() == 1


def test_service_that_keeps_failing_is_given_up(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.respond = lambda _: Reply(403)
    client = new_client()
    for _ in range(5):
        with pytest.raises(RequestFailedError, match="status 403"):
            client.send(LENGTH, services.url)
    with pytest.raises(ServiceGivenUpError):
        client.send(LENGTH, services.url)
    assert services.asked.total() == 5


def test_answer_between_failures_keeps_a_service(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.respond = in_turn(*[Reply(400)] * 4, ANSWER, *[Reply(400)] * 4, ANSWER)
    client, failed = new_client(), 0
    for _ in range(10):
        try:
            client.send(LENGTH, services.url)
        except RequestFailedError:
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
def test_invalid_response_fails_only_this_request(
    services: FakeService, new_client: Callable[[], HttpClient], reply: Reply
) -> None:
    client = new_client()
    services.respond = lambda _: reply
    with pytest.raises(RequestFailedError):
        client.send(LENGTH, services.url)
    services.respond = lambda _: ANSWER
    assert client.send(LENGTH, services.url) == 201_000


def test_huge_body_is_not_read_to_its_end(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.respond = lambda _: Reply(body=b" " * 200_000)
    with pytest.raises(RequestFailedError, match="more than 100,000 bytes"):
        new_client().send(LENGTH, services.url)


def test_stalling_service_is_retried_after_the_time_out(
    services: FakeService, new_client: Callable[[], HttpClient]
) -> None:
    services.respond = in_turn(Reply(headers={"Content-Length": "9"}, stalls=True), ANSWER)
    assert new_client().send(LENGTH, services.url) == 201_000


def test_absent_host_is_a_failure(new_client: Callable[[], HttpClient]) -> None:
    with serving(lambda _: MISSING) as gone:
        pass
    with pytest.raises(RequestFailedError, match=r"127\.0\.0\.1"):
        new_client().send(LENGTH, gone.url)


def test_redirects_are_followed_but_not_for_ever(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    moved = Reply(301, headers={"Location": f"/moved/{MBID}?fmt=json"})
    services.respond = lambda request: ANSWER if request.path.startswith("/moved") else moved
    client = new_client()
    assert client.send(LENGTH, services.url) == 201_000
    services.respond = lambda _: Reply(302, headers={"Location": "/again"})
    with pytest.raises(RequestFailedError, match="redirects too many times"):
        client.send(LENGTH, services.url)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://a:port/", "mailto:me@example.org"])
def test_redirect_to_another_protocol_is_not_followed(
    services: FakeService, new_client: Callable[[], HttpClient], target: str
) -> None:
    services.respond = lambda _: Reply(302, headers={"Location": target})
    with pytest.raises(RequestFailedError, match=r"redirects to an address|Invalid URL"):
        new_client().send(LENGTH, services.url)


def test_redirect_to_another_host_is_not_followed(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    """The User-Agent of every request has the contact, which only the service may see."""
    with serving(lambda _: ANSWER) as elsewhere:
        moved = elsewhere.url.replace("127.0.0.1", "localhost")
        services.respond = lambda _: Reply(302, headers={"Location": f"{moved}/ws/2/recording/{MBID}"})
        with pytest.raises(RequestFailedError, match="redirects to another host, localhost"):
            new_client().send(LENGTH, services.url)
        assert elsewhere.asked.total() == 0


def test_redirect_to_the_image_host_proves_a_cover(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.respond = in_turn(
        Reply(308, headers={"Location": f"{services.url}/secure"}),
        Reply(307, headers={"Location": "https://ia800.us.archive.org/image.jpg"}),
    )
    assert new_client().send(coverart.front_cover("release", MBID), services.url) is True
    assert [request.method for request in services.requests] == ["HEAD", "HEAD"]


def test_redirect_to_a_log_in_page_proves_no_cover(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.respond = lambda _: Reply(302, headers={"Location": "http://wifi.example/notarchive.org"})
    with pytest.raises(RequestFailedError, match=r"redirects to another host, wifi\.example"):
        new_client().send(coverart.front_cover("release", MBID), services.url)


@pytest.mark.parametrize("drips", ["head", "body"])
def test_server_that_drips_is_left_in_time(
    services: FakeService, rate_limiter: RecordingRateLimiter, drips: Literal["head", "body"]
) -> None:
    """Each byte arrives in time, but all of them never do: only a limit on the whole request ends it."""
    limits = RequestLimits(read=60.0, total=0.2, backoff=0.001)
    client = HttpClient("etl", rate_limiter, lambda _: 1000.0, threading.Event(), limits)
    services.respond = lambda _: Reply(headers={"Content-Length": "1000000"}, drips=drips)
    with pytest.raises(RequestFailedError, match="no complete response in time"):
        client.send(LENGTH, services.url)
    assert services.asked.total() == ATTEMPTS
    services.respond = lambda _: ANSWER
    assert client.send(LENGTH, services.url) == 201_000
    client.close()


def test_closing_the_client_ends_open_requests(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    services.hold_from(1)
    client = new_client()
    with ThreadPoolExecutor(1) as executor:
        sending = executor.submit(client.send, LENGTH, services.url)
        services.wait_until_held(1)
        client._stop.set()
        client.close()
        with pytest.raises(StoppedError):
            sending.result()


def test_name_that_is_not_resolved_ends_everything_at_once(
    new_client: Callable[[], HttpClient], rate_limiter: RecordingRateLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    client = new_client()
    with pytest.raises(OfflineError, match=r"musicbrainz\.invalid cannot be reached") as raised:
        client.send(LENGTH, "http://musicbrainz.invalid")
    assert raised.value.exit_code == ExitCode.DATABASE
    assert (client.requests.total(), rate_limiter.pauses) == (1, [])


def test_deezer_error_codes(services: FakeService, new_client: Callable[[], HttpClient]) -> None:
    def error(code: int) -> Reply:
        return ok({"error": {"type": "Exception", "message": "reason", "code": code}})

    client, request = new_client(), deezer.artist_pictures("Ann")
    services.respond = in_turn(error(4), error(700), ok({"data": [{"name": "Ann", "picture_xl": "https://x/a.jpg"}]}))
    assert [one.url for one in client.send(request, services.url)] == ["https://x/a.jpg"]
    services.respond = lambda _: error(800)
    assert client.send(request, services.url) == []
    services.respond = lambda _: error(600)
    with pytest.raises(RequestFailedError, match="reason"):
        client.send(request, services.url)


def test_stop_ends_the_wait_for_the_rate(services: FakeService, rate_limiter: RecordingRateLimiter) -> None:
    stop = threading.Event()
    rate_limiter.acquire = lambda *_: 60.0  # type: ignore[method-assign]
    client = HttpClient("etl", rate_limiter, lambda _: 1.0, stop)
    with ThreadPoolExecutor(1) as executor:
        sending = executor.submit(client.send, LENGTH, services.url)
        stop.set()
        with pytest.raises(StoppedError):
            sending.result()
    assert services.asked.total() == 0
