"""XML elements: finds every record, and a broken element affects no other."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.core.schema import LOCATIONS
from etl.parsers import Broken, XmlElements
from tests.helpers.examples import examples


class Row(msgspec.Struct):
    name: str | None = None
    time: str | None = None


def to_fields(element: ET.Element) -> dict[str, Any]:
    fields = {"name": element.findtext("name"), "time": element.get("time")}
    return {key: value for key, value in fields.items() if value is not None}


def to_element(fields: dict[str, Any]) -> ET.Element:
    row = ET.Element("row", {key: value for key, value in fields.items() if key == "time"})
    if "name" in fields:
        ET.SubElement(row, "name").text = fields["name"]
    return row


LAYOUT = XmlElements(Row, "row", ("answer", "rows"), to_fields, to_element)
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS | st.sampled_from("<>&\"']"), max_size=10)
ROW = st.fixed_dictionaries({}, optional={"name": TEXT, "time": TEXT})
quick = examples(35)


def written(row: dict[str, str]) -> bytes:
    return bytes(ET.tostring(to_element(row), encoding="utf-8"))


def document(rows: list[bytes]) -> bytes:
    return b'<?xml version="1.0"?>\n<answer ok="1"><rows page="1">\n' + b"\n ".join(rows) + b"</rows></answer>\n"


def expected(row: dict[str, str]) -> Row:
    return Row(**row)


@quick
@given(st.lists(st.lists(ROW, max_size=4), min_size=1, max_size=3), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_rows_of_all_documents_are_read_back_and_found_again(pages: list[list[dict[str, str]]], encoding: str) -> None:
    rows = [row for page in pages for row in page]
    data = b"".join(document([written(row) for row in page]) for page in pages).decode().encode(encoding)
    records = LAYOUT.read(data)
    assert records.broken == {}
    assert records.rows == [expected(row) for row in rows]
    locations = LAYOUT.locate(data, range(len(rows) + 2))
    assert locations.schema == LOCATIONS
    assert [json.loads(record) for record in locations["record"]] == rows
    assert LAYOUT.read(LAYOUT.document(locations["record"].to_list())).rows == records.rows
    for row, (_, offset, length, _) in zip(rows, locations.rows(), strict=True):
        if encoding == "utf-16":
            assert (offset, length) == (None, None)
        else:
            assert data[offset : offset + length] == written(row)


WRECKS = [
    (b"<row><name>a</row>", RejectReason.MALFORMED, "mismatched tag: line 1, column 14 of the record"),
    (b"<row><name>a</name>", RejectReason.MALFORMED, "no element found: line 1, column 19 of the record"),
    (b"<row><name>a</name></ro>", RejectReason.MALFORMED, "mismatched tag: line 1, column 21 of the record"),
    (b"<row><name>a</name></row", RejectReason.MALFORMED, "unclosed token: line 1, column 19 of the record"),
    (b"<rwo><name>a</name></row>", RejectReason.MALFORMED, "mismatched tag: line 1, column 21 of the record"),
    (b'<row time="1><name>a</name></row>', RejectReason.MALFORMED, "not well-formed (invalid token)"),
    (b"<row><name>a & b</name></row>", RejectReason.MALFORMED, "not well-formed (invalid token)"),
    (b"<row><name>&title;</name></row>", RejectReason.MALFORMED, "undefined entity: line 1, column 11 of the record"),
    (b"<row><name>&#0;</name></row>", RejectReason.MALFORMED, "reference to invalid character number"),
    (b"<row><name>a\x01</name></row>", RejectReason.MALFORMED, "not well-formed (invalid token)"),
    (b"<row><name>\xff</name></row>", RejectReason.BAD_ENCODING, "byte 0xff is not UTF-8"),
    (b"<row><name>\xed\xa0\xbd</name></row>", RejectReason.BAD_ENCODING, "byte 0xed is not UTF-8"),
    (b"stray text", RejectReason.MALFORMED, "no element"),
    (b"</row>", RejectReason.MALFORMED, "not well-formed (invalid token)"),
    (b'<!DOCTYPE a [<!ENTITY b "c">]>', RejectReason.MALFORMED, "no element"),
]


@pytest.mark.parametrize(("wreck", "reason", "detail"), WRECKS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_element_affects_no_other(wreck: bytes, reason: RejectReason, detail: str, place: int) -> None:
    rows = [b"<row><name>b</name></row>", b'<row time="2"/>']
    rows.insert(place, wreck)
    data = document(rows) + document([b"<row><name>c</name></row>"])
    records = LAYOUT.read(data)
    good = [Row(name="b"), Row(time="2"), Row(name="c")]
    assert [row for number, row in enumerate(records.rows, 1) if number not in records.broken] == good
    assert records.broken[place + 1].reason == reason
    assert records.broken[place + 1].detail.startswith(detail)
    assert LAYOUT.locate(data, [place + 1])["record"].to_list() == [None]


@quick
@given(st.lists(ROW, min_size=3, max_size=3), st.floats(0, 1), st.integers(0, 255))
def test_changed_byte_affects_no_other_element(rows: list[dict[str, str]], at: float, byte: int) -> None:
    pieces = [written(row) for row in rows]
    position = int(at * (len(pieces[1]) - 1))
    pieces[1] = pieces[1][:position] + bytes([byte]) + pieces[1][position + 1 :]
    records = LAYOUT.read(document(pieces))
    assert records.rows[0] == expected(rows[0])
    assert records.rows[-1] == expected(rows[2])
    assert len(records.rows) >= 3 or byte in b"!?" or pieces[1] == b"<rows/>"  # an element around records is none


def test_no_entity_can_be_defined() -> None:
    bomb = b'<!DOCTYPE answer [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    for data in (bomb + document([b"<row><name>&b;</name></row>"]), document([bomb + b"<row><name>&b;</name></row>"])):
        records = LAYOUT.read(data)
        assert records.rows == [Row(), Row()]
        assert records.broken[2].detail.startswith("undefined entity")


def test_other_elements_and_comments() -> None:
    data = document([b"<!-- <row>in a comment</row> -->", b'<error code="8">Failed</error>'])
    assert LAYOUT.read(data).rows == [Row()]
    assert LAYOUT.read(data).broken == {1: Broken(RejectReason.ERROR_PAGE, "error 8: Failed")}
    assert LAYOUT.locate(data, [1])["record"].to_list() == [None]


def test_character_references_entities_and_cdata() -> None:
    name = b"&lt;&gt;&amp;&quot;&apos;&#233;&#x266b;<![CDATA[<&>]]>"
    assert LAYOUT.read(document([b"<row><name>" + name + b"</name></row>"])).rows == [Row(name="<>&\"'é♫<&>")]


@pytest.mark.parametrize(
    "data",
    [document([]), b"<rows/>", b"<answer><rows page='1'/></answer>", b"<!DOCTYPE answer><answer></answer><!-- end -->"],
)
def test_documents_may_be_empty(data: bytes) -> None:
    assert LAYOUT.read(data).rows == []


ROWS = [b'<row time="1"><name>a</name></row>'] * 2


def test_document_cut_off_anywhere_is_refused() -> None:
    whole = document(ROWS)
    for length in range(1, len(whole) - 1):
        with pytest.raises(BrokenFileError, match=f"ends at byte {length} |there is no"):
            LAYOUT.read(whole[:length])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"<html></html>", "there is no <answer> or <rows> in it"),
        (document(ROWS)[:-30] + document(ROWS), "breaks off before byte 132, after record 2"),
        (document(ROWS) + b"<?xml vers", "the file ends at byte 150 after record 2"),
        (document(ROWS)[:-40], "the file ends at byte 100 inside record 2"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message) as refused:
        LAYOUT.read(data)
    assert refused.value.hint


def test_deep_nesting_and_a_megabyte_affect_no_other_record() -> None:
    deep = b"<row>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</row>"
    long = b"<row><name>" + b"&lt;" * 250_000 + b"</name></row>"
    records = LAYOUT.read(document([deep, long, *ROWS]))
    assert [len(row.name or "") for row in records.rows] == [0, 250_000, 1, 1]
