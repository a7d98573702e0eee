"""Owns a JSON list inside an object that says of itself what it is, and of which one text may lack its escapes.

A program that writes such a file piece by piece may fail halfway: then the list breaks off, and a message stands where
the next record would. Like a file that was cut off, it is refused with the byte where it ends. Pure: bytes in, records
and positions out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from etl.core.errors import BrokenFileError
from etl.parsers.json_split import EXPORT_AGAIN, byte, end_of_value, syntax, to_utf8
from etl.parsers.locate import locate, mapped_fields
from etl.parsers.records import Record, Records, read_records

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl

    from etl.parsers.json_split import Text

HEAD_BYTES = 64 * 1024  # the list begins before

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BETWEEN = re.compile(rb"[\s,]*")


@dataclass(frozen=True)
class JsonEnvelope(Generic[Record]):
    """One list of JSON objects under the key ``key`` of an object."""

    record: type[Record]
    key: str
    stated: tuple[str, str]
    """A key and its value, which a file that is written has, too."""
    unescaped: str
    """The key of the text before the list that may lack escapes; what it says is not read."""

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records, of which every field needs a default.

        Raises ``BrokenFileError`` where the list cannot be found, does not end, or has something behind it.
        """
        sound = self._with_sound_head(data)
        try:
            return read_records(sound, (self.key,), self.record)
        except BrokenFileError as error:
            raise self._where_it_ends(to_utf8(sound), error) from error

    def statement(self, data: bytes) -> str | None:
        """Return what the object says under ``stated``: before its list or, rewritten by another program, behind it."""
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
        """Return ``data`` with blanks in the place of the text without escapes, if what precedes the list is no JSON.

        All positions stay.
        """
        if data.startswith(_UTF16):
            text = to_utf8(data).body
            sound = self._with_sound_head(text)
            return data if sound is text else sound.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
        skip = len(_BOM) if data.startswith(_BOM) else 0
        end = re.compile(rb'"\s*,\s*' + self._list.pattern).search(data, skip, HEAD_BYTES)
        if end is None or syntax(data[skip : end.end()] + b"]}") is None:
            return data
        begin = re.compile(rb'"%s"\s*:\s*"' % self.unescaped.encode()).search(data, skip, end.start())
        if begin is None:
            return data
        return data[: begin.end()] + b" " * (end.start() - begin.end()) + data[end.start() :]

    def _where_it_ends(self, text: Text, error: BrokenFileError) -> BrokenFileError:
        """Return ``error``, or one that says better where the file breaks off."""
        begin = self._list.search(text.body, 0, HEAD_BYTES)
        if begin is None:
            if not text.body.lstrip().startswith(b"{") or syntax(text.body) != "cut":
                return error
            where = byte(text, len(text.body))
            return BrokenFileError(f"the file ends at byte {where} before its first record", EXPORT_AGAIN)
        records, stop = _sound_records(text.body, begin.end(), mapped_fields(self.record))
        rest = text.body[stop:].lstrip(b", \t\r\n")
        if not rest or rest.startswith(b"]") or _begins(rest, mapped_fields(self.record)) or syntax(rest) == "cut":
            return error
        return BrokenFileError(
            f"the list ends at byte {byte(text, stop)} after record {records}, and a message follows it",
            "The program that wrote it failed on the way: look into its log, and export again",
        )


def _sound_records(body: bytes, at: int, keys: Collection[str]) -> tuple[int, int]:
    """Return how many sound records stand in a row from ``at`` on, and where the last of them ends."""
    count, stop = 0, at
    while _begins(body, keys, at := _next(body, stop)):
        end = end_of_value(body, at, len(body))
        if end is None or syntax(body[at:end]) is not None:
            break
        count, stop = count + 1, end
    return count, stop


def _begins(body: bytes, keys: Collection[str], at: int = 0) -> bool:
    """Say whether an object that begins with one of ``keys`` stands at ``at``."""
    names = b"|".join(re.escape(key.encode()) for key in sorted(keys))
    return re.compile(rb'\{\s*"(?:' + names + rb')"\s*:').match(body, at) is not None


def _next(body: bytes, at: int) -> int:
    gap = _BETWEEN.match(body, at)
    return gap.end() if gap else at
