"""Owns what the rest of the program knows of a file's structure: how to find its records, and to write them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol

from etl.core.schema import PLACES, empty
from etl.parsers.json_split import to_utf8
from etl.parsers.locate import locate, mapped_fields, place_found
from etl.parsers.records import Record, Records, read_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


class Layout(Protocol):
    """How a file holds its records."""

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """Find the records with the numbers ``rows`` (from 1) in a file. Columns out: ``PLACES``.

        A number that the file does not have is left out. ``offset`` and ``length`` count bytes of ``data``, null where
        it had to be transcoded; ``record`` has the fields that are read as a JSON object, null where there is none.
        """

    def document(self, records: Sequence[str]) -> bytes:
        """Return a file with ``records``, each as ``locate`` gives it: reading it gives them again."""


@dataclass(frozen=True)
class JsonList(Generic[Record]):
    """One list of JSON objects: the document itself, or what stands under one of the keys in ``path``."""

    record: type[Record]
    path: tuple[str, ...] = ()

    def read(self, data: bytes) -> Records[Record]:
        """Decode the records; raises as ``read_records``."""
        return read_records(data, self.path, self.record)

    def locate(self, data: bytes, rows: Sequence[int]) -> pl.DataFrame:
        """See ``Layout``."""
        return locate(data, self.path, rows, mapped_fields(self.record))

    def places(self, data: bytes, records: Records[Record]) -> pl.DataFrame:
        """Return what ``locate`` does of the broken ones among ``records``, which ``read`` returned of ``data``."""
        if not records.broken:
            return empty(PLACES)
        return place_found(to_utf8(data), records.spans, mapped_fields(self.record))

    def document(self, records: Sequence[str]) -> bytes:
        """See ``Layout``."""
        listed = f"[{','.join(records)}]"
        return (f'{{"{self.path[0]}":{listed}}}' if self.path else listed).encode()
