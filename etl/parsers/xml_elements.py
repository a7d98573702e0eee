"""Reads XML with one record per element: elements are found by their tags and parsed one by one.

So a broken element affects no other, and a document's declarations never reach the parser. A document that was cut off
is refused, because the number of missing records is unknown. Pure: bytes in, records and positions out.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Generic
from xml.etree import ElementTree as ET

import msgspec
import polars as pl

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.core.schema import LOCATIONS
from etl.parsers.decoders import converter
from etl.parsers.error_response import error_element
from etl.parsers.records import DETAIL_CHARS, Broken, Record, Records
from etl.parsers.utf8 import EXPORT_AGAIN, Span, Text, byte_number, cut_off, to_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Fields = dict[str, Any]

_ELEMENT = re.compile(rb"<[^!?]")
_BEFORE_TAG = re.compile(rb"(?=<)")


class XmlElements(msgspec.Struct, Generic[Record], frozen=True):
    """Elements called ``name`` inside those called ``around``, outermost first; in one or more documents.

    Anything else inside them counts as a record: another element is a record without fields; text and an API's
    ``error`` are broken records.
    """

    record: type[Record]
    """Every field needs a default."""
    name: str
    around: tuple[str, ...]
    to_fields: Callable[[ET.Element], Fields]
    """Returns the element's fields of ``record``, nested as JSON has them; every value is text."""
    to_element: Callable[[Fields], ET.Element]
    """Returns the element from which ``to_fields`` gets these fields."""

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records. Raises ``BrokenFileError`` for a file without ``around``, or one that was cut off."""
        text = to_utf8(data)
        rows: list[Record] = []
        broken: dict[int, Broken] = {}
        spans = self._split(text)
        to_record = converter(self.record)
        for row, (start, end) in enumerate(spans, start=1):
            fields = self._fields(text.body[start:end])
            if isinstance(fields, Broken):
                broken[row] = fields
                fields = {}
            rows.append(to_record(fields))
        return Records(rows, broken, {row: spans[row - 1] for row in broken})

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        text = to_utf8(data)
        spans = self._split(text)
        found = [(row, *spans[row - 1]) for row in rows if 1 <= row <= len(spans)]
        fields = [self._fields(text.body[start:end]) for _, start, end in found]
        columns = {
            "row": [row for row, _, _ in found],
            "offset": [None if text.shift is None else start + text.shift for _, start, _ in found],
            "length": [None if text.shift is None else end - start for _, start, end in found],
            "record": [None if isinstance(one, Broken) else json.dumps(one, ensure_ascii=False) for one in fields],
        }
        return pl.DataFrame(columns, schema=LOCATIONS)

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``."""
        root = inner = ET.Element(self.around[0])
        for name in self.around[1:]:
            inner = ET.SubElement(inner, name)
        inner.extend(self.to_element(json.loads(record)) for record in records)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True, short_empty_elements=False))

    def _fields(self, piece: bytes) -> Fields | Broken:
        if not _ELEMENT.match(piece):
            return Broken(RejectReason.MALFORMED, "no element")
        try:
            # A piece begins with its element and has no DOCTYPE, so it can define no entities.
            element = ET.fromstring(piece.decode())  # noqa: S314
        except UnicodeDecodeError as error:
            return Broken(RejectReason.BAD_ENCODING, f"byte 0x{piece[error.start]:02x} is not UTF-8")
        except ET.ParseError as error:
            return Broken(RejectReason.MALFORMED, f"{error.msg} of the record"[:DETAIL_CHARS])
        if element.tag == "error":
            return Broken(RejectReason.ERROR_PAGE, error_element(element))
        return self.to_fields(element) if element.tag == self.name else {}

    def _split(self, text: Text) -> list[Span]:
        """Return the bounds of the records. One without an end tag reaches to the next, or to the end of ``around``."""
        body = text.body
        name, around = self.name.encode(), "|".join(self.around).encode()
        starts = [match.start() for match in re.finditer(rb"<%s(?=[\s/>])" % name, body)]
        between = re.compile(
            rb"(?:\s+|<\?[^<>]*\?>|<!--.*?-->|<!DOCTYPE[^<>]*>|</?(?:%s)(?:\s[^<>]*)?/?>)*" % around, re.DOTALL
        )
        own_end = re.compile(rb"<%s(?:\s[^<>]*)?/>|<%s[\s>].*?</%s\s*>" % (name, name, name), re.DOTALL)
        outer = re.compile(rb"(?=</?(?:%s)[\s/>])" % around)
        self._check(text, starts, between, own_end)
        spans: list[Span] = []
        at = 0
        while (at := _end(between, body, at)) < len(body):
            locate_rows = bisect_right(starts, at)
            limit = starts[locate_rows] if locate_rows < len(starts) else len(body)
            beyond = outer if body.startswith(b"<", at) else _BEFORE_TAG
            end = own_end.match(body, at, limit) or beyond.search(body, at + 1, limit)
            stop = end.end() if end else limit
            spans.append((at, at + len(body[at:stop].rstrip())))
            at = stop
        return spans

    def _check(self, text: Text, starts: Sequence[int], between: re.Pattern[bytes], own_end: re.Pattern[bytes]) -> None:
        """Raise ``BrokenFileError`` unless every document is complete."""
        body = text.body
        root = re.search(rb"<(%s)(?=[\s/>])" % "|".join(self.around).encode(), body)
        if root is None:
            what = f"there is no <{'> or <'.join(self.around)}> in it" if body.strip() else "the file is empty"
            raise BrokenFileError(what, "It may be another file under this name, or one that was cut off")
        is_open, end = False, 0
        for tag in re.finditer(rb"<(/?)%s(?:\s[^<>]*)?/?>" % root[1], body):
            if is_open and not tag[1]:
                where = f"byte {byte_number(text, tag.start())}, after record {bisect_right(starts, tag.start())}"
                raise BrokenFileError(f"a document breaks off before {where}", EXPORT_AGAIN)
            is_open, end = not tag[1] and not tag[0].endswith(b"/>"), tag.end()
        rest = _end(between, body, end)
        if is_open or body.startswith(b"<", rest):
            is_inside = starts and not own_end.match(body, starts[-1])
            raise cut_off(text, "inside" if is_inside else "after", len(starts))


def _end(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    """Return the end of the match of ``pattern`` at ``at``; it matches everywhere, if only the empty string."""
    match = pattern.match(body, at)
    return match.end() if match else at
