"""Sends requests over HTTP: at each host's rate, with time-outs and retries, and with a limit on what is read."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import httpx
import msgspec

from etl.backfill.http.connections import HttpConnection, RequestLimits, ThreadConnections
from etl.backfill.http.offline import OfflineError, is_offline
from etl.backfill.http.rate_limit import LONGEST_PAUSE
from etl.backfill.http.redirects import redirect_target
from etl.backfill.http.retry import ATTEMPTS, RETRIED_STATUSES, backoff, retry_after
from etl.backfill.services.request import (
    RequestFailedError,
    Response,
    ServiceBusyError,
    ServiceGivenUpError,
    StoppedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.backfill.http.rate_limit import RateLimiter
    from etl.backfill.services.request import Request

T = TypeVar("T")

logger = logging.getLogger(__name__)

_MAX_HOPS = 4  # requests for one answer, redirects included
_MAX_FAILURES = 5  # requests in a row without a usable response, after which a host is given up
_MARGIN = 1.02  # a request that is delayed on its way arrives closer to the next one
_ACCEPTED_STATUSES = frozenset({200, 404})
_KEPT_HEADERS = ("Location", "Retry-After")


class HttpClient:
    """Sends requests to any host. Safe to use from several threads, which together hold each host's rate."""

    def __init__(
        self,
        agent: str,
        rate_limiter: RateLimiter,
        rate: Callable[[str], float],
        stop: threading.Event,
        limits: RequestLimits | None = None,
    ) -> None:
        """``rate``: requests a second for a host; ``stop``, once set, ends every wait with ``StoppedError``."""
        self._agent = agent
        self._rate_limiter = rate_limiter
        self._rate = rate
        self._stop = stop
        self._limits = limits or RequestLimits()
        self._connections = ThreadConnections()
        self._opened: list[HttpConnection] = []
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        """Requests sent, by host."""
        self.repeated = 0
        """How many of all requests were retries."""

    def send(self, request: Request[T], base_url: str) -> T:
        """Send ``request`` to the service at ``base_url`` and return the answer.

        Raises ``RequestFailedError``, ``ServiceGivenUpError`` if the host gets no more requests, ``StoppedError``, or
        ``OfflineError``.
        """
        url = httpx.URL(f"{base_url}{request.path}", params=dict(request.params) or None)
        host = _host(url)
        if self._failures[host] >= _MAX_FAILURES:
            raise ServiceGivenUpError(f"{url.host} gave no usable response to {_MAX_FAILURES} requests in a row")
        try:
            answer = self._send_with_retries(request, url)
        except RequestFailedError as error:
            with self._lock:
                self._failures[host] += _MAX_FAILURES if isinstance(error, ServiceGivenUpError) else 1
            raise
        self._failures[host] = 0
        return answer

    def close(self) -> None:
        """Close all connections, and so end the requests of all threads."""
        with self._lock:
            for connection in self._opened:
                connection.close()

    def _send_with_retries(self, request: Request[T], url: httpx.URL) -> T:
        """Return the answer; give up when the attempts are used up or the host asks for too long a pause."""
        attempt = 1
        while True:
            try:
                return request.parse(self._follow_redirects(request, url))
            except ServiceBusyError as error:
                if (error.pause or 0.0) > LONGEST_PAUSE:
                    raise ServiceGivenUpError(f"{error} and asks for a pause of {error.pause:.0f} s") from error
                if attempt == ATTEMPTS:
                    raise
                wait = backoff(attempt, self._limits.backoff, error.pause, random.random())  # noqa: S311
                self._rate_limiter.postpone(_host(url), wait)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise RequestFailedError(f"{url.host}: the response is not as documented: {error}") from error
            attempt += 1
            with self._lock:
                self.repeated += 1

    def _follow_redirects(self, request: Request[T], url: httpx.URL) -> Response:
        """Return the last response; a redirect that answers the request is not followed."""
        for _ in range(_MAX_HOPS):
            response = self._send_once(request.method, url)
            if not response.has_redirect_location:
                return _checked(response, url)
            target = redirect_target(url, response.headers["Location"], request.answering_hosts)
            if target is None:
                return Response(200)
            url = target
        raise RequestFailedError(f"{url.host} redirects too many times")

    def _send_once(self, method: str, url: httpx.URL) -> httpx.Response:
        """Send one request when the rate allows it, and return the response with its whole body."""
        self._wait_for_rate(_host(url))
        connection = self._connection(url)
        with self._lock:
            self.requests[url.host] += 1
        started = time.monotonic()
        try:
            with connection.stream(method, url) as response:
                body = self._read(response, url.host)
        except httpx.HTTPError as error:
            if self._stop.is_set():
                raise StoppedError from error
            if is_offline(error):
                raise OfflineError(url.host, _reason(error)) from error
            reason = "no complete response in time" if connection.is_late else _reason(error)
            raise ServiceBusyError(f"{url.host}: {reason}") from error
        except httpx.InvalidURL as error:  # httpx parses the target of a redirect although it does not follow it
            raise RequestFailedError(f"{url.host} redirects to an address that is not valid") from error
        logger.debug("%s %s: %d, %.1f s", method, url, response.status_code, time.monotonic() - started)
        kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return httpx.Response(response.status_code, headers=kept, content=body)

    def _read(self, response: httpx.Response, host: str) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._limits.bytes:
                raise RequestFailedError(f"{host} sends more than {self._limits.bytes:,} bytes")
        return bytes(body)

    def _wait_for_rate(self, host: str) -> None:
        interval = _MARGIN / self._rate(host)
        while not self._stop.is_set():
            wait = self._rate_limiter.acquire(host, interval)
            if not wait:
                return
            self._stop.wait(wait)
        raise StoppedError

    def _connection(self, url: httpx.URL) -> HttpConnection:
        """Return this thread's connection to the host of ``url``."""
        known, host = self._connections.by_host, _host(url)
        if host not in known:
            known[host] = HttpConnection(self._agent, self._limits)
            with self._lock:
                self._opened.append(known[host])
        return known[host]


def _host(url: httpx.URL) -> str:
    """Return the host name, with the port unless it is the default one."""
    return url.netloc.decode("ascii")


def _checked(response: httpx.Response, url: httpx.URL) -> Response:
    """Return ``response`` as ours; raises ``RequestFailedError`` for a status that is not an answer."""
    message = f"{url.host} responds with status {response.status_code}"
    if response.status_code in RETRIED_STATUSES:
        raise ServiceBusyError(message, retry_after(response.headers.get("Retry-After"), datetime.now(UTC)))
    if response.status_code not in _ACCEPTED_STATUSES:
        raise RequestFailedError(message)
    return Response(response.status_code, response.content)


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no response in time"
    return str(error).partition("\n")[0] or type(error).__name__
