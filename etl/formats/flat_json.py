"""Reads flat JSON objects that scripts write, one per play: their keys are found by the names that table columns have.

A key may be written in any of the usual ways: ``artist_name``, ``artistName``, ``Artist Name``. Values are texts or
numbers. A play's own ``name`` is its title, as in the answers of Last.fm's API.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.formats.table_header import COLUMN_ALIASES, TIMES, map_columns
from etl.parsers import JsonLines, JsonList, to_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from etl.formats.base import Peek
    from etl.parsers import Broken

_KEY = re.compile(rb'"([^"\\\x00-\x1f]{1,40})"\s*:')  # a key with a line break belongs to a broken record
_RECORD = re.compile(r"[\[,]\s*(?=\{)")
_MOMENT = re.compile(r"\d{9}|\d:\d\d")  # a date alone is a release date
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TRIED = 5  # records of a list, by which it is recognised: the first may be broken

Scalar = str | int | float | None


class FlatLayout(msgspec.Struct, frozen=True):
    """A list of flat objects or, with ``in_lines``, one object per line; the keys differ from file to file."""

    in_lines: bool = False

    def read(self, data: bytes) -> tuple[pl.DataFrame, frozenset[str], Mapping[int, Broken]]:
        """Return a text column for each name of ``COLUMN_ALIASES``, those that the file has, and the broken rows.

        Raises ``BrokenFileError`` as the layout of the container does.
        """
        names = _names_in(data)
        records = self._container(names).read(data)
        columns = {name: [_text(getattr(row, name)) for row in records.rows] for name in names}
        frame = pl.DataFrame(columns, dict.fromkeys(names, pl.String))
        frame = frame if names else pl.DataFrame({"artist": [None] * len(records.rows)}, {"artist": pl.String})
        absent = [pl.lit(None, pl.String).alias(name) for name in COLUMN_ALIASES if name not in names]
        return frame.with_columns(absent), frozenset(names), records.broken

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        return self._container(_names_in(data)).locate(data, rows)

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``."""
        return self._container({}).document(records)

    def _container(self, names: Mapping[str, str]) -> JsonList[Any] | JsonLines[Any]:
        record = _record(tuple(sorted(names.items())))
        return JsonLines(record) if self.in_lines else JsonList(record)


def known_keys(keys: Iterable[str]) -> dict[str, str]:
    """Return the key of each name of ``COLUMN_ALIASES`` that is among ``keys``."""
    ordered = sorted(keys)
    found = zip(map_columns([_CAMEL.sub(" ", key) for key in ordered]), ordered, strict=True)
    names = {name: key for name, key in found if name}
    if "track" not in names and "name" in ordered:
        names["track"] = "name"
    return names


def has_flat_list(peek: Peek) -> bool:
    """Say whether a file is a list of plays."""
    return peek.shape == "[" and any(map(_is_play, _first_records(peek.head.decode("utf-8", "replace"))))


def has_flat_lines(peek: Peek) -> bool:
    """Say whether at least a third of the first lines of a file are plays."""
    lines = peek.first_lines
    return peek.shape == "{" and 3 * sum(_is_play(_decoded(line)) for line in lines) >= len(lines) > 0


def _is_play(record: object) -> bool:
    """Say whether an object names an artist, a track and a moment, and has no objects or lists in it."""
    if not isinstance(record, dict):
        return False
    names = known_keys(record)
    moments = [str(record[names[name]]) for name in (*TIMES, "clock") if name in names]
    needed = {"artist", "track"} <= names.keys() and any(map(_MOMENT.search, moments))
    return needed and not any(isinstance(value, dict | list) for value in record.values())


def _first_records(text: str) -> Iterator[object]:
    """Yield the first objects of a list that can be read."""
    decode, at = json.JSONDecoder().raw_decode, 0
    for _ in range(_TRIED):
        found = _RECORD.search(text, at)
        if found is None:
            return
        try:
            record, at = decode(text, found.end())
        except (ValueError, RecursionError):
            at = found.end()
        else:
            yield record


def _decoded(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _names_in(data: bytes) -> dict[str, str]:
    """Return the key of each name of ``COLUMN_ALIASES`` that a file has, wherever it first occurs."""
    return known_keys({key.decode("utf-8", "replace") for key in _KEY.findall(to_utf8(data).body)})


@lru_cache
def _record(names: tuple[tuple[str, str], ...]) -> type[msgspec.Struct]:
    """Return the type of a record with the keys in ``names``, pairs of our name and the file's key."""
    fields = [(name, Scalar, None) for name, _ in names]
    return msgspec.defstruct("FlatPlay", fields, rename=dict(names), gc=False)


def _text(value: Scalar) -> str | None:
    return None if value is None else str(value)
