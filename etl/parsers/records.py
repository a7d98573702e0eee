"""Decodes bytes into typed records.

A sound document is decoded at once. In any other, the list is split and each record is decoded separately, with the
same types: sound records give the same result, and each broken one has a reason.
"""

from __future__ import annotations

import re
import types
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from etl.core.reasons import RejectReason
from etl.parsers.decoders import json_decoder
from etl.parsers.json_split import UNREADABLE, not_found, split, two_lists
from etl.parsers.locate import mapped_fields
from etl.parsers.utf8 import to_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.parsers.utf8 import Span, Text

Record = TypeVar("Record", bound=msgspec.Struct)

DETAIL_CHARS = 80  # of a text that is quoted in a detail
BREAKS_OFF = "the record breaks off"

_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class Broken(NamedTuple):
    """Why a record cannot be read."""

    reason: RejectReason
    detail: str


class Records(msgspec.Struct, Generic[Record], frozen=True):
    """The records of a file. ``broken`` has row numbers from 1; ``rows`` has a blank record for each of them."""

    rows: list[Record]
    broken: dict[int, Broken]
    spans: dict[int, Span] = msgspec.field(default_factory=dict)
    """The bounds of the broken ones in the document as UTF-8, if the layout knows them."""


def read_records(data: bytes, path: tuple[str, ...], record: type[Record]) -> Records[Record]:
    """Decode the list in ``data``: the document itself (``path`` empty), or the value of one of the keys in ``path``.

    Every field of ``record`` needs a default. Raises ``BrokenFileError`` if the list is missing, does not end, or
    something follows the document.
    """
    text = to_utf8(data)
    rows = decode_whole(text.body, path, record)
    if rows is not None:
        return Records(rows, {})
    return decode_pieces(text, split(text, path, mapped_fields(record)), record)


def decode_whole(body: bytes, path: tuple[str, ...], record: type[Record]) -> list[Record] | None:
    """Decode the list in ``body`` at once; ``None`` if anything in it is broken. Raises as ``read_records`` does."""
    try:
        return _whole(body, path, record)
    except UNREADABLE:
        return None


def decode_pieces(text: Text, spans: Sequence[Span], record: type[Record]) -> Records[Record]:
    """Decode the pieces of ``text.body`` with the bounds ``spans``, each as one record."""
    decode = json_decoder(record).decode
    rows: list[Record] = []
    broken: dict[int, Broken] = {}
    for row, (start, end) in enumerate(spans, start=1):
        piece = text.body[start:end]
        try:
            rows.append(decode(piece))
        except UNREADABLE as error:
            rows.append(record())
            broken[row] = _why(piece, error)
    return Records(rows, broken, {row: spans[row - 1] for row in broken})


@lru_cache
def _document_decoder(path: tuple[str, ...], record: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    array = types.GenericAlias(list, (record,))
    if not path:
        return json_decoder(array)
    names = [f"list_{number}" for number in range(len(path))]
    document = msgspec.defstruct(
        "Document", [(name, array | None, None) for name in names], rename=dict(zip(names, path, strict=True))
    )
    return json_decoder(document)


def _whole(body: bytes, path: tuple[str, ...], record: type[Record]) -> list[Record]:
    document = _document_decoder(path, record).decode(body)
    lists: list[list[Record]] = (
        [rows for rows in msgspec.structs.astuple(document) if rows is not None] if path else [document]
    )
    if len(lists) != 1:
        raise not_found(body, path) if not lists else two_lists(path)
    return lists[0]


def _why(piece: bytes, error: Exception) -> Broken:
    message = str(error)
    if isinstance(error, RecursionError):
        return Broken(RejectReason.MALFORMED, "nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Broken(RejectReason.BAD_ENCODING, f"byte 0x{error.object[error.start]:02x} is not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        return Broken(RejectReason.WRONG_TYPE, _which_field(message))
    if half := _half_surrogate(piece):
        return Broken(RejectReason.BAD_ENCODING, f"{half} is half of a surrogate pair")
    words = message.removeprefix("JSON is malformed: ").replace("Input data was truncated", BREAKS_OFF)
    return Broken(RejectReason.MALFORMED, _AT_BYTE.sub(r"at byte \1 of the record", words)[:DETAIL_CHARS])


def _which_field(message: str) -> str:
    """Turn msgspec's "Expected `int | null`, got `str` - at `$.a.b`" into "a.b: expected int, got str"."""
    for theirs, ours in ((" | null", ""), ("int | float", "number"), ("Expected float", "Expected number")):
        message = message.replace("`", "").replace(theirs, ours)
    what, _, where = message.partition(" - at ")
    field = where.removeprefix("$").removeprefix(".") or "the record"
    return f"{field}: {what[:1].lower()}{what[1:]}"[:DETAIL_CHARS]


def _half_surrogate(piece: bytes) -> str | None:
    """Return the first escape in ``piece`` that is half of a surrogate pair, as written there."""
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(piece):
        code = int(escape[1], 16) if escape[1] else 0
        if high is not None:
            if not (0xDC00 <= code < 0xE000 and escape.start() == high.end()):
                return high[0].decode("ascii")
            high = None
        elif 0xDC00 <= code < 0xE000:
            return escape[0].decode("ascii")
        elif 0xD800 <= code < 0xDC00:
            high = escape
    return high[0].decode("ascii") if high is not None else None
