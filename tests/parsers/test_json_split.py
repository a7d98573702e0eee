"""Records that are decoded many at a time come out as if each had been cut out and decoded by itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.parsers import JsonList, json_split, locate, mapped_fields, read_records
from tests.helpers.examples import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\{}[],: '), max_size=10)
PATHS = st.sampled_from([(), ("rows",)])


class Row(msgspec.Struct):
    time: int | None = None
    name: str | None = None
    tags: list[str] | None = None


# An object in a record may look like a record; of a wreck's, more than NESTED_STARTS of them are not seen through.
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
ODD = st.sampled_from(
    [
        b"null",
        b"17",
        b'"text"',
        b"[]",
        b"{}",
        b"",
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
        b'{"time":1,"x":{"time":2},"y":[{"time":3},{"time":4}]}',
        b'{"name":"a"b"}',
    ]
)


def outcome(data: bytes, path: tuple[str, ...], longest: int, shortest: int) -> Any:  # noqa: ANN401 (to be compared)
    """Return all that reading comes to, with stretches of these sizes; ``longest`` 0: each record by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_split, "LONGEST_STRETCH", longest)
        patch.setattr(json_split, "SHORTEST_STRETCH", shortest)
        try:
            records = read_records(data, path, Row)
        except BrokenFileError as error:
            return str(error)
        places = locate(data, path, range(1, len(records.rows) + 1), mapped_fields(Row))
        broken = places.filter(places["row"].is_in(list(records.broken)))
        assert JsonList(Row, path).places(data, records).equals(broken)
        return records.rows, records.broken, places.rows()


def document(records: list[bytes], path: tuple[str, ...], between: bytes) -> bytes:
    inner = b"[" + between.join(records) + b"]"
    return b'{"first": {"a": [1]}, "rows": %b, "tail": [{}]}' % inner if path else inner


@examples(130)
@given(
    st.lists(RECORD | RECORD | ODD, min_size=1, max_size=12),
    PATHS,
    st.sampled_from([b",", b", ", b" ,\n  "]),
    st.sampled_from([8, 40, 100, 1 << 18]),
)
def test_stretches_change_nothing(records: list[bytes], path: tuple[str, ...], between: bytes, longest: int) -> None:
    data = document(records, path, between)
    assert outcome(data, path, longest, min(longest, 16)) == outcome(data, path, 0, 1)


@examples(130)
@given(
    st.lists(RECORD, min_size=2, max_size=8),
    st.floats(0, 1),
    st.integers(0, 255) | st.sampled_from(list(b'"{}[],:\\')),
    PATHS,
    st.sampled_from([8, 40, 100]),
)
@example([b'{"time":1}', b'{"time":2,"name":"a"}'], 0.99, ord("]"), (), 8)
def test_stretches_change_nothing_where_one_byte_is_another(
    records: list[bytes], at: float, byte: int, path: tuple[str, ...], longest: int
) -> None:
    data = document(records, path, b", ")
    position = int(at * (len(data) - 1))
    data = data[:position] + bytes([byte]) + data[position + 1 :]
    assert outcome(data, path, longest, 8) == outcome(data, path, 0, 1)


def test_around_a_broken_record_few_others_are_cut_out() -> None:
    class Counting(json_split.Spans):
        alone = 0

        def record(self, start: int, end: int) -> None:
            self.alone += 1
            super().record(start, end)

    records = [b'{"time":%d,"name":"%b"}' % (number, b"x" * 200) for number in range(5_000)]
    records[1_000] = b'{"time":NaN}'
    records[4_000] = b'{"time":'
    text = json_split.Text(b"[" + b",".join(records) + b"]", 0)
    pieces = Counting(text.body)
    json_split.cut(text, (), mapped_fields(Row), pieces)
    assert [text.body[start:end] for start, end in pieces.found] == records
    assert pieces.alone < 40
