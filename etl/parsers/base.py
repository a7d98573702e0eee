"""Defines ``Layout``, how a file holds its records, and the simplest one, a JSON list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol

import msgspec

from etl.core.schema import LOCATIONS, empty
from etl.parsers.locate import locate, locations_at, mapped_fields
from etl.parsers.records import Record, Records, read_records
from etl.parsers.utf8 import to_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


NO_LOCATIONS = empty(LOCATIONS)  # of nearly all files


class Layout(Protocol):
    """How a file holds its records: finds them by row number, and writes a file of them."""

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """Find the records with the numbers ``rows`` (from 1) in the file ``data``. Columns out: ``LOCATIONS``.

        Numbers that the file does not have are left out. ``offset`` and ``length`` are in bytes of ``data``, null if
        the file is UTF-16. ``record`` is a JSON object of the mapped fields, null if the record cannot be parsed.
        """

    def document(self, records: Sequence[str]) -> bytes:
        """Return a file of ``records``, each in the form of the column ``record``. Reading it gives them back."""


class JsonList(msgspec.Struct, Generic[Record], frozen=True):
    """One list of JSON objects: the document itself, or the value of one of the keys in ``path``."""

    record: type[Record]
    path: tuple[str, ...] = ()

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records. Raises ``BrokenFileError`` as ``read_records`` does."""
        return read_records(data, self.path, self.record)

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        return locate(data, self.path, rows, mapped_fields(self.record))

    def locations(self, data: bytes, records: Records[Record]) -> pl.DataFrame:
        """Return the ``LOCATIONS`` of the broken ones among ``records``, which ``read`` returned for ``data``."""
        if not records.broken:
            return NO_LOCATIONS
        return locations_at(to_utf8(data), records.spans, mapped_fields(self.record))

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``."""
        listed = f"[{','.join(records)}]"
        return (f'{{"{self.path[0]}":{listed}}}' if self.path else listed).encode()
