"""Pages of Last.fm's API give the same rows in XML and in JSON."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, lastfm_pages, lastfm_xml, peek_at

MBID = "000000a1-0000-4000-8000-000000000004"
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS | st.sampled_from("<>&\"'"), max_size=6) | st.sampled_from(["A feat. B", "Brimdís"])
NAMED = st.fixed_dictionaries({"#text": TEXT, "mbid": st.sampled_from(["", MBID])})
DATE = st.fixed_dictionaries(
    {"uts": st.integers(0, 2**33).map(str) | st.sampled_from(["", "soon"])},
    optional={"#text": st.sampled_from(["", "13 Jun 2025, 00:55"])},
)
TRACK = st.fixed_dictionaries(
    {"artist": NAMED, "name": TEXT, "mbid": st.sampled_from(["", MBID])},
    optional={
        "album": NAMED,
        "date": DATE,
        "@attr": st.sampled_from([{"nowplaying": "true"}, {"nowplaying": "false"}]),
    },
)


def as_xml(track: dict[str, Any], extended: bool) -> str:
    """Write a track as the API does."""
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in track.get("@attr", {}).items())
    parts = [f"<name>{escape(track['name'])}</name><streamable>0</streamable><mbid>{track['mbid']}</mbid>"]
    artist = track["artist"]
    if extended:
        parts.append(f"<artist><name>{escape(artist['#text'])}</name><mbid>{artist['mbid']}</mbid><url/></artist>")
        parts.append("<loved>1</loved>")
    else:
        parts.append(f'<artist mbid="{artist["mbid"]}">{escape(artist["#text"])}</artist>')
    if "album" in track:
        parts.append(f'<album mbid="{track["album"]["mbid"]}">{escape(track["album"]["#text"])}</album>')
    if "date" in track:
        parts.append(f'<date uts="{track["date"]["uts"]}">{track["date"].get("#text", "")}</date>')
    return f"<track{attributes}>\n  {''.join(parts)}</track>"


def page(tracks: list[str]) -> str:
    rows = "\n".join(tracks)
    return f'<?xml version="1.0"?>\n<lfm status="ok"><recenttracks user="a" page="1">{rows}</recenttracks></lfm>\n'


@given(st.lists(TRACK, max_size=5), st.booleans(), st.integers(1, 2))
def test_generated_tracks_are_read_as_from_json(tracks: list[dict[str, Any]], extended: bool, pages: int) -> None:
    xml = page([as_xml(track, extended) for track in tracks]) * pages
    as_json = json.dumps([{"track": tracks, "@attr": {}}] * pages)
    from_xml = lastfm_xml.read_xml(xml.encode(), ReadOptions())
    from_json = lastfm_pages.read_pages(as_json.encode(), ReadOptions())
    assert from_xml.to_dicts() == from_json.to_dicts()


@given(st.lists(TRACK, min_size=1, max_size=3), st.booleans())
def test_the_fields_that_are_shown_make_the_same_rows_again(tracks: list[dict[str, Any]], extended: bool) -> None:
    data = page([as_xml(track, extended) for track in tracks]).encode()
    records = lastfm_xml.LAYOUT.locate(data, range(1, len(tracks) + 1))["record"].to_list()
    again = lastfm_xml.LAYOUT.document(records)
    assert lastfm_xml.FORMAT.recognise(peek_at("x", again))
    before, after = (lastfm_xml.read_xml(document, ReadOptions()) for document in (data, again))
    assert before.to_dicts() == after.to_dicts()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'<lfm status="ok"><recenttracks user="a"><track><name>b</name>', "ends at byte 61 inside record 1"),
        (b'<lfm status="ok"><recenttracks user="a"><track/></recenttracks>', "ends at byte 63 after record 1"),
        (b"<html></html>", "there is no <lfm> or <recenttracks> in it"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message):
        lastfm_xml.read_xml(data, ReadOptions())


@pytest.mark.parametrize("text", ['<lfm status="ok"><lovedtracks user="a">', '{"recenttracks":{}}', "recenttracks"])
def test_other_answers_are_not_taken_for_it(text: str) -> None:
    assert not lastfm_xml.FORMAT.recognise(peek_at("a.xml", text.encode()))
