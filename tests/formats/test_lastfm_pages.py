"""Pages of Last.fm's API, compared with a second, plain implementation of the rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.formats import ReadOptions, lastfm_pages, peek_at
from etl.normalize.listens import Rules, normalize

if TYPE_CHECKING:
    import polars as pl

MBID = "000000a1-0000-4000-8000-000000000004"
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
NAME = st.none() | TEXT | st.sampled_from(["Kari Mo", "Mossrose feat. LiLa", "A · B", " ", ""])
TITLE = TEXT | st.sampled_from(["Night Bus", "Night Bus (feat. LiLa)", "Gift. of", ""])
UTS = st.none() | st.integers(-2, 2**33) | st.sampled_from(["", " ", "soon", "0", 59008, "-1", 10**12, 253402300800])
MINUTE = st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
WORDS = st.none() | st.just("") | st.just("31 Feb 2020, 10:00") | MINUTE.map(lambda at: f"{at:%d %b %Y, %H:%M}")
DATE = st.none() | st.fixed_dictionaries({}, optional={"uts": UTS | UTS.map(str), "#text": WORDS})


def artist(name: str | None, mbid: str, extended: bool) -> dict[str, Any] | None:
    return None if name is None else {"name" if extended else "#text": name, "mbid": mbid}


TRACK = st.fixed_dictionaries(
    {"artist": st.builds(artist, NAME, st.sampled_from(["", MBID]), st.booleans()), "name": TITLE},
    optional={
        "date": DATE,
        "mbid": st.sampled_from(["", MBID, None, 7]),
        "album": st.none() | st.fixed_dictionaries({"#text": TEXT, "mbid": st.just("")}),
        "@attr": st.sampled_from([None, {"nowplaying": "true"}, {"nowplaying": "false"}, {"rank": "1"}]),
        "loved": st.sampled_from(["0", "1"]),
        "image": st.just([{"size": "small", "#text": ""}]),
        "url": TEXT,
    },
)
PAGES = st.lists(st.lists(TRACK, max_size=4), min_size=1, max_size=3)


def read(document: Any) -> pl.DataFrame:  # noqa: ANN401 (any JSON)
    return lastfm_pages.read_pages(json.dumps(document).encode(), ReadOptions())


def track(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON)
    return {"artist": {"#text": "Kari Mo"}, "name": "Low Water", "date": {"uts": "1748736000"}, **fields}


def time_of(date: dict[str, Any]) -> datetime | None:
    """As Koito reads it: the number, else the words. A number may be written as one."""
    uts = str(date.get("uts"))
    if uts.strip().isdecimal() and uts.isascii() and int(uts) < 253402300800:
        return datetime.fromtimestamp(int(uts), UTC)
    try:
        return datetime.strptime(date.get("#text") or "", "%d %b %Y, %H:%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def verdict(song: dict[str, Any], name: str | None) -> str | None:
    attributes, date = song.get("@attr") or {}, song.get("date")
    blank = [not (text or "").strip() for text in (name, song["name"])]
    if attributes.get("nowplaying") == "true" or (date is None and not any(blank)):
        return "now_playing"
    for is_blank, reason in zip(blank, ["missing_artist", "missing_track"], strict=True):
        if is_blank:
            return reason
    written = [] if date is None else [str(text) for text in date.values() if text is not None]
    if not any(text.strip() for text in written):
        return "missing_time"
    return "bad_time" if time_of(date or {}) is None else None


@given(PAGES, st.sampled_from(["array", "nested", "lines"]))
def test_generated_tracks_are_read_back(pages: list[list[dict[str, Any]]], form: str) -> None:
    flat = [{"track": page[0] if len(page) == 1 else page, "@attr": {"user": "u", "page": "1"}} for page in pages]
    nested = [{"recenttracks": page} for page in flat]
    text = json.dumps(flat) if form == "array" else ("\n" if form == "lines" else "").join(map(json.dumps, nested))
    rows = lastfm_pages.read_pages(text.encode(), ReadOptions()).to_dicts()
    songs = [song for page in pages for song in page]
    assert len(rows) == len(songs)
    for row, song in zip(rows, songs, strict=True):
        named, album, date = song["artist"] or {}, song.get("album") or {}, song.get("date") or {}
        name = named.get("#text") or named.get("name")
        assert row["artist"] == name
        assert row["track"] == song["name"]
        assert row["album"] == (album.get("#text") or None)
        assert row["recording_mbid"] == (MBID if song.get("mbid") == MBID else None)
        assert row["listened_at"] == time_of(date)
        uts = str(date.get("uts")).strip()
        known_by_words = row["listened_at"] and not (uts.isdecimal() and int(uts) < 253402300800)
        assert row["minute_only"] == (True if known_by_words else None)
        assert row["client"] == "lastfm"
        assert (row["skip"] or row["reject"]) == verdict(song, name)


@pytest.mark.parametrize(
    ("name", "title", "mbids"),
    [
        ("Kari Mo", "Low Water", [MBID]),
        ("Kari Mo", "Low Water (feat. LiLa)", [MBID, None]),
        ("Kari Mo", "Low Water (feat. LiLa & Mossrose)", [MBID, None, None]),
        ("Kari Mo feat. LiLa", "Low Water", None),
        ("Kari Mo (ft. LiLa)", "Low Water", None),
        ("Kari Mo · LiLa", "Low Water", None),
        ("Kari Mo & LiLa", "Low Water", [MBID]),
        ("Kari Mo", "A Gift. For You", [MBID]),
        ("Defeat. Band", "Low Water", [MBID]),
        ("", "Low Water (feat. LiLa)", None),
    ],
)
def test_the_mbid_of_a_credit_is_that_of_its_only_or_base_artist(
    name: str, title: str, mbids: list[str | None] | None
) -> None:
    frame = read({"track": [track(artist={"#text": name, "mbid": MBID}, name=title), track()]})
    assert frame["artist_mbids"].to_list() == [mbids, None]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    rules = Rules(now, compile_separators(DEFAULT_SEPARATORS))
    listens = normalize(frame, "a.json", "lastfm", lastfm_pages.FORMAT.earliest, rules).listens
    for artists, of_artists in listens.select("artists", "artist_mbids").iter_rows():
        assert of_artists is None or len(of_artists) == len(artists)


def test_old_imports_dated_1970() -> None:
    frame = read({"track": [track(date={"uts": uts, "#text": "01 Jan 1970, 00:00"}) for uts in ("0", 59008)]})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    result = normalize(frame, "a.json", "lastfm", lastfm_pages.FORMAT.earliest, Rules(now, ()))
    assert result.rejected["reason"].to_list() == ["time_too_early"] * 2


def test_error_page_among_pages_and_alone() -> None:
    error = {"message": "Operation failed", "error": 8}
    frame = read([{"track": [track()]}, error, {"image": []}])
    assert frame["reject"].to_list() == [None, "error_page", "missing_artist"]
    assert frame["detail"].to_list() == [None, "error 8: Operation failed", None]
    with pytest.raises(BrokenFileError, match="no list of records"):
        read(error)


@pytest.mark.parametrize(
    "junk",
    [b"\xff", b"\xed\xa0\xbd", b"\\ud83d", b"\\x", b"\x01", b'"', b"]", b"}", b"[", b"{", b'","x":NaN,"y":"'],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_junk_in_a_title_affects_no_other_row(junk: bytes, place: int) -> None:
    songs = [json.dumps(track(name=f"song {number}")).encode() for number in range(4)]
    songs[place] = songs[place].replace(b"song", b"so" + junk + b"ng")
    data = b'[{"track":[%s,%s],"@attr":{"page":"1"}},{"track":%s,"@attr":{}},{"track":[%s],"@attr":{}}]' % tuple(songs)
    frame = lastfm_pages.read_pages(data, ReadOptions())
    names = frame["track"].to_list()
    assert [f"song {number}" for number in range(4) if number != place] == [
        name for name in names if name and "song" in name
    ]
    assert frame.height == 4
    harmless = junk in {b"]", b"}", b"[", b"{"}
    assert frame["reject"].null_count() == (4 if harmless else 3)


def test_megabyte_title_and_deep_nesting_affect_no_other_row() -> None:
    deep = b'{"name":"deep","image":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    data = b'[{"track":[%s,%s,%s]}]' % (
        json.dumps(track(name="x" * 1_000_000)).encode(),
        deep,
        json.dumps(track()).encode(),
    )
    frame = lastfm_pages.read_pages(data, ReadOptions())
    assert frame["reject"].to_list() == [None, "malformed", None]
    assert frame["track"].str.len_bytes().to_list() == [1_000_000, None, 9]


@pytest.mark.parametrize(
    "data",
    [
        {"toptracks": {"track": [{"name": "a", "playcount": "9", "artist": {"name": "b"}, "@attr": {"rank": "1"}}]}},
        {"lovedtracks": {"track": [{"name": "a", "date": {"uts": "1"}, "artist": {"name": "b"}}]}},
        [{"track": [{"artist": {"name": "b"}, "date": {"uts": "1"}, "name": "a"}]}],
        {"weeklytrackchart": {"track": [{"artist": {"#text": "b"}, "name": "a", "playcount": "3"}]}},
        {"username": "a", "scrobbles": [{"track": "a", "artist": "b", "album": "c", "date": 1}]},
    ],
)
def test_other_lists_of_tracks_are_not_taken_for_scrobbles(data: Any) -> None:  # noqa: ANN401 (any JSON)
    assert not lastfm_pages.FORMAT.recognise(peek_at("recenttracks-a.json", json.dumps(data).encode()))
