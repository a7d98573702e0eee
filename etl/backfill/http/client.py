"""Speaks HTTP: one shared client per host, at the host's rate, with time-outs, pauses and a limit to what is read."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import httpx
import msgspec

from etl.backfill.http.limiter import LONGEST_PAUSE
from etl.backfill.http.retry import ATTEMPTS, RETRIED, pause, retry_after
from etl.backfill.services.request import Answer, BusyError, FailedError, StoppedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.backfill.http.rate_limit import Slots
    from etl.backfill.services.request import Question

T = TypeVar("T")

_HOPS = 4
_GIVE_UP = 5  # questions in a row to which a host gave no answer that could be used
_MARGIN = 1.02  # a request that is late on its way comes nearer to the next one
_ANSWERS = frozenset({200, 404})


@dataclass(frozen=True)
class Patience:
    """What bounds a request; seconds and bytes."""

    connect: float = 10.0
    read: float = 20.0
    total: float = 60.0
    bytes: int = 8_000_000
    backoff: float = 2.0
    """The longest pause before the second attempt."""


class Client:
    """Asks hosts. Safe to use from several threads, which together keep each host's rate."""

    def __init__(
        self,
        agent: str,
        slots: Slots,
        rate: Callable[[str], float],
        stop: threading.Event,
        patience: Patience | None = None,
    ) -> None:
        """``rate``: requests a second for a host; ``stop``, once set, ends every wait with ``StoppedError``."""
        self._agent = agent
        self._slots = slots
        self._rate = rate
        self._stop = stop
        self._patience = patience or Patience()
        self._clients: dict[str, httpx.Client] = {}
        self._changing = threading.Lock()
        self._failures: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        """How often each host was asked."""
        self.repeated = 0
        """How many of all requests were repetitions."""

    def ask(self, question: Question[T], address: str) -> T:
        """Return what ``question``, to the service at the base URL ``address``, finds in its answer.

        Raises ``FailedError``, ``UnreachableError`` for a host that is not asked any more, ``StoppedError``.
        """
        url = httpx.URL(f"{address}{question.path}", params=dict(question.params) or None)
        host = _host(url)
        if self._failures[host] >= _GIVE_UP:
            raise UnreachableError(f"{url.host} gave no useful answer to {_GIVE_UP} questions in a row")
        try:
            value = self._patiently(question, url)
        except FailedError as error:
            with self._changing:
                self._failures[host] += _GIVE_UP if isinstance(error, UnreachableError) else 1
            raise
        self._failures[host] = 0
        return value

    def close(self) -> None:
        """Close the connections."""
        with self._changing:
            for client in self._clients.values():
                client.close()

    def _patiently(self, question: Question[T], url: httpx.URL) -> T:
        """Ask until there is an answer, the attempts are used up, or the host wants a pause that is too long."""
        attempt = 1
        while True:
            try:
                return question.parse(self._follow(question, url))
            except BusyError as error:
                if (error.pause or 0.0) > LONGEST_PAUSE:
                    raise UnreachableError(f"{error} and asks for a pause of {error.pause:.0f} s") from error
                if attempt == ATTEMPTS:
                    raise
                wait = pause(attempt, self._patience.backoff, error.pause, random.random())  # noqa: S311
                self._slots.postpone(_host(url), wait)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise FailedError(f"{url.host}: the answer is not as documented: {error}") from error
            attempt += 1
            with self._changing:
                self.repeated += 1

    def _follow(self, question: Question[T], url: httpx.URL) -> Answer:
        """Return the answer behind all redirects, but for one to another host where that is the answer."""
        for _ in range(_HOPS):
            response = self._once(question.method, url)
            if not response.has_redirect_location:
                break
            target = _target(url, response)
            if question.elsewhere_is_found and _host(target) != _host(url):
                return Answer(200, str(target))
            url = target
        else:
            raise FailedError(f"{url.host} redirects again and again")
        said = f"{url.host} answers with status {response.status_code}"
        if response.status_code in RETRIED:
            raise BusyError(said, retry_after(response.headers.get("Retry-After"), datetime.now(UTC)))
        if response.status_code not in _ANSWERS:
            raise FailedError(said)
        return Answer(response.status_code, str(url), response.content)

    def _once(self, method: str, url: httpx.URL) -> httpx.Response:
        """Send one request at its time and return the response with its body, which is read within bounds."""
        self._wait(_host(url))
        ends_at = time.monotonic() + self._patience.total
        with self._changing:
            self.requests[url.host] += 1
        body = bytearray()
        try:
            with self._client(url).stream(method, url) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > self._patience.bytes:
                        raise FailedError(f"{url.host} sends more than {self._patience.bytes:,} bytes")
                    if time.monotonic() > ends_at:
                        raise BusyError(f"{url.host}: no whole answer in time")
        except httpx.HTTPError as error:
            raise BusyError(f"{url.host}: {_told(error)}") from error
        except httpx.InvalidURL as error:  # httpx looks at the target although it is not to follow it
            raise FailedError(f"{url.host} redirects to an address that is none") from error
        kept = {name: response.headers[name] for name in ("Location", "Retry-After") if name in response.headers}
        return httpx.Response(response.status_code, headers=kept, content=bytes(body))

    def _wait(self, host: str) -> None:
        interval = _MARGIN / self._rate(host)
        while not self._stop.is_set():
            wait = self._slots.take(host, interval)
            if not wait:
                return
            self._stop.wait(wait)
        raise StoppedError

    def _client(self, url: httpx.URL) -> httpx.Client:
        with self._changing:
            client = self._clients.get(_host(url))
            if client is None:
                timeout = httpx.Timeout(self._patience.read, connect=self._patience.connect)
                headers = {"User-Agent": self._agent, "Accept": "application/json"}
                client = self._clients[_host(url)] = httpx.Client(timeout=timeout, headers=headers)
            return client


def _host(url: httpx.URL) -> str:
    """Return what tells hosts apart: the name, and the port if it is none of the usual."""
    return url.netloc.decode("ascii")


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    target = url.join(response.headers["Location"])
    if target.scheme not in ("http", "https") or not target.host:
        raise FailedError(f"{url.host} redirects to an address that is no web page's")
    return target


def _told(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error).partition("\n")[0] or type(error).__name__
