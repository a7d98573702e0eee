"""A fake of all services: an HTTP server on loopback that answers, stalls, redirects, breaks, and counts requests."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as the server received it."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """A reply to send. ``stalls``: the head is sent, the body never is. ``drips``: the head or the body never ends."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    stalls: bool = False
    drips: Literal["", "head", "body"] = ""


def ok(value: Any) -> Reply:  # noqa: ANN401 (any JSON value)
    """Return a reply with ``value`` as JSON."""
    return Reply(body=json.dumps(value).encode())


MISSING = Reply(404, b'{"error": "Not Found"}')


class FakeService:
    """The running server: ``respond`` makes its replies."""

    def __init__(self, respond: Callable[[ReceivedRequest], Reply]) -> None:
        self.respond = respond
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.requests: list[ReceivedRequest] = []
        self.moments: list[float] = []
        self._changing = threading.Condition()
        self._holds_from: int | None = None
        self._held = 0
        self._opened = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def hold_from(self, number: int) -> None:
        """Leave every request from the ``number``-th on without a reply, until ``let_go``."""
        self._opened.clear()
        with self._changing:
            self._holds_from, self._held = number, 0

    def wait_until_held(self, requests: int) -> None:
        """Block until this many requests are held at the same time."""
        with self._changing:
            assert self._changing.wait_for(lambda: self._held >= requests, timeout=60)

    def let_go(self) -> None:
        """Close the connections of held requests, and reply to new ones again."""
        with self._changing:
            self._holds_from = None
        self._opened.set()

    def close(self) -> None:
        """Stop the server."""
        self.let_go()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _count(self, request: ReceivedRequest, key: str) -> bool:
        """Count a request and return whether to hold it."""
        with self._changing:
            self.asked[key] += 1
            self.requests.append(request)
            self.moments.append(time.monotonic())
            is_held = self._holds_from is not None and self.asked.total() >= self._holds_from
            self._held += is_held
            self._changing.notify_all()
            return is_held

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                request = ReceivedRequest(self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers))
                key = f"{self.command} {self.path}"
                if server._count(request, key):
                    server._opened.wait()
                    self.close_connection = True
                    return
                self._send(server.respond(request))
                with server._changing:
                    server.answered[key] += 1

            do_HEAD = do_GET  # noqa: N815

            def _send(self, reply: Reply) -> None:
                body = b"" if self.command == "HEAD" else reply.body
                head = {"Content-Length": str(len(body)), **reply.headers}
                lines = [
                    f"HTTP/1.1 {reply.status} Reason",
                    *(f"{name}: {value}" for name, value in head.items()),
                    "",
                    "",
                ]
                text = "\r\n".join(lines).encode()
                self.wfile.write(text.removesuffix(b"\r\n\r\n") + b"\r\nX-Drip: " if reply.drips == "head" else text)
                if reply.drips:
                    self._drip()
                elif reply.stalls:
                    server._opened.wait()
                    self.close_connection = True
                else:
                    self.wfile.write(body)

            def _drip(self) -> None:
                """Send a byte now and then until the other side has gone."""
                self.close_connection = True
                with suppress(OSError):
                    while not server._opened.wait(0.02):
                        self.wfile.write(b" ")

            def log_message(self, *_args: object) -> None:
                """Log nothing."""

        return Handler


@contextmanager
def serving(respond: Callable[[ReceivedRequest], Reply]) -> Iterator[FakeService]:
    """Run a server that replies with what ``respond`` returns."""
    server = FakeService(respond)
    server._http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed client is not an error
    try:
        yield server
    finally:
        server.close()
