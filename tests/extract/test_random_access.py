"""Deflated data is read at any position as if it were inflated, with little memory."""

from __future__ import annotations

import gzip
import io
import random
import threading
import zlib
from typing import TYPE_CHECKING

import pytest

from etl.extract import random_access
from etl.extract.random_access import GZIP, RAW_DEFLATE, FileBytes, Inflated, Part, Stream

if TYPE_CHECKING:
    from pathlib import Path

MANY = 1 << 40


class Held:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)
        self.taken = 0

    def read_at(self, offset: int, size: int) -> bytes:
        self.taken += len(self.data[offset : offset + size])
        return self.data[offset : offset + size]


def noise(size: int) -> bytes:
    """Return bytes of which about half can be packed away."""
    return b"".join(bytes([number]) * 2 for number in random.Random(1).randbytes(size // 2))


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(random_access, "_SPACING", 10_000)
    monkeypatch.setattr(random_access, "_CHUNK", 3_000)
    monkeypatch.setattr(random_access, "_PACKED_CHUNK", 700)
    return noise(200_000)


@pytest.mark.parametrize("wrapping", [GZIP, RAW_DEFLATE])
@pytest.mark.parametrize("most_points", [4, 1000])
def test_any_position_is_read_in_any_order(
    data: bytes, wrapping: int, most_points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random_access, "_MOST_POINTS", most_points)
    packer = zlib.compressobj(wbits=wrapping)
    inflated = Inflated(Held(packer.compress(data) + packer.flush()), wrapping, MANY)
    places = random.Random(2)
    for _ in range(300):
        at, size = places.randrange(len(data) + 100), places.randrange(5_000)
        assert inflated.read_at(at, size) == data[at : at + size]
    assert inflated.size == len(data)
    assert inflated.read_at(0, MANY) == data
    assert len(inflated._points) <= most_points


def test_a_position_is_reached_from_one_nearby(data: bytes) -> None:
    packed = Held(gzip.compress(data))
    inflated = Inflated(packed, GZIP, MANY)
    assert inflated.size == len(data)
    packed.taken = 0
    assert inflated.read_at(150_000, 10) == data[150_000:150_010]
    assert packed.taken < 20_000 < packed.size


def test_joined_gzip_files_are_one(data: bytes) -> None:
    packed = b"".join(gzip.compress(data[start : start + 9_999]) for start in range(0, len(data), 9_999))
    inflated = Inflated(Held(packed + bytes(100)), GZIP, MANY)
    assert inflated.read_at(100_000, 50_000) == data[100_000:150_000]
    assert inflated.size == len(data)


def test_threads_read_the_same_data_at_the_same_time(data: bytes) -> None:
    inflated = Inflated(Held(gzip.compress(data)), GZIP, MANY)
    found: dict[int, bytes] = {}

    def read(start: int) -> None:
        found[start] = b"".join(inflated.read_at(at, 500) for at in range(start, start + 20_000, 500))

    threads = [threading.Thread(target=read, args=(start,)) for start in range(0, 100_000, 20_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {start: data[start : start + 20_000] for start in range(0, 100_000, 20_000)}


def test_reading_goes_on_after_an_error(data: bytes) -> None:
    packed = gzip.compress(data)
    inflated = Inflated(Held(packed[: len(packed) // 2]), GZIP, MANY)
    for _ in range(2):
        with pytest.raises(EOFError, match="ends too early"):
            inflated.read_at(0, len(data))
        assert inflated.read_at(20_000, 100) == data[20_000:20_100]


def test_a_stream_moves_as_a_file_does(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    stream = Stream(Part(FileBytes(path), 2, 6))
    assert (stream.readable(), stream.seekable()) == (True, True)
    assert (stream.read(2), stream.tell(), stream.read(), stream.read(1)) == (b"23", 2, b"4567", b"")
    assert (stream.seek(-2, io.SEEK_END), stream.seek(-1, io.SEEK_CUR), stream.read(9)) == (4, 3, b"567")
    assert io.BufferedReader(Stream(FileBytes(path))).read(4) == b"0123"
    with pytest.raises(OSError, match="before the beginning"):
        stream.seek(-1)
