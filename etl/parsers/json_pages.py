"""Reads files that hold their records page by page, as an API returns them."""

from __future__ import annotations

import types
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic

import msgspec
import polars as pl

from etl.parsers.decoders import json_decoder
from etl.parsers.error_response import error_response, mark_error_responses
from etl.parsers.json_pages_split import KeyPaths, split_pages
from etl.parsers.json_split import UNREADABLE
from etl.parsers.locate import locate_rows, mapped_fields
from etl.parsers.records import Record, Records, decode_pieces
from etl.parsers.utf8 import to_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class JsonPages(msgspec.Struct, Generic[Record], frozen=True):
    """Pages of JSON, each with a list of records, or with a single record instead of the list.

    ``paths`` are the key paths at which a page may have them, e.g. ``(("recenttracks", "track"), ("track",))``. A file
    is one page, an array of pages, or several of these one after the other. Row numbers continue across pages.
    """

    record: type[Record]
    paths: KeyPaths

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records of all pages; every field of ``record`` needs a default.

        A sound page without any of ``paths`` counts as one record: an API's error response as a broken one, any other
        page as one without fields.
        Raises ``BrokenFileError`` as ``read_records`` does, and if no page has one of ``paths``.
        """
        text = to_utf8(data)
        rows = _whole(text.body, self.record, self.paths)
        if rows is not None:
            return Records(rows, {})
        spans = split_pages(text, self.paths, mapped_fields(self.record))
        return mark_error_responses(decode_pieces(text, spans, self.record), text, spans)

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``; an error response has no ``record``."""
        text, mapped = to_utf8(data), mapped_fields(self.record)
        spans = split_pages(text, self.paths, mapped)
        errors = [row for row in rows if 1 <= row <= len(spans) and error_response(text.body[slice(*spans[row - 1])])]
        found = locate_rows(text, spans, rows, mapped)
        return found.with_columns(
            record=pl.when(~pl.col("row").is_in(pl.Series(errors, dtype=pl.Int32).implode())).then("record")
        )

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``: one page, with the records under the first of ``paths``."""
        page = f"[{','.join(records)}]"
        for key in reversed(self.paths[0]):
            page = f'{{"{key}":{page}}}'
        return page.encode()


def _whole(body: bytes, record: type[Record], paths: KeyPaths) -> list[Record] | None:
    """Decode all records at once; ``None`` if anything is broken, or if a page has no list or several."""
    rows: list[Record] = []
    try:
        documents = _decoder(record, paths).decode_lines(body)
    except UNREADABLE:
        return None
    for document in documents:
        for page in document if isinstance(document, list) else [document]:
            lists = list(_lists(page, record))
            if len(lists) != 1:
                return None
            rows += lists[0]
    return rows if documents else None


def _lists(value: Any, record: type[Record]) -> Iterator[list[Record]]:  # noqa: ANN401 (any node of a page)
    if isinstance(value, list):
        yield value
    elif isinstance(value, record):
        yield [value]
    elif value is not None:
        for inner in msgspec.structs.astuple(value):
            yield from _lists(inner, record)


@lru_cache
def _decoder(record: type[msgspec.Struct], paths: KeyPaths) -> msgspec.json.Decoder[Any]:
    """Return a decoder of one document; ``decode_lines`` reads any number of them, with any white space between."""
    page = _page_type(record, paths)
    return json_decoder(page | types.GenericAlias(list, (page,)))


def _page_type(record: type[msgspec.Struct], paths: KeyPaths) -> Any:  # noqa: ANN401 (made here, no name for it)
    """Return the type of an object with the records at ``paths``: it has a field for each first key."""
    fields = []
    keys = list(dict.fromkeys(path[0] for path in paths))
    for number, key in enumerate(keys):
        array = types.GenericAlias(list, (record,))
        inner = tuple(path[1:] for path in paths if path[0] == key and len(path) > 1)
        here = _page_type(record, inner) if inner else record
        fields.append((f"part_{number}", (here | array if (key,) in paths else here) | None, None))
    return msgspec.defstruct("Page", fields, rename=dict(zip((field[0] for field in fields), keys, strict=True)))
