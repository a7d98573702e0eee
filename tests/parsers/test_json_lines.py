"""JSON Lines: a broken line affects no other, wherever the file ends."""

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
from etl.parsers import JsonLines


class Child(msgspec.Struct):
    name: str | None = None


class Row(msgspec.Struct):
    time: int | None = None
    name: str | None = None
    child: Child | None = None


LAYOUT = JsonLines(Row)
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\{}[],:\n'), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "time": st.none() | st.integers(-(2**62), 2**62),
        "private": JSON,
        "name": st.none() | TEXT,
        "child": st.fixed_dictionaries({}, optional={"name": TEXT, "private": JSON}),
    },
)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", " \n \t\n", "\r\n\ufeff", "", "  "])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
BROKEN = st.sampled_from(
    [
        b"",
        b"{",
        b"}",
        b'{"time":',
        b'{"time":1',
        b'{"time":1}}',
        b'{"time":1},',
        b'{"time": NaN}',
        b'{"name":"a}',
        b"[1",
        b"x",
    ]
) | st.binary(min_size=1, max_size=12).filter(lambda line: b"\n" not in line and b"}" not in line)


def mapped(row: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of ``row`` that ``Row`` reads."""
    kept = {key: value for key, value in row.items() if key in {"time", "name", "child"}}
    if "child" in kept:
        kept["child"] = {key: value for key, value in kept["child"].items() if key == "name"}
    return kept


def expected(rows: list[dict[str, Any]]) -> list[Row]:
    return [msgspec.convert(row, Row) for row in rows]


@given(st.lists(st.tuples(ROWS, ENDS), max_size=6), ENCODINGS, st.booleans())
def test_rows_with_any_blanks_between_them(
    written: list[tuple[dict[str, Any], str]], encoding: str, ascii_only: bool
) -> None:
    rows = [row for row, _ in written]
    data = "".join(json.dumps(row, ensure_ascii=ascii_only) + end for row, end in written).encode(encoding)
    records = LAYOUT.read(data)
    assert records.rows == expected(rows)
    assert records.broken == {}
    locations = LAYOUT.locate(data, range(len(rows) + 2))
    assert locations.schema == LOCATIONS
    assert locations["row"].to_list() == list(range(1, len(rows) + 1))
    for row, place in zip(rows, locations.to_dicts(), strict=True):
        assert json.loads(place["record"]) == mapped(row)
        if encoding == "utf-16":
            assert place["offset"] is place["length"] is None
        else:
            assert json.loads(data[place["offset"] : place["offset"] + place["length"]]) == row


@given(st.lists(ROWS, max_size=4), ENCODINGS)
def test_records_that_were_found_make_a_file_that_reads_the_same(rows: list[dict[str, Any]], encoding: str) -> None:
    data = "\n".join(map(json.dumps, rows)).encode(encoding)
    found = LAYOUT.locate(data, range(1, len(rows) + 1))["record"].to_list()
    assert LAYOUT.read(LAYOUT.document(found)).rows == LAYOUT.read(data).rows


@given(st.lists(st.tuples(BROKEN, ROWS), min_size=1, max_size=5))
def test_broken_line_affects_no_other(lines: list[tuple[bytes, dict[str, Any]]]) -> None:
    good = [{"time": 1}, *(row for _, row in lines)]
    data = b'{"time": 1}\n' + b"".join(line + b"\n" + json.dumps(row).encode() + b"\n" for line, row in lines)
    records = LAYOUT.read(data)
    assert [row for number, row in enumerate(records.rows, 1) if number not in records.broken] == expected(good)
    assert len(records.broken) == len([line for line, _ in lines if line.strip(b" \t\r\xef\xbb\xbf")])
    assert all(row == Row() for number, row in enumerate(records.rows, 1) if number in records.broken)


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b'{"time":"soon"}', RejectReason.WRONG_TYPE, "time: expected int, got str"),
        (b'{"time":1', RejectReason.MALFORMED, "the record breaks off"),
        (b'{"time":1},', RejectReason.MALFORMED, "trailing characters at byte 11 of the record"),
        (b'{"name":"\\ud800"}', RejectReason.BAD_ENCODING, "\\ud800 is half of a surrogate pair"),
        (b'{"name":"\xff"}', RejectReason.BAD_ENCODING, "byte 0xff is not UTF-8"),
        (b'{"x":' + b"[" * 100_000, RejectReason.MALFORMED, "nested too deeply"),
        (b"17", RejectReason.WRONG_TYPE, "the record: expected object, got int"),
    ],
)
def test_reason_of_broken_line(line: bytes, reason: RejectReason, detail: str) -> None:
    records = LAYOUT.read(b'{"time":1}\n' + line + b'\n{"time":3}')
    assert records.rows == expected([{"time": 1}, {}, {"time": 3}])
    assert records.broken == {2: (reason, detail)}


def test_two_records_on_one_line_of_joined_files() -> None:
    data = b'{"time":1,"name":"}{"}{"time":2} {"time":3}{"time":4,\n{"time":5}\xef\xbb\xbf{"time":6}'
    records = LAYOUT.read(data)
    assert [row.time for row in records.rows] == [1, 2, 3, None, 5, 6]
    assert list(records.broken) == [4]
    assert LAYOUT.locate(data, [4])["offset"].item() == data.index(b'{"time":4')


def test_file_cut_off_inside_a_line() -> None:
    lines = [json.dumps({"time": time, "name": "ü [x] {y}", "tags": [1, {}]}, ensure_ascii=False) for time in (1, 2, 3)]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        whole = "\r\n".join(lines).encode(encoding)
        for length in range(4, len(whole) + 1):
            left = whole[:length].decode(encoding, "ignore").rstrip("\r").split("\r\n")
            complete = left == lines[: len(left)]
            records = LAYOUT.read(whole[:length])
            times = [1, 2, 3][: len(left) if complete else len(left) - 1]
            assert [row.time for row in records.rows][: len(times)] == times
            if complete or not left[-1].strip():
                assert (len(records.rows), records.broken) == (len(times), {})
            else:
                detail = f"the file ends at byte {length}, inside this record: it was cut off"
                assert records.broken == {len(left): (RejectReason.MALFORMED, detail)}


def test_a_last_line_that_is_broken_before_its_end_was_not_cut_off() -> None:
    assert LAYOUT.read(b'{"time":1}\n{"time":}').broken[2].detail == "invalid character at byte 8 of the record"
    assert LAYOUT.read(b'{"time":1}\n{"time":\n').broken[2].detail == "the record breaks off"


def test_lines_of_any_length_are_read() -> None:
    names = ["x" * 70_000, "}{" * 500_000, "\\" * 1_000_000]
    data = "\n".join(json.dumps({"name": name}) for name in names).encode()
    for text in (data, data + b"\n{"):
        assert [row.name for row in LAYOUT.read(text).rows[:3]] == names


def test_long_line_of_many_records_takes_linear_time() -> None:
    records = LAYOUT.read(b'{"time":1}' * 20_000 + b"\n{")
    assert len(records.rows) == 20_001
    assert list(records.broken) == [20_001]


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", "\n".encode("utf-16"), b"\xff\xfe\n"])
def test_a_blank_file_has_no_records(data: bytes) -> None:
    assert LAYOUT.read(data).rows == []
    assert LAYOUT.locate(data, [1]).is_empty()


def test_records_that_run_over_several_lines_are_refused() -> None:
    data = "\n".join(json.dumps({"time": time}, indent=2) for time in (1, 2)).encode()
    with pytest.raises(BrokenFileError, match="run over several lines") as refused:
        LAYOUT.read(data)
    assert refused.value.hint
    assert LAYOUT.read(b'{\n{"time":2}').rows == [Row(), Row(2)]
