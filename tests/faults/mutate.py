"""Makes hostile files of sound ones: damaged bytes, strange values, and whole files of generated records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

TOKENS = [
    b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b";", b"\t", b"\n", b"\r\n", b"\r", b"\0", b" ", b"<",
    b">", b"&",
    b"\xff", b"\xfe", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\xbd", b"\xc0\x80", b"\xf4\x90\x80\x80",
    b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 400, b"0.1e-400", b"1577836800000000000000",
    b'"\\ud83d"', b'"\\u0000"', b'"\\x"', b"[]", b"{}", b'""', b"<!--", b"]]>", b"<?xml", b"&#0;", b"&lol;",
    b"[" * 3_000, b'{"a":' * 3_000, b"<a>" * 3_000, b"]" * 3_000, b'"' * 2_001,
]  # fmt: skip
"""Pieces that mean something to one format or another."""

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, -0.0, 10**9, 10**12, 10**20, 10**400, -(10**18), 253_402_300_800, "", " ", "\t\n",
    "x" * 3_000, "\u202e\x9b31m", "\x1b]0;x\x07", "[red]x[/red]", "'; DROP TABLE listens; --", "$1", "%s", "\\N", "\\",
    "1577836800", "2020-01-01T00:00:00Z", "2020-02-30", "0000-00-00 00:00:00", "9999-12-31T23:59:59Z",
    "01 Jan 2020, 00:00",
    "-", "=1+1", "a\nb", "a,b;c\td", '"', "\0", "é\u0301", "🎧" * 600, [], {}, [None], [[]], ["a", 1, None],
    {"a": {"b": []}},
    "spotify:episode:x", "00000000-0000-4000-8000-000000000000", "not-an-mbid", "now",
]  # fmt: skip
"""Values that a field may be given, whatever it means."""


def damaged(data: bytes, others: list[bytes], random: Random) -> bytes:
    """Return ``data`` after one to four blows; ``others`` are files that pieces may come from."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(_BLOWS)(data, others, random)
    return data


def _flip(data: bytes, _others: list[bytes], random: Random) -> bytes:
    found = bytearray(data or b"\0")
    for _ in range(random.choice((1, 1, 3, 20))):
        found[random.randrange(len(found))] = random.randrange(256)
    return bytes(found)


def _cut(data: bytes, _others: list[bytes], random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] if random.random() < 0.7 else data[at:]


def _remove(data: bytes, _others: list[bytes], random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _repeat(data: bytes, _others: list[bytes], random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:end] + data[start:end] * random.choice((1, 2, 30)) + data[end:]


def _splice(data: bytes, others: list[bytes], random: Random) -> bytes:
    other = random.choice(others)
    start, end = _span(other, random)
    at = random.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[at:]


def _insert(data: bytes, _others: list[bytes], random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(TOKENS) + data[at + random.choice((0, 0, 1, 8)) :]


def _join(data: bytes, others: list[bytes], random: Random) -> bytes:
    return data + random.choice((b"", b"\n", b",")) + random.choice(others)


def _recode(data: bytes, _others: list[bytes], random: Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1", "utf-32")), "replace")


_BLOWS = (_flip, _flip, _cut, _remove, _repeat, _splice, _insert, _insert, _insert, _join, _recode)


def _span(data: bytes, random: Random) -> tuple[int, int]:
    """Return a piece of ``data``, more often a short one."""
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 8, 64, 512, 8192)))


def strange(value: Any, random: Random) -> Any:  # noqa: ANN401 (any JSON value)
    """Return ``value``, a record as JSON, with one of its parts exchanged, doubled or left out."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        fate = random.random()
        if fate < 0.1:
            return {name: part for name, part in value.items() if name != key}
        if fate < 0.2:
            return {**value, random.choice(["", "x", key.upper(), "\u202e"]): value[key]}
        return {**value, key: strange(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.6:
        at = random.randrange(len(value))
        return [*value[:at], strange(value[at], random), *value[at + random.randrange(2) :]]
    return random.choice(VALUES)


def reworded(value: Any, random: Random) -> Any:  # noqa: ANN401 (any JSON value)
    """Return ``value``, a record as JSON, in the same shape, with some of its texts exchanged."""
    if isinstance(value, dict):
        return {key: reworded(part, random) for key, part in value.items()}
    if isinstance(value, list):
        return [reworded(part, random) for part in value]
    return random.choice(_TEXTS) if isinstance(value, str) and random.random() < 0.3 else value


_TEXTS = [value for value in VALUES if isinstance(value, str)]


def as_text(record: Any, random: Random) -> str:  # noqa: ANN401 (any JSON value)
    """Return a record as JSON, in one of the ways in which the same can be written."""
    text = json.dumps(record, ensure_ascii=random.random() < 0.5, separators=random.choice(((",", ":"), (", ", " : "))))
    return text.encode("utf-8", "replace").decode()
