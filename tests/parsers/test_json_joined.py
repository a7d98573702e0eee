"""Lists of JSON that people have joined or wrapped: every record is found, and a broken one affects no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.parsers import JsonJoined, JsonList
from tests.helpers.examples import examples
from tests.parsers.test_records import REASONS, ROW, VICTIM, Row, cut_short, expected, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

JOINED = JsonJoined(Row)
LISTS = st.lists(st.lists(ROW, max_size=3), min_size=1, max_size=3)


def listed(records: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(records) + b"]"


FORMS: dict[str, Callable[[list[list[bytes]]], bytes]] = {
    "cat": lambda lists: b"".join(map(listed, lists)),
    "cat with line ends": lambda lists: b"\n".join(map(listed, lists)) + b"\n",
    "cat with byte order marks": lambda lists: b"".join(b"\xef\xbb\xbf" + listed(one) for one in lists),
    "jq -s": lambda lists: listed([listed(one) for one in lists]),
    "lines": lambda lists: b"".join(record + b"\n" for one in lists for record in one),
    "one line": lambda lists: b"".join(record for one in lists for record in one),
    "wrapped": lambda lists: (
        b'{"user":"a","history":' + listed([record for one in lists for record in one]) + b',"count":{"x":[1]}}'
    ),
    "wrapped one by one": lambda lists: b"".join(b'{"history": ' + listed(one) + b"}\n" for one in lists),
    "wrapped together": lambda lists: (
        b"{" + b",".join(b'"%d":%s' % (number, listed(one)) for number, one in enumerate(lists)) + b"}"
    ),
}
FORM = st.sampled_from(list(FORMS))


@examples(150)
@given(LISTS, FORM)
def test_rows_of_joined_lists_run_on(lists: list[list[dict[str, Any]]], form: str) -> None:
    rows = [row for one in lists for row in one]
    data = FORMS[form]([list(map(written, one)) for one in lists])
    if not rows and form in {"lines", "one line"}:
        return
    records = JOINED.read(data)
    assert records.broken == {}
    assert records.rows == list(map(expected, rows))
    locations = JOINED.locate(data, range(1, len(rows) + 9))
    assert locations["row"].to_list() == list(range(1, len(rows) + 1))
    for row, (_, offset, length, record) in zip(rows, locations.rows(), strict=True):
        assert json.loads(data[offset : offset + length]) == row
        assert JOINED.read(JOINED.document([record])).rows == [expected(row)]


@pytest.mark.parametrize("damage", REASONS, ids=lambda damage: damage.__name__)
@examples(25)
@given(st.tuples(ROW, ROW, ROW, ROW), VICTIM, st.floats(0, 1), FORM)
def test_a_broken_record_affects_no_other_in_any_list(
    damage: Any,  # noqa: ANN401 (a function of the table REASONS)
    others: tuple[dict[str, Any], ...],
    victim: dict[str, Any],
    at: float,
    form: str,
) -> None:
    wreck = damage(written(victim), at)
    if not wreck.startswith(b"{"):
        return  # outside a list, only objects are records
    if form == "one line" and damage is cut_short:
        return  # nothing shows where the next record begins
    first, second, third, fourth = map(written, others)
    data = FORMS[form]([[first, second], [wreck, third], [fourth]])
    records = JOINED.read(data)
    last = len(records.rows)
    good = {1: others[0], 2: others[1], last - 1: others[2], last: others[3]}
    assert {row: records.rows[row - 1] for row in good} == {row: expected(source) for row, source in good.items()}
    assert set(records.broken) == set(range(3, last - 1))
    if REASONS[damage] is not None:
        assert records.broken[3].reason == REASONS[damage]
    for row, offset, length, _ in JOINED.locate(data, sorted(good)).rows():
        assert json.loads(data[offset : offset + length]) == good[row]


@examples(100)
@given(st.tuples(ROW, ROW, ROW), VICTIM, st.floats(0, 1), st.sampled_from(list(REASONS)), FORM)
def test_a_record_cut_after_a_broken_one_leaves_the_others_alone(
    others: tuple[dict[str, Any], ...],
    victim: dict[str, Any],
    at: float,
    damage: Any,  # noqa: ANN401 (a function of the table REASONS)
    form: str,
) -> None:
    broken, cut = damage(written(victim), at), cut_short(written(victim), at)
    if not broken.startswith(b"{") or form == "one line":
        return  # only objects are records outside a list, and on one line nothing shows where the next one begins
    first, second, third = map(written, others)
    records = JOINED.read(FORMS[form]([[broken, first], [cut, second], [third]]))
    sound = [row for number, row in enumerate(records.rows, 1) if number not in records.broken]
    assert sound == list(map(expected, others))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cut", [b'"tags":["a"', b'"tags":[', b'"private":[["a"]', b'"children":[{"id":1,"name":"a"}'])
@pytest.mark.parametrize("before", [[], [b'{"time":x}']], ids=["first", "after a broken record"])
def test_a_record_that_is_cut_inside_a_list_is_rejected_alone(form: str, cut: bytes, before: list[bytes]) -> None:
    if form == "one line":
        return  # nothing shows where the next record begins
    records = JOINED.read(FORMS[form]([[*before, b'{"time":1,' + cut, b'{"time":2}'], [b'{"time":3}']]))
    broken = len(before) + 1
    assert set(records.broken) == set(range(1, broken + 1))
    assert records.rows[broken:] == [Row(time=2), Row(time=3)]


@examples(60)
@given(st.lists(ROW, max_size=2), VICTIM, FORM, st.floats(0, 1))
def test_a_file_that_was_cut_inside_a_record_is_refused(
    rows: list[dict[str, Any]], victim: dict[str, Any], form: str, at: float
) -> None:
    whole = list(map(written, [*rows, victim]))
    data = FORMS[form]([whole])
    begin = data.index(whole[-1])
    with pytest.raises(BrokenFileError):
        JOINED.read(data[: begin + 1 + int(at * (len(whole[-1]) - 2))])


@examples(40)
@given(st.lists(ROW, max_size=3), st.sampled_from([b"", b" ", b"\n"]), st.booleans())
def test_a_plain_list_is_read_as_before(rows: list[dict[str, Any]], blank: bytes, broken: bool) -> None:
    data = blank + listed([*map(written, rows), *([b'{"time": x}'] if broken else [])]) + blank
    ours, theirs = JOINED.read(data), JsonList(Row).read(data)
    assert (ours.rows, ours.broken, ours.spans) == (theirs.rows, theirs.broken, theirs.spans)
    numbers = range(1, len(rows) + 2)
    assert JOINED.locate(data, numbers).equals(JsonList(Row).locate(data, numbers))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"null", "no list of records"),
        (b"{}", "no list of records"),
        (b'[{"time":1}][', "after record 1"),
        (b'[[{"time":1}]', "after record 1"),
        (b'{"a":[{"time":1}]', "after record 1"),
        (b'{"a":[{"time":1}],"b":"', "after record 1"),
        (b'[{"time":1}][{"ti', "inside record 2"),
        (b'{"time":1}\n{"time":2', "inside record 2"),
        (b'{"error":"none"}', "no list of records"),
        (b'[{"time":1}][{"time":2}]{"error":"none"}', "other than a list follows record 2"),
        (b'[{"time":1}][{"time":2}] 5', "other than a list follows record 2"),
        (b'[{"time":1}][{"time":2}]]', "other than a list follows record 2"),
        (b'{"a":[{"time":1}], 5}', "other than a list follows record 1"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message) as refused:
        JOINED.read(data)
    assert refused.value.hint


@pytest.mark.parametrize("data", [b"[]", b"[][]", b"[[],[]]", b'{"history":[]}'])
def test_lists_without_records_are_empty(data: bytes) -> None:
    assert JOINED.read(data).rows == []
