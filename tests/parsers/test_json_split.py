"""Splitting a JSON list: records are found whatever is wrong with those around them."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.parsers import JsonList, locate, mapped_fields, read_records, to_utf8
from etl.parsers.json_split import split, syntax
from tests.helpers.examples import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\{}[],: '), max_size=10)
PATHS = st.sampled_from([(), ("rows",)])
BETWEEN = st.sampled_from([b",", b", ", b" ,\n  "])


class Row(msgspec.Struct):
    time: int | None = None
    name: str | None = None
    tags: list[str] | None = None


# Objects inside a record may look like records; NESTED_STARTS limits how many a record may have.
INNER = st.fixed_dictionaries({"id": st.integers(), "time": st.integers()})
FIELDS = {
    "name": st.none() | TEXT,
    "tags": st.lists(TEXT, max_size=2),
    "other": st.none() | st.booleans() | st.lists(INNER, max_size=4),
}
RECORD = st.builds(
    lambda time, rest: json.dumps({"time": time, **rest}, ensure_ascii=False).encode(),
    st.none() | st.integers(),
    st.fixed_dictionaries({}, optional=FIELDS),
)
BROKEN = st.sampled_from(
    [
        b"17",
        b'"text"',
        b"nonsense",
        b'{"time":NaN}',
        b'{"time":"soon"}',
        b'{"time":1,"tags":5}',
        b'{"time":1,"name":"\\ud83d"}',
        b'{"time":1,"name":"\xff"}',
        b'{"time":1,"name":"open}',
        b'{"time":1',
        b'"time":1}',
        b'{"time":1}}',
        b'{"time":1}]',
        b'{"time":1,"x":[{"time":2}',
        b'{"name":"a"b"}',
    ]
)


def document(records: list[bytes], path: tuple[str, ...], between: bytes) -> bytes:
    inner = b"[" + between.join(records) + b"]"
    return b'{"first": {"a": [1]}, "rows": %b, "tail": [{}]}' % inner if path else inner


def in_order(wanted: list[Row], rows: list[Row]) -> bool:
    rest = iter(rows)
    return all(row in rest for row in wanted)


def check_locations(data: bytes, path: tuple[str, ...]) -> None:
    """Assert that reading and looking records up by number give the same locations of broken records."""
    records = read_records(data, path, Row)
    found = locate(data, path, range(1, len(records.rows) + 1), mapped_fields(Row))
    assert found.height == len(records.rows)
    broken = found.filter(found["row"].is_in(list(records.broken)))
    assert JsonList(Row, path).locations(data, records).equals(broken)


@examples(130)
@given(st.lists(RECORD, max_size=12), PATHS, BETWEEN)
def test_well_formed_list_is_cut_exactly(records: list[bytes], path: tuple[str, ...], between: bytes) -> None:
    data = document(records, path, between)
    assert [data[start:end] for start, end in split(to_utf8(data), path, mapped_fields(Row))] == records


@examples(130)
@given(st.lists(RECORD, min_size=2, max_size=12), st.data(), PATHS, BETWEEN)
def test_sound_records_around_broken_ones(
    records: list[bytes], data: st.DataObject, path: tuple[str, ...], between: bytes
) -> None:
    mixed = list(records)
    for broken in data.draw(st.lists(BROKEN, min_size=1, max_size=3)):
        mixed.insert(data.draw(st.integers(1, len(mixed) - 1)), broken)
    content = document(mixed, path, between)
    read = read_records(content, path, Row)
    assert read.broken or syntax(content) is None  # two broken pieces in a row may make a sound record
    assert in_order([msgspec.json.decode(record, type=Row) for record in records], read.rows)
    check_locations(content, path)


@examples(130)
@given(
    st.lists(RECORD, min_size=2, max_size=8),
    st.floats(0, 1),
    st.integers(0, 255) | st.sampled_from(list(b'"{}[],:\\')),
    PATHS,
)
@example([b'{"time":1}', b'{"time":2,"name":"a"}'], 0.99, ord("]"), ())
def test_any_byte_changed(records: list[bytes], at: float, byte: int, path: tuple[str, ...]) -> None:
    data = document(records, path, b", ")
    position = int(at * (len(data) - 1))
    data = data[:position] + bytes([byte]) + data[position + 1 :]
    with suppress(BrokenFileError):  # the list may be missing, or have no end
        check_locations(data, path)
