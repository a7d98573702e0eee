"""Writes down the statements that a real server gets: a proxy that reads what passes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    import socket

_LENGTH = struct.Struct("!I")
_PARSE, _SIMPLE = b"P", b"Q"


class Recorder(Proxy):
    """Passes everything on; ``self.statements`` are the texts of all connections together, in their order."""

    def __init__(self, uri: str) -> None:
        self.statements: list[str] = []
        self._pending: dict[int, bytes] = {}
        super().__init__(uri)

    def _saw(self, source: socket.socket, data: bytes) -> None:
        if self._sockets.index(source) % 2:  # the server's side
            return
        number = source.fileno()
        rest = self._pending.get(number)
        text = data if rest is None else rest + data
        if rest is None:  # the first message has no type
            text = text[_LENGTH.unpack_from(text)[0] :]
        while len(text) >= 5 and len(text) >= (end := 1 + _LENGTH.unpack_from(text, 1)[0]):
            kind, body, text = text[:1], text[5:end], text[end:]
            if kind == _PARSE:
                self.statements.append(body.split(b"\0")[1].decode())
            elif kind == _SIMPLE:
                self.statements.append(body.rstrip(b"\0").decode())
        self._pending[number] = text
