"""Reads a JSON list inside an object that names its version, and in which one text may be unescaped.

A program that writes such a file piece by piece may fail halfway. Then the list ends early, and an error message
follows instead of the next record. Such a file is refused like one that was cut off, with the byte where it ends.
Pure: bytes in, records and positions out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic

import msgspec

from etl.core.errors import BrokenFileError
from etl.parsers.json_split import end_of_value, syntax
from etl.parsers.locate import locate, mapped_fields
from etl.parsers.records import Record, Records, read_records
from etl.parsers.utf8 import EXPORT_AGAIN, UTF8_MARK, UTF16_MARKS, byte_number, to_utf8

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl

    from etl.parsers.utf8 import Text

HEAD_BYTES = 64 * 1024  # the list begins within these

_BETWEEN = re.compile(rb"[\s,]*")


class JsonEnvelope(msgspec.Struct, Generic[Record], frozen=True):
    """One list of JSON objects under the key ``key`` of an object."""

    record: type[Record]
    key: str
    stated: tuple[str, str]
    """A key of the object, such as its version, and the value that ``document`` writes for it."""
    unescaped: str
    """The key of a text before the list that may be unescaped. The text is not read."""

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records; every field of ``record`` needs a default.

        Raises ``BrokenFileError`` if the list is missing, does not end, or something follows the document.
        """
        sound = self._with_sound_head(data)
        try:
            return read_records(sound, (self.key,), self.record)
        except BrokenFileError as error:
            raise self._where_it_ends(to_utf8(sound), error) from error

    def statement(self, data: bytes) -> str | None:
        """Return the object's value for the key in ``stated``; another program may have moved it after the list."""
        body = to_utf8(self._with_sound_head(data)).body
        begin = self._list.search(body, 0, HEAD_BYTES)
        pattern = re.compile(rb'"%s"\s*:\s*(?:"([^"\\]*)"|([\w.+-]+)\s*[,}])' % self.stated[0].encode())
        found = pattern.search(body, 0, begin.start() if begin else len(body)) or pattern.search(
            body, body.rfind(b"]") + 1
        )
        return (found[1] if found[1] is not None else found[2]).decode("utf-8", "replace") if found else None

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        return locate(self._with_sound_head(data), (self.key,), rows, mapped_fields(self.record))

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``."""
        name, value = self.stated
        return f'{{"{name}":"{value}","{self.key}":[{",".join(records)}]}}'.encode()

    @property
    def _list(self) -> re.Pattern[bytes]:
        return re.compile(rb'"%s"\s*:\s*\[' % self.key.encode())

    def _with_sound_head(self, data: bytes) -> bytes:
        """Return ``data`` with the unescaped text replaced by blanks, if what precedes the list is not JSON.

        All positions stay the same.
        """
        if data.startswith(UTF16_MARKS):
            text = to_utf8(data).body
            sound = self._with_sound_head(text)
            return data if sound is text else sound.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
        skip = len(UTF8_MARK) if data.startswith(UTF8_MARK) else 0
        end = re.compile(rb'"\s*,\s*' + self._list.pattern).search(data, skip, HEAD_BYTES)
        if end is None or syntax(data[skip : end.end()] + b"]}") is None:
            return data
        begin = re.compile(rb'"%s"\s*:\s*"' % self.unescaped.encode()).search(data, skip, end.start())
        if begin is None:
            return data
        return data[: begin.end()] + b" " * (end.start() - begin.end()) + data[end.start() :]

    def _where_it_ends(self, text: Text, error: BrokenFileError) -> BrokenFileError:
        """Return ``error``, or one that says more exactly where the list or the file ends."""
        begin = self._list.search(text.body, 0, HEAD_BYTES)
        if begin is None:
            if not text.body.lstrip().startswith(b"{") or syntax(text.body) != "cut":
                return error
            where = byte_number(text, len(text.body))
            return BrokenFileError(f"the file ends at byte {where} before its first record", EXPORT_AGAIN)
        records, stop = _sound_records(text.body, begin.end(), mapped_fields(self.record))
        rest = text.body[stop:].lstrip(b", \t\r\n")
        if not rest or rest.startswith(b"]") or _begins(rest, mapped_fields(self.record)) or syntax(rest) == "cut":
            return error
        return BrokenFileError(
            f"the list ends at byte {byte_number(text, stop)} after record {records}, and a message follows it",
            "The program that wrote it failed before the end: look at its log, then export again",
        )


def _sound_records(body: bytes, at: int, keys: Collection[str]) -> tuple[int, int]:
    """Return how many sound records follow one another from ``at`` on, and where the last one ends."""
    count, stop = 0, at
    while _begins(body, keys, at := _next(body, stop)):
        end = end_of_value(body, at, len(body))
        if end is None or syntax(body[at:end]) is not None:
            break
        count, stop = count + 1, end
    return count, stop


def _begins(body: bytes, keys: Collection[str], at: int = 0) -> bool:
    """Say whether there is an object at ``at`` whose first key is one of ``keys``."""
    names = b"|".join(re.escape(key.encode()) for key in sorted(keys))
    return re.compile(rb'\{\s*"(?:' + names + rb')"\s*:').match(body, at) is not None


def _next(body: bytes, at: int) -> int:
    gap = _BETWEEN.match(body, at)
    return gap.end() if gap else at
