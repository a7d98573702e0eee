"""Owns the way back from a row to its place in the file, and to the fields of it that this program reads."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
import polars as pl

from etl.core.schema import PLACES
from etl.parsers.json_split import UNREADABLE, split, to_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from etl.parsers.json_split import Span, Text


def locate(data: bytes, path: tuple[str, ...], rows: Sequence[int], mapped: Mapping[str, Any]) -> pl.DataFrame:
    """Find the records with the numbers ``rows`` (from 1); a number that the file does not have is left out.

    Columns out: ``PLACES``. ``offset`` and ``length`` count bytes of ``data`` (null where it had to be transcoded);
    ``record`` holds the fields named in ``mapped`` as JSON, null where the record is no object that can be parsed.
    """
    text = to_utf8(data)
    return place(text, split(text, path, mapped), rows, mapped)


def place(text: Text, spans: Sequence[Span], rows: Sequence[int], mapped: Mapping[str, Any]) -> pl.DataFrame:
    """Do the same for a document whose records stand at ``spans`` of ``text.body``."""
    return place_found(text, {row: spans[row - 1] for row in rows if 1 <= row <= len(spans)}, mapped)


def place_found(text: Text, spans: Mapping[int, Span], mapped: Mapping[str, Any]) -> pl.DataFrame:
    """Do the same for records whose bounds are known, by number."""
    shift = text.shift
    columns = {
        "row": list(spans),
        "offset": [None if shift is None else start + shift for start, _ in spans.values()],
        "length": [None if shift is None else end - start for start, end in spans.values()],
        "record": [_mapped_json(text.body[start:end], mapped) for start, end in spans.values()],
    }
    return pl.DataFrame(columns, schema=PLACES)


@lru_cache
def mapped_fields(record: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON keys that ``record`` reads, nested as in the file; ``None`` stands for a value."""
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
    """Return the mapped parts of ``value``. Where it is of another type than expected, they are known by ``names``."""
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
