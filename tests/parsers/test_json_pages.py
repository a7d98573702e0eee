"""Pages of JSON: finds every record, and a broken record affects no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.core.schema import LOCATIONS
from etl.parsers import JsonPages
from tests.helpers.examples import examples
from tests.parsers.test_records import REASONS, ROW, VICTIM, Row, cut_short, expected, without_end_quote, written

LASTFM = JsonPages(Row, (("recenttracks", "track"), ("track",)))
SUBMITTED = JsonPages(Row, (("payload", "listens"), ("payload",), ("listens",)))

PAGE = st.tuples(st.lists(ROW, max_size=3), st.sampled_from(["flat", "nested", "late", "single"]))
quick = examples(50)


def page_of(records: list[bytes], kind: str = "flat") -> bytes:
    """Return a page; one of kind "single" has its record instead of the list, if it has one record."""
    listed = records[0] if kind == "single" and len(records) == 1 else b"[" + b",".join(records) + b"]"
    attributes = b'"@attr":{"page":"1","user":"track"}'
    if kind == "flat":
        return b'{"track":' + listed + b"," + attributes + b"}"
    inner = attributes + b',"track":' + listed if kind == "late" else b'"track":' + listed + b"," + attributes
    return b'{"recenttracks":{' + inner + b"}}"


def file_of(pages: list[bytes], form: str) -> bytes:
    if form == "array":
        return b"[" + b",\n".join(pages) + b"]\n"
    if form == "arrays":
        return b"".join(b"[" + page + b"]\n" for page in pages)
    return (b"\n" if form == "lines" else b"").join(pages)


FORM = st.sampled_from(["array", "arrays", "lines", "joined"])


@quick
@given(st.lists(PAGE, min_size=1, max_size=4), FORM)
def test_rows_are_read_back_and_found_again_across_pages(
    pages: list[tuple[list[dict[str, Any]], str]], form: str
) -> None:
    rows = [row for page, _ in pages for row in page]
    sound = [page_of([written(row) for row in page], kind) for page, kind in pages]
    for extra in ([], [b'{"note":8}']):  # a page without a list takes the tolerant path
        data = file_of([*extra, *sound], form)
        records = LASTFM.read(data)
        assert records.broken == {}
        assert records.rows == [*(Row() for _ in extra), *map(expected, rows)]
        locations = LASTFM.locate(data, range(len(extra) + 1, len(rows) + 9))
        assert locations.schema == LOCATIONS
        assert locations["row"].to_list() == [len(extra) + number for number, _ in enumerate(rows, 1)]
        for row, (_, offset, length, record) in zip(rows, locations.rows(), strict=True):
            assert json.loads(data[offset : offset + length]) == row
            assert LASTFM.read(LASTFM.document([record])).rows == [expected(row)]


@pytest.mark.parametrize("damage", REASONS, ids=lambda damage: damage.__name__)
@examples(15)
@given(
    st.lists(ROW, max_size=2),
    VICTIM,
    st.lists(ROW, max_size=2),
    st.floats(0, 1),
    st.sampled_from(["flat", "nested", "late", "single"]),
    st.tuples(ROW, ROW),
    FORM,
)
def test_a_broken_record_affects_no_other_on_any_page(
    damage: Any,  # noqa: ANN401 (a function of the table REASONS)
    before: list[dict[str, Any]],
    victim: dict[str, Any],
    after: list[dict[str, Any]],
    at: float,
    kind: str,
    others: tuple[dict[str, Any], dict[str, Any]],
    form: str,
) -> None:
    if kind == "single":
        before, after = [], []
    wreck = damage(written(victim), at)
    if kind == "single" and not wreck.startswith(b"{"):
        return  # such a page has no list of records
    middle = page_of([*map(written, before), wreck, *map(written, after)], kind)
    data = file_of([page_of([written(others[0])]), middle, page_of([written(others[1])])], form)
    records = LASTFM.read(data)
    last = len(records.rows)
    good = {1: others[0], **dict(enumerate(before, 2)), last: others[1], **dict(enumerate(after, last - len(after)))}
    assert {row: records.rows[row - 1] for row in good} == {row: expected(source) for row, source in good.items()}
    assert set(records.broken) == set(range(1, last + 1)) - set(good)
    assert len(before) + 2 in records.broken
    if REASONS[damage] is not None:
        assert records.broken[len(before) + 2].reason == REASONS[damage]
    for row, offset, length, _ in LASTFM.locate(data, sorted(good)).rows():
        assert json.loads(data[offset : offset + length]) == good[row]


@pytest.mark.parametrize("damage", REASONS, ids=lambda damage: damage.__name__)
@examples(9)
@given(VICTIM, st.floats(0, 1), st.sampled_from(["flat", "nested", "late", "single"]), ROW, FORM)
def test_broken_last_record_affects_no_other(
    damage: Any,  # noqa: ANN401 (a function of the table REASONS)
    victim: dict[str, Any],
    at: float,
    kind: str,
    other: dict[str, Any],
    form: str,
) -> None:
    wreck = damage(written(victim), at)
    if kind == "single" and not wreck.startswith(b"{"):
        return
    data = file_of([page_of([written(other)]), page_of([wreck], kind)], form)
    try:
        records = LASTFM.read(data)
    except BrokenFileError:
        # A broken last record may look as if the file was cut off inside it. Then nothing is loaded.
        assert damage in {cut_short, without_end_quote}
        return
    assert records.rows[0] == expected(other)
    assert set(records.broken) == set(range(2, len(records.rows) + 1))


SONG = {"time": 1, "name": "a [x] {", "tags": ["]}"], "child": {"name": "b"}}


@pytest.mark.parametrize("kind", ["flat", "nested", "late", "single"])
@pytest.mark.parametrize("form", ["array", "lines"])
def test_file_cut_off_inside_a_page_is_refused(kind: str, form: str) -> None:
    first, second = page_of([written(SONG)] * 2), page_of([written(SONG)], kind)
    whole = file_of([first, second], form)
    for length in range(1, len(whole.rstrip())):
        if form == "lines" and length in {len(first), len(first) + 1}:
            continue  # a cut between two documents cannot be seen
        with pytest.raises(BrokenFileError, match=f"ends at byte {length} |no list of records"):
            LASTFM.read(whole[:length])


def test_page_cut_off_in_mid_file_is_refused() -> None:
    data = file_of([page_of([written(SONG)] * 2), page_of([written(SONG)] * 2)[:-120], page_of([])], "lines")
    with pytest.raises(BrokenFileError, match="the page ends at byte 259 inside record 3"):
        LASTFM.read(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"{}", 'no list of records under "recenttracks.track" or "track"'),
        (b'[{"time":1}]', "no list of records"),
        (b'{"error":8,"message":"x"}', "no list of records"),
        (b'{"track":"x"}', "no list of records"),
        (b"[null]", "no list of records"),
        (b"nonsense", "no list of records"),
        (b'{"track":[],"recenttracks":{"track":[]}}', "more than one of the lists"),
        (b'{"track":{"time":1},"recenttracks":{"track":[]}}', "more than one of the lists"),
        (b'{"track":[{"time":NaN}],"recenttracks":{"track":[]}}', "more than one of the lists"),
        (b'[{"track":[]},{"trac:[{"time":1}]}]', "the page at byte 14, after record 0, is damaged before its list"),
        (b"[", "ends at byte 1 after record 0"),
        (b'[{"track":[{"time":1}]}', "ends at byte 23 after record 1"),
        (b'\xef\xbb\xbf[{"track":[{"time":1}]},{"track":[{"time"', "ends at byte 44 inside record 2"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message) as refused:
        LASTFM.read(data)
    assert refused.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"[[]]",
        b'{"track":[]}',
        b'{"track":null}',
        b'{"recenttracks":{"#text":"\\n"}}',
        b'[{"track":[]},{"track":[]}]',
    ],
)
def test_pages_may_be_empty(data: bytes) -> None:
    assert LASTFM.read(data).rows == []
    assert LASTFM.locate(data, [1]).is_empty()


def test_other_json_between_pages() -> None:
    records = LASTFM.read(b'[{"track":[{"time":1}]},{"error":8},7,{"track":{"time":2}}}]')
    assert records.rows == [Row(time=1), Row(), Row(), Row(time=2), Row()]
    assert {row: broken.reason for row, broken in records.broken.items()} == {
        2: RejectReason.ERROR_PAGE,
        3: RejectReason.WRONG_TYPE,
        5: RejectReason.MALFORMED,
    }


def test_scalar_after_a_broken_record_is_a_row() -> None:
    data = b'[{"track":[{"time":NaN},7,[],null,{"name":"a"}],"@attr":{}},{"track":[{],"@attr":{}}]'
    records = LASTFM.read(data)
    assert [row.name for row in records.rows] == [None, None, None, None, "a", None]
    assert set(records.broken) == {1, 2, 3, 4, 6}
    assert LASTFM.locate(data, range(1, 7))["length"].to_list() == [12, 1, 2, 4, 12, 1]


@pytest.mark.parametrize(
    "data",
    [
        b'{"payload":{"count":1,"listens":[{"time":1}]}}',
        b'{"listen_type":"single","payload":[{"time":1}]}',
        b'{"listens":{"time":1}}',
        b'[{"listen_type":"import","payload":[]},{"listen_type":"import","payload":[{"time":1}]}]',
    ],
)
@pytest.mark.parametrize("problem", [b"", b'{"payload":[]}'])
def test_one_path_may_begin_with_another(data: bytes, problem: bytes) -> None:
    for text in (data, data + b'{"listens":[{"time":2},{"time":NaN}]}'):
        assert SUBMITTED.read(text + problem).rows[0] == Row(time=1)
    assert SUBMITTED.document(['{"time":1}']) == b'{"payload":{"listens":[{"time":1}]}}'


def test_offsets_in_utf8_and_utf16() -> None:
    text = '[{"track":[]},{"track":{"name":"ö"}}]'
    for encoding, offset in (("utf-8", 23), ("utf-8-sig", 26)):
        data = text.encode(encoding)
        assert LASTFM.locate(data, [1]).row(0) == (1, offset, 13, '{"name": "ö"}')
        assert data[offset : offset + 13].decode() == '{"name":"ö"}'
    assert LASTFM.locate(text.encode("utf-16"), [1]).row(0) == (1, None, None, '{"name": "ö"}')


def test_many_broken_pages_take_linear_time() -> None:
    wreck = page_of([b'{"time":1,"name":"a}'])
    records = LASTFM.read(file_of([wreck] * 5_000 + [page_of([b'{"time":2}'])], "array"))
    assert len(records.broken) == 5_000
    assert records.rows[-1] == Row(time=2)


NESTED: list[dict[str, Any]] = [
    {"name": "x", "tags": []},
    {"name": "x", "tags": [[]]},
    {"name": "x", "tags": [{}], "more": {}},
    {"name": [], "tags": {"of": []}},
]


@pytest.mark.parametrize("form", ["array", "arrays", "lines", "joined"])
@pytest.mark.parametrize("kind", ["flat", "nested", "late", "single"])
def test_a_last_record_cut_anywhere_leaves_the_pages_around_it_alone(kind: str, form: str) -> None:
    first, last = {"name": "first"}, {"name": "last"}
    for before in ([], [{"name": "before"}]) if kind != "single" else ([],):
        for victim in map(written, NESTED):
            for cut in range(1, len(victim)):
                middle = page_of([*map(written, before), victim[:cut]], kind)
                data = file_of([page_of([written(first)]), middle, page_of([written(last)])], form)
                records = LASTFM.read(data)
                rows = len(records.rows)
                good = {1: first, **dict(enumerate(before, 2)), rows: last}
                assert {row: records.rows[row - 1] for row in good} == {row: expected(good[row]) for row in good}, data
                assert set(records.broken) == set(range(1, rows + 1)) - set(good), data
