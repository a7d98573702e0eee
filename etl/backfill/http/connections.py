"""Keeps connections to hosts, and ends requests that take too long.

httpx limits each read, but not their sum: a server that sends bytes slowly could delay a request without limit.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONNECTED = (".connect_tcp.complete", ".start_tls.complete")  # of a host, or of a proxy


class RequestLimits(msgspec.Struct, frozen=True):
    """The limits of one request, in seconds and bytes."""

    connect: float = 10.0
    read: float = 20.0
    total: float = 60.0
    """Connecting, and all that is sent and read."""
    bytes: int = 8_000_000
    backoff: float = 2.0
    """The longest wait before the second attempt."""


class HttpConnection:
    """One thread's connection to a host; other threads can end its request at any moment."""

    def __init__(self, agent: str, limits: RequestLimits) -> None:
        headers = {"User-Agent": agent, "Accept": "application/json"}
        self._client = httpx.Client(timeout=httpx.Timeout(limits.read, connect=limits.connect), headers=headers)
        self._seconds = limits.total
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._request: object | None = None
        self.is_late = False
        """Whether the last request took too long and was ended."""

    @contextmanager
    def stream(self, method: str, url: httpx.URL) -> Iterator[httpx.Response]:
        """Send a request and yield the response, whose body is not read yet; raises ``httpx.HTTPError``."""
        request = object()
        with self._lock:
            self._request, self.is_late = request, False
        timer = threading.Timer(self._seconds, self._end, [request])
        timer.daemon = True
        timer.start()
        try:
            with self._client.stream(method, url, extensions={"trace": self._note_socket}) as response:
                yield response
        finally:
            timer.cancel()
            with self._lock:
                self._request = None

    def close(self) -> None:
        """Close the connection; a thread that reads from it gets an error at once."""
        with self._lock:
            self._shut_down()
        self._client.close()

    def _note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(_CONNECTED):
            with self._lock:
                self._sockets = [one for one in self._sockets if one.fileno() >= 0]
                self._sockets.append(info["return_value"].get_extra_info("socket"))
                if self.is_late:
                    self._shut_down()

    def _end(self, request: object) -> None:
        with self._lock:
            if self._request is request:  # the timer may fire as its request ends
                self.is_late = True
                self._shut_down()

    def _shut_down(self) -> None:
        for one in self._sockets:
            with suppress(OSError):  # closed by now
                socket.socket.shutdown(one, socket.SHUT_RDWR)  # SSLSocket's own drops the state that a reader needs


class ThreadConnections(threading.local):
    """Each thread's own connections, by host, so that ending a request affects no other thread."""

    def __init__(self) -> None:
        self.by_host: dict[str, HttpConnection] = {}
