"""A network that fails: passes connections on to a server until a test makes it cut them, or swallow everything."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self


def connect_to(host: str, port: int) -> socket.socket:
    """Return a connection to a server: by TCP, or by the socket in the folder ``host``."""
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


class Proxy:
    """Listens on a port of this machine for the server of ``uri``; ``self.uri`` leads to the same database by it."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        given = dict(parse_qsl(parts.query))
        self._host = given.pop("host", "") or unquote(parts.hostname or "localhost")
        self._port = int(given.pop("port", "") or parts.port or 5432)
        given.setdefault("user", unquote(parts.username or "postgres"))
        if parts.password:
            given.setdefault("password", unquote(parts.password))
        self._listener = socket.create_server(("127.0.0.1", 0))
        address = {"host": "127.0.0.1", "port": self._listener.getsockname()[1], "sslmode": "disable"}
        self.uri = f"postgresql://{parts.path}?{urlencode(given | address)}"
        self.passed = 0
        """Bytes, in both directions."""
        self._limit: tuple[int, Callable[[], None]] | None = None
        self._swallows = self._refuses = False
        self._sockets: list[socket.socket] = []
        self._forgotten: set[socket.socket] = set()
        self._counting = threading.Lock()
        self._passing: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        for thread in (self._accepting, *self._passing):
            thread.join()
        for one in (self._listener, *self._sockets):
            one.close()

    @property
    def was_reached(self) -> bool:
        """Whether anybody has connected."""
        return bool(self._sockets)

    def after(self, number: int, action: Callable[[], None]) -> None:
        """Do ``action`` once ``number`` bytes have passed from now on."""
        self._limit = (self.passed + number, action)

    def cut(self) -> None:
        """End all connections, and those to come."""
        self._refuses = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for one in list(self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def swallow(self) -> None:
        """Accept everything from now on, also new connections, and pass nothing on."""
        self._swallows = True

    def forget(self) -> None:
        """Discard everything on the existing connections; new ones work."""
        self._forgotten = set(self._sockets)

    def _accept(self) -> None:
        while not self._refuses:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            if self._swallows:
                continue  # connected, and never answered
            server = connect_to(self._host, self._port)
            self._sockets.append(server)
            for source, target in ((client, server), (server, client)):
                source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that little passes by itself
                self._passing.append(threading.Thread(target=self._pass_on, args=(source, target), daemon=True))
                self._passing[-1].start()

    def _saw(self, source: socket.socket, data: bytes) -> None:
        """Note what ``source`` sent; subclasses can record it."""

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(512):
                with self._counting:
                    self.passed += len(data)
                    self._saw(source, data)
                    reached = self._limit if self._limit and self.passed >= self._limit[0] else None
                    if reached:
                        self._limit = None
                if reached:
                    reached[1]()
                if not self._swallows and source not in self._forgotten:
                    target.sendall(data)
        if not self._swallows:
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
