"""Reads bytes at any position of a file, a part of a file, or deflated data, without holding or unpacking it all."""

from __future__ import annotations

import errno
import io
import os
import threading
import weakref
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from etl.core.errors import BrokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

GZIP_MAGIC = b"\x1f\x8b\x08"
RAW_DEFLATE, GZIP = -15, 31
"""The two wrappings of deflated data, as zlib numbers them: in a zip, and in a gzip file."""

_PACKED_CHUNK = 1 << 16
_CHUNK = 1 << 20
_SPACING = 1 << 22  # bytes between two points from which inflating can start
_MOST_POINTS = 256  # each holds about 45 KB


class Source(Protocol):
    """Bytes that can be read at any position, by several threads at the same time."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset`` on, or as many as there are."""


class FileBytes:
    """The bytes of a file on disk."""

    def __init__(self, path: Path) -> None:
        file = path.open("rb")
        weakref.finalize(self, file.close)
        self._descriptor = file.fileno()
        self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """See ``Source``."""
        parts = []
        while size > 0 and (part := os.pread(self._descriptor, size, offset)):
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)


class Part(msgspec.Struct, frozen=True):
    """A part of another source."""

    whole: Source
    start: int
    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """See ``Source``."""
        return self.whole.read_at(self.start + offset, max(0, min(size, self.size - offset)))


class _Point(NamedTuple):
    """A state of the inflation: the first ``taken`` compressed bytes gave ``at`` bytes."""

    at: int
    taken: int
    decoder: Any  # zlib does not export its type


class Inflated:
    """Deflated data, read as if it were inflated.

    The state of the inflation is kept at some points, so that any position can be reached from a nearby point. This
    takes about 12 MB of memory at most, whatever the size of the data.
    """

    def __init__(self, packed: Source, wrapping: int, most: int, size: int | None = None) -> None:
        """``size``: the number of bytes, if it is known. More than ``most`` are never inflated."""
        self._packed = packed
        self._wrapping = wrapping
        self._most = most
        self._size = size
        self._apart = _SPACING
        self._points = [_Point(0, 0, zlib.decompressobj(wrapping))]
        self._last = self._points[0]
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """The number of bytes. To find it, all of them are inflated; raises as ``read_at`` does."""
        with self._lock:
            if self._size is None:
                start = max(self._points[-1], self._last, key=lambda point: point.at)
                self._size = start.at + sum(map(len, self._pieces(start, self._most + 1)))
            return self._size

    def read_at(self, offset: int, size: int) -> bytes:
        """See ``Source``. Raises ``zlib.error``, ``EOFError`` if it was cut off, ``BrokenFileError`` if it grew."""
        end = offset + size if self._size is None else min(offset + size, self._size)
        parts: list[bytes] = []
        with self._lock:
            known = [point for point in (*self._points, self._last) if point.at <= offset]
            start = max(known, key=lambda point: point.at)
            at = start.at
            for piece in self._pieces(start, end):
                if at + len(piece) > offset:
                    parts.append(piece[max(0, offset - at) :])
                at += len(piece)
        return b"".join(parts)

    def _pieces(self, start: _Point, end: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``end``, and keep points on the way."""
        at, taken, decoder = start.at, start.taken, start.decoder.copy()
        while at < end:
            if decoder.eof:
                if self._wrapping != GZIP or self._packed.read_at(taken, len(GZIP_MAGIC)) != GZIP_MAGIC:
                    break
                decoder = zlib.decompressobj(GZIP)  # a gzip file may consist of several
            packed = self._packed.read_at(taken, _PACKED_CHUNK)
            piece = decoder.decompress(packed, min(_CHUNK, end - at))
            if not (packed or piece or decoder.eof):
                raise EOFError("the packed data ends too early")
            taken += len(packed) - len(decoder.unconsumed_tail) - len(decoder.unused_data)
            at += len(piece)
            if at > self._most:
                raise BrokenFileError(f"it grows beyond {self._most:,} bytes, which no export does")
            self._keep(_Point(at, taken, decoder))
            yield piece
        self._last = _Point(at, taken, decoder)

    def _keep(self, point: _Point) -> None:
        if point.at < self._points[-1].at + self._apart:
            return
        self._points.append(point._replace(decoder=point.decoder.copy()))
        if len(self._points) > _MOST_POINTS:
            self._points = self._points[::2]
            self._apart *= 2


class Stream(io.RawIOBase):
    """A source as a file object with its own position, for libraries that read files."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position; a position before the beginning raises ``OSError``, as in a file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence)
        at = offset + (self._source.size if base is None else base)
        if at < 0:
            raise OSError(errno.EINVAL, "a position before the beginning")
        self._at = at
        return at

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes from the position on, or all remaining bytes."""
        data = self._source.read_at(self._at, self._source.size - self._at if size < 0 else size)
        self._at += len(data)
        return data

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill ``buffer`` from the position on."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
