"""Delimited text: finds every record, and a broken record affects no other."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.core.schema import LOCATIONS
from etl.parsers import Delimited, Dialect, Table
from etl.parsers.delimited_split import split_table, whole_table
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("artist", "track", "time")
COMMAS = Delimited(Dialect(NAMES))
TABS = Delimited(Dialect(NAMES, "\t", quoting=False))
SHORT = Delimited(Dialect((*NAMES, None), "\t", quoting=False, at_least=2))

# Characters that end lines elsewhere, separate fields or quote, and all others.
HOSTILE = st.sampled_from('",;\t\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\ufeffé😀 ')
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | HOSTILE, max_size=8)
ROWS = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6)
SAFE_ROWS = st.lists(
    st.tuples(*[st.text(st.characters(exclude_characters="\n\r\t", exclude_categories=["Cs"]), max_size=8)] * 3)
)
SIMPLE = st.text(st.sampled_from("abé-'_\x85\0"), min_size=1, max_size=5)
quick = examples(70)


def header(line: str) -> Dialect:
    delimiter = max(",;\t", key=line.count)
    names = tuple(name if name in NAMES else None for name in line.split(delimiter))
    if "track" not in names:
        raise BrokenFileError(f"no track in {line}", "Add one")
    return Dialect(names, delimiter)


HEADED = Delimited(Dialect(NAMES), header)


def written(rows: Sequence[Sequence[str]], **dialect: Any) -> str:  # noqa: ANN401 (csv's own options)
    out = io.StringIO(newline="")
    csv.writer(out, **{"lineterminator": "\n", **dialect}).writerows(rows)
    return out.getvalue()


def cells(table: Table) -> list[tuple[str, ...]]:
    """Return the records of a table without broken ones, empty fields as such."""
    return [
        tuple(field or "" for field in row)
        for number, row in enumerate(table.frame.rows(), start=1)
        if number not in table.broken
    ]


def problems(table: Table) -> dict[int, str]:
    return {row: str(reason) for row, (reason, _) in table.broken.items()}


@quick
@given(
    ROWS,
    st.sampled_from(",;\t"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_rows_that_the_csv_module_wrote_are_read_back(
    rows: list[tuple[str, ...]], delimiter: str, quoting: int, end: str, encoding: str, ends: bool
) -> None:
    # Inside quotes, a line that looks like a whole record counts as one: see the test below.
    assume(all("\n" not in field for row in rows for field in row))
    text = written([NAMES, *rows], delimiter=delimiter, quoting=quoting, lineterminator=end)
    data = (text if ends else text.removesuffix(end)).encode(encoding)
    table = HEADED_QUOTED.read(data)
    assert table.broken == {}
    assert cells(table) == rows
    assert table.columns == set(NAMES)


def quoted_header(line: str) -> Dialect:
    return header(line.replace('"', ""))


HEADED_QUOTED = Delimited(Dialect(NAMES), quoted_header)


@quick
@given(SAFE_ROWS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]))
@example([("\ufeffa", "b", "c"), ("\ufeff", "", "")], ",", "\n")
def test_rows_with_as_few_quotes_as_possible_are_read_back(
    rows: list[tuple[str, ...]], delimiter: str, end: str
) -> None:
    text = written([NAMES, *rows], delimiter=delimiter, lineterminator=end)
    table = HEADED.read(text.encode())
    assert table.broken == {}
    assert cells(table) == rows


@quick
@given(SAFE_ROWS)
def test_rows_without_quoting_keep_every_quote(rows: list[tuple[str, ...]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in rows)
    assume(not text.startswith("\ufeff"))  # at the start of a file, it is a mark
    table = TABS.read(text.encode())
    assert table.broken == {}
    assert cells(table) == rows


@quick
@given(ROWS, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
@example([("a\nb", "c", "d"), ("e", "", "f\n\ng")], csv.QUOTE_MINIMAL)
def test_the_quick_and_the_tolerant_way_agree(rows: list[tuple[str, ...]], quoting: int) -> None:
    text = written(rows, quoting=quoting)
    whole = whole_table(text, COMMAS.dialect)
    if whole is not None:
        assert [piece.fields for piece in split_table(text, 0, COMMAS.dialect)] == whole


@quick
@given(st.text(st.sampled_from('a,b"\n\r\té')), st.sampled_from([COMMAS, TABS, SHORT]))
@example('a,b,c\r\r\n"x",y,z\r\n', COMMAS)
@example('a,"b\r\nc",d\n', COMMAS)
@example('a,b\rc,d\n"e\r",f,g', COMMAS)
@example(',,"""', COMMAS)
@example('a,b,c\na,b,"c ""\r\n\n', COMMAS)
def test_every_line_of_any_text_is_in_one_record(text: str, layout: Delimited) -> None:
    pieces = list(split_table(text, 0, layout.dialect))
    whole = whole_table(text, layout.dialect)
    assert whole is None or [piece.fields for piece in pieces] == whole
    covered = "".join(text[piece.start : piece.end] for piece in pieces)
    assert covered.replace("\r", "").replace("\n", "") == "".join(
        line for line in text.replace("\r", "").split("\n") if line.strip(" ")
    )
    table = layout.read(text.encode())
    assert table.frame.height == len(pieces)
    assert set(table.broken) == {row for row, piece in enumerate(pieces, start=1) if piece.fields is None}


WOUNDS = (
    '"{0}"x,{1},{2}',  # goes on after the quote
    '"{0},{1},{2}',  # never closed
    '{0},{1},"{2}',
    "{0},{1}",
    "{0},{1},{2},{0}",
    '{0},"{1}\n{2}',
)


@quick
@given(st.lists(st.tuples(SIMPLE, SIMPLE, SIMPLE), min_size=2, max_size=6), st.sampled_from(WOUNDS), st.data())
def test_broken_record_affects_no_other(rows: list[tuple[str, ...]], wound: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    lines = [written([row], quoting=data.draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))) for row in rows]
    lines[at] = wound.format(*rows[at]) + "\n"
    table = COMMAS.read("".join(lines).encode())
    assert cells(table) == rows[:at] + rows[at + 1 :]
    assert set(problems(table).values()) == {"malformed"}
    assert set(table.broken) == set(range(at + 1, at + 1 + len(table.broken)))


def test_reason_of_broken_record() -> None:
    text = b'a,b,c\n"a"b,c,d\n"a,b,c\na,b\na,b\xff,c\n\xff\n'
    assert COMMAS.read(text).broken == {
        2: (RejectReason.MALFORMED, "field 1 goes on after its closing quote"),
        3: (RejectReason.MALFORMED, "a quote is not closed"),
        4: (RejectReason.MALFORMED, "2 fields instead of 3"),
        5: (RejectReason.BAD_ENCODING, "byte 0xff is not UTF-8"),
        6: (RejectReason.BAD_ENCODING, "byte 0xff is not UTF-8"),
    }
    assert SHORT.read(b"a\n").broken == {1: (RejectReason.MALFORMED, "1 fields instead of 2 to 4")}


def test_line_ends_in_quoted_fields() -> None:
    fields = ("a\nb\r\n\r\nc", '"\n"', "d\x85\u2028\r\x0b")
    table = COMMAS.read(written([fields, fields], quoting=csv.QUOTE_ALL).encode())
    assert cells(table) == [fields, fields]
    assert table.broken == {}


def test_a_line_inside_quotes_that_reads_as_a_record_is_one() -> None:
    table = COMMAS.read(b'1,2,"3\n4,5,6\n7,8,9"\n1,2,3\n')
    assert cells(table) == [("4", "5", "6"), ("7", "8", '9"'), ("1", "2", "3")]
    assert problems(table) == {1: "malformed"}


def test_many_quotes_that_are_never_closed_stay_cheap() -> None:
    lines = 20_000
    table = COMMAS.read(b'"a,b,c\n' * lines + b"x,y,z\n")
    assert cells(table) == [("x", "y", "z")]
    assert len(table.broken) == lines


def test_a_record_of_a_megabyte_is_read() -> None:
    long = "x" * 1_000_000
    assert cells(COMMAS.read(f'a,b,c\n"{long}",b,c\na,{long},c\n'.encode())) == [
        ("a", "b", "c"),
        (long, "b", "c"),
        ("a", long, "c"),
    ]


def test_blank_lines_and_lines_of_delimiters() -> None:
    table = COMMAS.read(b"\n  \n\r\na,b,c\n \r\n,,\n\n")
    assert cells(table) == [("a", "b", "c"), ("", "", "")]
    assert COMMAS.read(b"").frame.is_empty()


def test_columns_that_the_last_lines_lack_are_empty() -> None:
    assert cells(SHORT.read(b"a\tb\tc\td\na\tb\na\tb\tc\n")) == [("a", "b", "c"), ("a", "b", ""), ("a", "b", "c")]


def test_utf16_ending_inside_a_character_rejects_last_record() -> None:
    data = "artist,track,time\na,b,c\nd,e,f".encode("utf-16")
    assert cells(HEADED.read(data)) == [("a", "b", "c"), ("d", "e", "f")]
    assert problems(HEADED.read(data[:-1])) == {2: "bad_encoding"}
    lonely = "a,b\ud800,c\nd,e,f".encode("utf-16", "surrogatepass")
    assert problems(COMMAS.read(lonely)) == {1: "bad_encoding"}


@quick
@given(ROWS, st.sampled_from([b"", b"\xef\xbb\xbf"]), st.booleans())
def test_locations_are_the_bytes_of_the_records(rows: list[tuple[str, ...]], mark: bytes, has_header: bool) -> None:
    assume(all("\n" not in field for row in rows for field in row))
    pieces = [written([row], quoting=csv.QUOTE_ALL, lineterminator="").encode() for row in rows]
    pieces.insert(0, b'"\xff",not closed')
    layout, head = (HEADED, b"artist,track,time\n") if has_header else (COMMAS, b"")
    data = mark + head + b"\r\n".join(pieces)
    numbers = [*range(len(pieces), 0, -1), 99]
    locations = layout.locate(data, numbers)
    assert locations.schema == LOCATIONS
    assert locations["row"].to_list() == numbers[:-1]
    for row, offset, length, record in locations.rows():
        assert data[offset : offset + length] == pieces[row - 1]
        assert (None if record is None else tuple(json.loads(record).values())) == (None if row == 1 else rows[row - 2])


def test_locations_in_utf16_have_fields_only() -> None:
    locations = COMMAS.locate("a,b,c\nd,é,f".encode("utf-16"), [2, 1])
    assert locations.rows() == [
        (2, None, None, '{"artist": "d", "track": "é", "time": "f"}'),
        (1, None, None, '{"artist": "a", "track": "b", "time": "c"}'),
    ]


@quick
@given(ROWS, st.sampled_from([COMMAS, HEADED_QUOTED]))
def test_a_document_reads_as_the_records_that_it_was_made_of(rows: list[tuple[str, ...]], layout: Delimited) -> None:
    assume(all("\n" not in field for row in rows for field in row))
    records = [json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows]
    document = layout.document(records)
    assert cells(layout.read(document)) == rows
    again = layout.locate(document, range(1, len(rows) + 1))["record"].to_list()
    assert [json.loads(record) for record in again] == [json.loads(record) for record in records]


def test_a_document_without_quoting_reads_the_same() -> None:
    data = b'"a\tb"c\t1\td\ne\tf\n'
    records = SHORT.locate(data, [1, 2])["record"].to_list()
    assert cells(SHORT.read(SHORT.document(records))) == cells(SHORT.read(data))


def test_a_document_has_the_columns_of_its_records() -> None:
    record = HEADED.locate(b"track;private;artist\na;b;c\n", [1])["record"].to_list()
    assert record == ['{"track": "a", "artist": "c"}']
    table = HEADED_QUOTED.read(HEADED.document(record))
    assert table.columns == {"artist", "track"}
    assert table.frame.rows() == [("c", "a", None)]
    assert HEADED.document([]) == b'"artist","track","time"\n'


@pytest.mark.parametrize("data", [b"", b" \n\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_its_header_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenFileError, match="empty"):
        HEADED.read(data)


def test_the_header_is_the_first_line_that_is_not_blank() -> None:
    assert cells(HEADED.read(b"\n \r\n\ntrack\tartist\r\na\tb\r\n")) == [("b", "a", "")]
    with pytest.raises(BrokenFileError, match="no track in"):
        HEADED.read(b"a,b,c\n1,2,3\n")
