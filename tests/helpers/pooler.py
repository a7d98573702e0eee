"""A connection pooler in transaction mode, like PgBouncer: it may change a client's backend after each transaction.

A client gets the backend that was used last, by any client; the backend still has that client's settings and locks.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.faults.proxy import connect_to

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_ANSWERED = b"QSF"  # messages of a client that the server answers with ReadyForQuery: Query, Sync, FunctionCall
_DONE = (0, 12)  # kinds of Authentication messages that the client does not answer


class _Messages:
    """A socket from which whole messages are read."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self._begun = b""

    def startup(self) -> bytes:
        """Return the first message of a client, without its length."""
        (length,) = struct.unpack("!i", self._exactly(4))
        return self._exactly(length - 4)

    def one(self) -> bytes:
        """Return the next message, with its type and length."""
        head = self._exactly(5)
        return head + self._exactly(struct.unpack("!i", head[1:])[0] - 4)

    @property
    def is_waiting(self) -> bool:
        """Whether a message has arrived."""
        return bool(select.select([self.raw], [], [], 0)[0])

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            part = self.raw.recv(count - len(got))
            if not part:
                raise ConnectionError
            got += part
        return got


class Pooler:
    """Listens on a port of this machine for the database of ``uri``; ``self.uri`` leads to it via the pool."""

    def __init__(self, uri: str, *, passes_options: bool | None) -> None:
        """``passes_options``: whether the ``options`` of a client are passed to the server.

        None: refuse a client that has any, as PgBouncer does unless its ``ignore_startup_parameters`` drops them.
        """
        parts = urlsplit(uri)
        given = dict(parse_qsl(parts.query))
        self._host = given.pop("host", "") or unquote(parts.hostname or "localhost")
        self._port = int(given.pop("port", "") or parts.port or 5432)
        self._passes_options = passes_options
        given.setdefault("user", unquote(parts.username or "postgres"))
        if parts.password:
            given.setdefault("password", unquote(parts.password))
        self._listener = socket.create_server(("127.0.0.1", 0))
        ours = {"port": self._listener.getsockname()[1], "sslmode": "disable", "gssencmode": "disable"}
        self.uri = f"postgresql://{parts.path}?{urlencode(given | {'host': '127.0.0.1'} | ours)}"
        self._free: list[_Messages] = []
        self._changed = threading.Condition()
        self._is_closed = False
        self._sockets: list[socket.socket] = [self._listener]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._threads.append(threading.Thread(target=self._serve, args=(_Messages(client),), daemon=True))
                self._threads[-1].start()

    def _serve(self, client: _Messages) -> None:
        with suppress(OSError):
            self._log_in(client)
            while (message := client.one())[:1] != b"X":
                with self._changed:
                    self._changed.wait_for(lambda: self._free or self._is_closed)
                    if self._is_closed:
                        return
                    backend = self._free.pop(0)
                self._transaction(client, backend, message)
                self._release(backend, 0)
        with suppress(OSError):
            client.raw.shutdown(socket.SHUT_RDWR)

    def _release(self, backend: _Messages, place: int) -> None:
        with self._changed:
            self._free.insert(place, backend)
            self._changed.notify()

    def _log_in(self, client: _Messages) -> None:
        """Open a backend for the pool with the startup parameters of ``client``."""
        startup = client.startup()
        words = startup[4:].rstrip(b"\0").split(b"\0")
        said = dict(zip(words[::2], words[1::2], strict=True))
        if self._passes_options is None and b"options" in said:
            fields = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
            client.raw.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
            raise ConnectionError
        if not self._passes_options:
            said.pop(b"options", None)
        body = startup[:4] + b"".join(key + b"\0" + value + b"\0" for key, value in said.items()) + b"\0"
        backend = _Messages(connect_to(self._host, self._port))
        self._sockets.append(backend.raw)
        backend.raw.sendall(struct.pack("!i", len(body) + 4) + body)
        while (message := backend.one())[:1] != b"Z":
            client.raw.sendall(message)
            if message[:1] == b"R" and struct.unpack("!i", message[5:9])[0] not in _DONE:
                backend.raw.sendall(client.one())
        self._release(backend, len(self._free))
        client.raw.sendall(message)

    def _transaction(self, client: _Messages, backend: _Messages, message: bytes) -> None:
        """Forward messages, ``message`` first, until ``backend`` is in no transaction and has answered everything."""
        owed = 0
        while True:
            backend.raw.sendall(message)
            owed += message[:1] in _ANSWERED
            while not client.is_waiting:
                if backend.is_waiting:
                    answer = backend.one()
                    client.raw.sendall(answer)
                    owed -= answer[:1] == b"Z"
                    if answer[:1] == b"Z" and answer[5:] == b"I" and not owed:
                        return
                select.select([client.raw, backend.raw], [], [])
            message = client.one()
