"""What pages of an API state about their history, and which page an error response replaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl.formats import ReadOptions, lastfm_pages, lastfm_xml
from etl.formats.page_totals import FirstPlay, PageTotals, of_lastfm_json, of_lastfm_xml, of_listenbrainz, of_maloja

ERROR = {"error": 8, "message": "Operation failed"}


def attributes(page: int, pages: int = 4, per_page: int = 3, total: int = 11) -> dict[str, str]:
    numbers = {"page": page, "perPage": per_page, "totalPages": pages, "total": total}
    return {"user": "Ann", **{name: str(number) for name, number in numbers.items()}}


def page(number: int, plays: int = 3) -> dict[str, Any]:
    one = {"artist": {"#text": "Kari Mo"}, "name": "Low Water", "date": {"uts": "1748736000"}}
    return {"recenttracks": {"track": [one] * plays, "@attr": attributes(number)}}


def without_place(totals: list[PageTotals]) -> list[PageTotals]:
    return [one._replace(at=0) for one in totals]


def test_totals_of_lastfm_in_json() -> None:
    document = [page(1), {"track": [], "@attr": attributes(4)}, {"track": {"@attr": {"nowplaying": "true"}}}]
    for data in (json.dumps(document).encode(), json.dumps(document, indent=1).encode("utf-16")):
        assert without_place(of_lastfm_json(data)) == [
            PageTotals(1, 3, 4, 11, "ann", has_next=True),
            PageTotals(4, 3, 4, 11, "ann", has_next=False),
        ]


def test_totals_of_lastfm_in_xml() -> None:
    data = b'<recenttracks user="A&amp;b" page="2" perPage=\'3\' totalPages="4" total="11"></recenttracks>'
    assert without_place(of_lastfm_xml(data)) == [PageTotals(2, 3, 4, 11, "a&b", has_next=True)]


def test_totals_of_maloja_count_from_zero() -> None:
    pagination = {"page": 1, "perpage": 100, "next_page": "/apis/mlj_1/scrobbles?page=2", "prev_page": None}
    document = {"status": "ok", "list": [], "pagination": pagination}
    assert of_maloja(json.dumps(document).encode()) == [PageTotals(2, 100, None, None, has_next=True)]
    assert of_maloja(json.dumps({**document, "pagination": {**pagination, "next_page": None}}).encode()) == [
        PageTotals(2, 100, None, None, has_next=False)
    ]
    assert of_maloja(b'{"scrobbles": []}') == []


def test_when_a_history_of_listenbrainz_begins() -> None:
    listens = [{"listened_at": 1_700_000_000 - 100 * number, "track_metadata": {}} for number in range(3)]
    payload = {"count": 3, "latest_listen_ts": 1_700_000_000, "oldest_listen_ts": 1_400_000_000, "listens": listens}
    page = json.dumps({"payload": {**payload, "user_id": "Ann"}}).encode()
    assert of_listenbrainz(page + b"\n" + page) == [FirstPlay(1_400_000_000, 1_699_999_800, "Ann")]
    assert of_listenbrainz(page + page.replace(b"Ann", b"Bob")) == []
    assert of_listenbrainz(page.replace(b"oldest", b"youngest")) == []
    assert of_listenbrainz(b'{"listens": []}') == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"@attr":{"page":"1","totalPages":"100001","perPage":"1","total":"1"}}',
        b'{"@attr":{"page":"1","totalPages":"x","perPage":"3","total":"1"}}',
        b'{"@attr":{"page":"0","totalPages":"1","perPage":"3","total":"1"}}',
        b'{"@attr":{"page":"1","totalPages":"1","perPage":"0","total":"1"}}',
        b'{"@attr":{"page":"1","totalPages":"99999999999999999999","perPage":"1","total":"1"}}',
        b'{"@attr":{"page":true,"totalPages":"1","perPage":"1","total":"1"}}',
        b'{"@attr":{"page":1 "totalPages":1}}',
        b'{"name":"\\"@attr\\":{\\"page\\":1,\\"totalPages\\":2}"}',
    ],
)
def test_totals_that_cannot_be_read_are_none(text: bytes) -> None:
    assert of_lastfm_json(text) == []


@pytest.mark.parametrize(("number", "plays"), [(1, 3), (3, 3), (4, 2), (5, 0)])
def test_how_many_plays_a_page_has(number: int, plays: int) -> None:
    assert PageTotals(1, 3, 4, 11).plays(number) == plays


def test_an_error_response_names_its_page_and_what_is_missing() -> None:
    frame = lastfm_pages.read_pages(json.dumps([ERROR, page(1), ERROR, ERROR, page(3), ERROR]).encode(), ReadOptions())
    broken = frame.filter(reject="error_page")
    said = "holds an error response: error 8: Operation failed"
    assert broken["detail"].to_list() == [
        "error 8: Operation failed",
        f"page 2 {said}; up to 3 plays are missing",
        f"page 3 {said}",
        f"page 4 {said}; up to 2 plays are missing",
    ]
    assert frame["reject"].null_count() == 6


def test_an_error_response_in_xml_names_its_page() -> None:
    one = "<track><artist>Kari Mo</artist><name>Low Water</name><date uts='1748736000'/></track>"
    written = " ".join(f"{name}='{value}'" for name, value in attributes(1).items())
    good = f"<lfm status='ok'><recenttracks {written}>{one}</recenttracks></lfm>"
    failed = "<lfm status='failed'><error code='29'>Rate limit exceeded</error></lfm>"
    frame = lastfm_xml.read_xml(f"{good}{failed}".encode(), ReadOptions())
    assert frame["detail"].to_list() == [
        None,
        "page 2 holds an error response: error 29: Rate limit exceeded; up to 3 plays are missing",
    ]
