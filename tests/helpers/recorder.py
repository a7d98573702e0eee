"""Records the statements that a real server gets, with a proxy that reads the traffic."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    import socket

_LENGTH = struct.Struct("!I")
_PARSE, _SIMPLE = b"P", b"Q"


class Recorder(Proxy):
    """Forwards everything; ``self.statements`` has the texts of all connections together, in order."""

    def __init__(self, uri: str) -> None:
        self.statements: list[str] = []
        self._pending: dict[int, bytes] = {}
        self._begun: set[int] = set()
        super().__init__(uri)

    def _saw(self, source: socket.socket, data: bytes) -> None:
        if self._sockets.index(source) % 2:  # the server's side
            return
        number = source.fileno()
        text = self._pending.pop(number, b"") + data
        if number not in self._begun:  # the first message has no type
            if len(text) < 4 or len(text) < (end := _LENGTH.unpack_from(text)[0]):
                self._pending[number] = text
                return
            self._begun.add(number)
            text = text[end:]
        while len(text) >= 5 and len(text) >= (end := 1 + _LENGTH.unpack_from(text, 1)[0]):
            kind, body, text = text[:1], text[5:end], text[end:]
            if kind == _PARSE:
                self.statements.append(body.split(b"\0")[1].decode())
            elif kind == _SIMPLE:
                self.statements.append(body.rstrip(b"\0").decode())
        self._pending[number] = text
