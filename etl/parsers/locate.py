"""Finds records in a file by row number, and reduces them to the fields that this program reads."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
import polars as pl

from etl.core.schema import LOCATIONS
from etl.parsers.json_split import UNREADABLE, split
from etl.parsers.utf8 import to_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from etl.parsers.utf8 import Span, Text


def locate(data: bytes, path: tuple[str, ...], rows: Sequence[int], mapped: Mapping[str, Any]) -> pl.DataFrame:
    """Find the records with the numbers ``rows`` (from 1) in the list under ``path``. Columns out: ``LOCATIONS``.

    Numbers that the file does not have are left out. ``offset`` and ``length`` are in bytes of ``data``, null if the
    file is UTF-16. ``record`` is a JSON object of the fields in ``mapped``, null if the record cannot be parsed.
    """
    text = to_utf8(data)
    return locate_rows(text, split(text, path, mapped), rows, mapped)


def locate_rows(text: Text, spans: Sequence[Span], rows: Sequence[int], mapped: Mapping[str, Any]) -> pl.DataFrame:
    """Do the same for a document whose records have the bounds ``spans`` in ``text.body``."""
    return locations_at(text, {row: spans[row - 1] for row in rows if 1 <= row <= len(spans)}, mapped)


def locations_at(text: Text, spans: Mapping[int, Span], mapped: Mapping[str, Any]) -> pl.DataFrame:
    """Do the same for the records whose bounds ``spans`` has, by row number."""
    shift = text.shift
    columns = {
        "row": list(spans),
        "offset": [None if shift is None else start + shift for start, _ in spans.values()],
        "length": [None if shift is None else end - start for start, end in spans.values()],
        "record": [_mapped_json(text.body[start:end], mapped) for start, end in spans.values()],
    }
    return pl.DataFrame(columns, schema=LOCATIONS)


@lru_cache
def mapped_fields(record: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON keys that ``record`` reads, nested as in the file; ``None`` is a plain value."""
    hints = get_type_hints(record)
    return {field.encode_name: _template(hints[field.name]) for field in msgspec.structs.fields(record)}


def _template(hint: Any) -> Any:  # noqa: ANN401 (type hints have no common type)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return mapped_fields(hint)
    inner = [template for template in map(_template, get_args(hint)) if template is not None]
    if not inner:
        return None
    return inner[:1] if getattr(hint, "__origin__", None) is list else inner[0]


def _mapped_json(piece: bytes, mapped: Mapping[str, Any]) -> str | None:
    try:
        record = msgspec.json.decode(piece)
        return (
            json.dumps(_mapped(record, mapped, _names(mapped)), ensure_ascii=False)
            if isinstance(record, dict)
            else None
        )
    except UNREADABLE:
        return None


def _mapped(value: Any, template: Any, names: AbstractSet[str]) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the mapped parts of ``value``. If its type is not the expected one, keep the keys in ``names``."""
    if isinstance(value, list):
        inner = template[0] if isinstance(template, list) else template
        return [_mapped(item, inner, names) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(template, dict):
        return {key: _mapped(value[key], inner, names) for key, inner in template.items() if key in value}
    return {key: _mapped(part, None, names) for key, part in value.items() if key in names}


def _names(template: Any) -> frozenset[str]:  # noqa: ANN401 (as ``mapped_fields`` makes it)
    """Return all keys of a template."""
    if isinstance(template, list):
        return _names(template[0])
    if not isinstance(template, dict):
        return frozenset()
    return frozenset(template).union(*map(_names, template.values()))
