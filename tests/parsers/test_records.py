"""JSON lists: finds every record, and a broken record affects no other."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.core.schema import LOCATIONS
from etl.parsers import locate, mapped_fields, read_records
from etl.parsers.json_split import split
from etl.parsers.utf8 import Text
from tests.helpers.examples import examples


class Child(msgspec.Struct):
    name: str | None = None


class Row(msgspec.Struct):
    time: int | None = None
    name: str | None = None
    tags: list[str] | None = None
    child: Child | None = None
    children: list[Child] | None = None


MAPPED = {"time": None, "name": None, "tags": None, "child": {"name": None}, "children": [{"name": None}]}
PATHS = st.sampled_from([(), ("rows",), ("scrobbles", "rows")])
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\{}[],:'), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.sampled_from(["time", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


CHILD = st.builds(lambda number, name: {"id": number, "name": name}, st.integers(), TEXT)


def rows_with(private: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return records as exporters write them: the first key is always the same, the others come in any order."""
    optional = {
        "name": st.none() | TEXT,
        "private": private,
        "tags": st.lists(TEXT, max_size=3),
        "child": st.fixed_dictionaries({"name": TEXT}),
        "children": st.lists(CHILD, max_size=2),
    }
    return st.builds(
        lambda time, rest: {"time": time, **rest},
        st.none() | st.integers(-(2**62), 2**62),
        st.fixed_dictionaries({}, optional=optional),
    )


ROW = rows_with(JSON)
# The first key of a record marks where it begins, so no record has a list of objects with that first key.
VICTIM = rows_with(TEXT | st.lists(CHILD, max_size=2) | st.lists(st.lists(TEXT, max_size=2), max_size=2))
quick = examples(70)


def document(records: list[bytes], path: tuple[str, ...], between: bytes = b",\n  ") -> bytes:
    inner = b"[" + between.join(records) + b"]"
    return b'{"rows [x": {"a": [1]}, "%s": %s, "tail": [{}]}' % (path[-1].encode(), inner) if path else inner + b"\n"


def written(record: Any, ascii_only: bool = False) -> bytes:  # noqa: ANN401 (any JSON value)
    return json.dumps(record, ensure_ascii=ascii_only).encode()


def expected(record: dict[str, Any]) -> Row:
    return msgspec.convert(record, Row)


@quick
@given(st.lists(JSON, max_size=6), PATHS, st.sampled_from([None, 0, 3]))
def test_a_sound_document_is_split_exactly(values: list[Any], path: tuple[str, ...], indent: int | None) -> None:
    data = json.dumps({"x": [{"time": 1}], path[0]: values, "y": "]}"} if path else values, indent=indent).encode()
    spans = split(Text(data, 0), path, MAPPED)
    assert [json.loads(data[start:end]) for start, end in spans] == values


@quick
@given(st.lists(ROW, max_size=5), PATHS, st.booleans())
def test_rows_are_read_back_and_found_again(
    rows: list[dict[str, Any]], path: tuple[str, ...], ascii_only: bool
) -> None:
    data = document([written(row, ascii_only) for row in rows], path)
    records = read_records(data, path, Row)
    assert records.broken == {}
    assert records.rows == [expected(row) for row in rows]
    locations = locate(data, path, range(1, len(rows) + 1), MAPPED)
    assert locations.schema == LOCATIONS
    for row, (number, offset, length, record) in zip(rows, locations.rows(), strict=True):
        assert json.loads(data[offset : offset + length]) == row
        assert "private" not in json.loads(record)
        assert msgspec.convert(json.loads(record), Row) == records.rows[number - 1]


def cut_short(record: bytes, at: float) -> bytes:
    return record[: 1 + int(at * (len(record) - 2))]


def with_bad_escape(record: bytes, at: float) -> bytes:
    return record[:-1] + b',"name":"a\\qb"}'


def with_bad_bytes(record: bytes, at: float) -> bytes:
    return record[:-1] + b',"name":"\xff\xfe"}'


def with_half_a_pair(record: bytes, at: float) -> bytes:
    return record[:-1] + b',"name":"\\ud83d!"}'


def with_nan(record: bytes, at: float) -> bytes:
    return record[:-1] + b',"private":NaN}'


def with_wrong_type(record: bytes, at: float) -> bytes:
    return record[:-1] + b',"tags":{"time":1}}'


def without_end_quote(record: bytes, at: float) -> bytes:
    return record[:-1] + b',"name":"open}'


def with_raw_line_end(record: bytes, at: float) -> bytes:
    return record[:-1] + b',"name":"a\nb"}'


def no_object(record: bytes, at: float) -> bytes:
    return [b"null", b"17", b'"text"', b'[{"time":1}]', b"true", b"nonsense"][int(at * 5)]


REASONS = {
    cut_short: None,
    with_bad_escape: RejectReason.MALFORMED,
    with_bad_bytes: RejectReason.BAD_ENCODING,
    with_half_a_pair: RejectReason.BAD_ENCODING,
    with_nan: RejectReason.MALFORMED,
    with_wrong_type: RejectReason.WRONG_TYPE,
    without_end_quote: RejectReason.MALFORMED,
    with_raw_line_end: RejectReason.MALFORMED,
    no_object: None,
}


@pytest.mark.parametrize("damage", REASONS, ids=lambda damage: damage.__name__)
@examples(15)
@given(
    st.lists(ROW, max_size=3),
    VICTIM,
    st.lists(ROW, max_size=3),
    st.floats(0, 1),
    PATHS,
    st.sampled_from([b",", b" ,\n  "]),
)
def test_a_broken_record_affects_no_other(
    damage: Any,  # noqa: ANN401 (a function of the table above)
    before: list[dict[str, Any]],
    victim: dict[str, Any],
    after: list[dict[str, Any]],
    at: float,
    path: tuple[str, ...],
    between: bytes,
) -> None:
    wreck = damage(written(victim), at)
    data = document([*map(written, before), wreck, *map(written, after)], path, between)
    try:
        records = read_records(data, path, Row)
    except BrokenFileError:
        # A broken last record may look as if the file was cut off inside it. Then nothing is loaded.
        assert damage in {cut_short, without_end_quote}
        assert not after
        return
    good = {**dict(enumerate(before, 1)), **dict(enumerate(after, len(records.rows) - len(after) + 1))}
    assert {row: records.rows[row - 1] for row in good} == {row: expected(source) for row, source in good.items()}
    assert set(records.broken) == set(range(1, len(records.rows) + 1)) - set(good)
    assert len(before) + 1 in records.broken
    if REASONS[damage] is not None:
        assert records.broken[len(before) + 1].reason == REASONS[damage]
    locations = locate(data, path, sorted(good), MAPPED)
    for row, offset, length, _ in locations.rows():
        assert json.loads(data[offset : offset + length]) == good[row]


@examples(100)
@given(st.tuples(ROW, VICTIM, ROW) | st.tuples(ROW, VICTIM, ROW, ROW), st.floats(0, 1), st.integers(0, 255), PATHS)
def test_changed_byte_affects_no_other_record(
    rows: tuple[dict[str, Any], ...], at: float, byte: int, path: tuple[str, ...]
) -> None:
    pieces = [written(row) for row in rows]
    position = int(at * (len(pieces[1]) - 1))
    pieces[1] = pieces[1][:position] + bytes([byte]) + pieces[1][position + 1 :]
    records = read_records(document(pieces, path), path, Row)
    assert records.rows[0] == expected(rows[0])
    assert records.rows[-(len(rows) - 2) :] == [expected(row) for row in rows[2:]]


def test_the_last_of_equal_keys_counts_on_both_paths() -> None:
    record = b'{"time":1,"time":2}'
    assert read_records(b"[" + record + b"]", (), Row).rows == [Row(time=2)]
    assert read_records(b"[" + record + b",5]", (), Row).rows == [Row(time=2), Row()]
    assert locate(b"[" + record + b"]", (), [1], MAPPED)["record"].item() == '{"time": 2}'


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (b'{"time":{}}', RejectReason.WRONG_TYPE, "time: expected int, got object"),
        (b'{"time":1.5}', RejectReason.WRONG_TYPE, "time: expected int, got float"),
        (b'{"tags":["a",5]}', RejectReason.WRONG_TYPE, "tags[1]: expected str, got int"),
        (b'{"child":{"name":5}}', RejectReason.WRONG_TYPE, "child.name: expected str, got int"),
        (b'{"time":1e999}', RejectReason.WRONG_TYPE, "time: number out of range"),
        (b"[]", RejectReason.WRONG_TYPE, "the record: expected object, got array"),
        (b'{"name":"\xc3("}', RejectReason.BAD_ENCODING, "byte 0xc3 is not UTF-8"),
        (b'{"x":"\\\\\\ud83d\\u0041"}', RejectReason.BAD_ENCODING, "\\ud83d is half of a surrogate pair"),
        (b'{"x":"\\ud83d\\ude00\\udE01"}', RejectReason.BAD_ENCODING, "\\udE01 is half of a surrogate pair"),
        (b'{"x":"\\ud83d"}', RejectReason.BAD_ENCODING, "\\ud83d is half of a surrogate pair"),
        (b'{"x":1', RejectReason.MALFORMED, "the record breaks off"),
        (b'{"x":NaN}', RejectReason.MALFORMED, "invalid character at byte 5 of the record"),
        (b'{"x":"\\x"}', RejectReason.MALFORMED, "invalid escaped character at byte 7 of the record"),
    ],
)
def test_reason_of_broken_record(record: bytes, reason: RejectReason, detail: str) -> None:
    records = read_records(b"[" + record + b',{"time":1}]', (), Row)
    assert records.broken[1] == (reason, detail)
    assert records.rows[-1] == Row(time=1)


def test_numbers_as_text_and_whole_floats_are_numbers_of_any_size() -> None:
    records = read_records(b'[{"time":"12"},{"time":12.0},{"time":100000000000000000000}]', (), Row)
    assert [row.time for row in records.rows] == [12, 12, 10**20]


def test_a_record_nested_a_hundred_thousand_deep_is_broken_alone() -> None:
    deep = b'{"time":1,"private":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    records = read_records(b'[{"time":1},' + deep + b',{"time":2}]', (), Row)
    assert records.broken == {2: (RejectReason.MALFORMED, "nested too deeply")}
    assert records.rows == [Row(time=1), Row(), Row(time=2)]


def test_escapes_and_a_megabyte_next_to_a_broken_record() -> None:
    long = b'{"time":1,"name":"' + b'\\"' * 500_000 + b'"}'
    records = read_records(b"[" + long + b',{"time":NaN},' + long + b"]", (), Row)
    assert [len(row.name or "") for row in records.rows] == [500_000, 0, 500_000]


def test_many_records_without_brace_take_linear_time() -> None:
    count = 20_000
    records = read_records(b"[" + b",".join([b'{"time":1,"name":"a"'] * count) + b',{"time":2}]', (), Row)
    assert len(records.broken) == count
    assert records.rows[-1] == Row(time=2)


@pytest.mark.parametrize(
    ("data", "good"),
    [
        (b'[{"time":1},{"time":2},]', 2),
        (b'[{"time":1},,{"time":2}]', 2),
        (b'[{"time":1}{"time":2}]', 2),
        (b'[{"time":1}}, {"time":2}]', 1),
        (b'[{"time":1}, {"time":2]', 1),
        (b'[{"time":1}, {"time":2, "name":"a"b"}]', 1),
        (b'[{"time":1}, "name":"x"]}, {"time":2}]', 2),
        (b'[{"time":1}, ]"name":"x"}, {"time":2}]', 2),
    ],
)
def test_readable_records_of_a_damaged_list_are_read(data: bytes, good: int) -> None:
    records = read_records(data, (), Row)
    assert len(records.rows) - len(records.broken) == good


def test_offsets_in_utf8_and_utf16() -> None:
    text = '[{"time": 1, "name": "ü"}, {"time": 2, "name": "ö"}]'
    for encoding, offset in (("utf-8", 28), ("utf-8-sig", 31)):
        data = text.encode(encoding)
        row, start, length, record = locate(data, (), [2], MAPPED).row(0)
        assert (row, start, length) == (2, offset, 25)
        assert data[start : start + length].decode() == '{"time": 2, "name": "ö"}'
        assert record == '{"time": 2, "name": "ö"}'
    assert locate(text.encode("utf-16"), (), [2], MAPPED).row(0) == (2, None, None, '{"time": 2, "name": "ö"}')


def test_half_a_surrogate_pair_in_utf16_rejects_its_record() -> None:
    data = '[{"time":1,"name":"\ud83d"},{"time":2,"name":"ö"}]'.encode("utf-16", "surrogatepass")
    records = read_records(data, (), Row)
    assert records.broken[1].reason == RejectReason.BAD_ENCODING
    assert records.rows[1] == Row(time=2, name="ö")


def test_locate_returns_mapped_fields_of_objects_only() -> None:
    wrong = b'{"time":{"ip":1},"ip":"192.0.2.1","child":{"name":5,"ip":"x"},"children":[{"id":1,"name":"a"},7]}'
    data = b"[" + wrong + b',7,{"time":NaN},{"name":"\xff"},{"time":' + b"9" * 5000 + b'},{"name":"\\udc00"}]'
    locations = locate(data, (), [6, 1, 2, 3, 4, 5, 8, 0, -1], MAPPED)
    assert locations["row"].to_list() == [6, 1, 2, 3, 4, 5]
    shown = '{"time": {}, "child": {"name": 5}, "children": [{"name": "a"}, 7]}'
    assert locations["record"].to_list() == [None, shown, None, None, None, None]


def test_mapped_fields_follow_the_types() -> None:
    assert mapped_fields(Row) == MAPPED


def test_a_key_behind_the_list_may_hold_any_bytes() -> None:
    for behind in (b'"\xff":1', b'"\xed\xa0\xbd":1,"x":[]'):
        data = b'{"rows":[{"time":1},{"time":NaN}],' + behind + b"}"
        assert locate(data, ("rows",), [1, 2], MAPPED)["offset"].to_list() == [9, 20]
