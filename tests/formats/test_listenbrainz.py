"""ListenBrainz listens in all kinds of files, compared with a second, plain implementation of the rules."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats import ReadOptions, listenbrainz_array, listenbrainz_lines, listenbrainz_pages, recognise
from etl.formats.base import peek_at

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

A, B, C = (f"0000000{digit}-0000-4000-8000-000000000000" for digit in "abc")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MBID = st.sampled_from([A, B, C, A.upper(), A.replace("-", ""), "", "junk", f"https://example.org/{A}", None, 7])
MBIDS = st.none() | st.lists(MBID, max_size=3) | st.sampled_from(["", A, {}])
NAME = st.sampled_from(["Kari Mo", "KARI MO", "Brimdís", "LiLa", "", " "])
LOOSE: st.SearchStrategy[Any] = st.sampled_from([None, [], "none", "null", 7, 1.5, True, {}])
NUMBER: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, 187, 187.9, "188", " 189.5 ", "3:08", "nan", True, [187], {}, 10**15, 999, 200_999]
)
MAPPING = st.fixed_dictionaries(
    {},
    optional={
        "artists": LOOSE
        | st.lists(
            st.fixed_dictionaries({"artist_credit_name": NAME | LOOSE}, optional={"artist_mbid": MBID}), max_size=3
        ),
        "artist_mbids": MBIDS,
        "recording_mbid": MBID,
        "release_mbid": MBID,
        "release_group_mbid": MBID,
        "caa_id": st.none() | st.integers(),
    },
)
INFO = st.fixed_dictionaries(
    {},
    optional={
        "artist_names": LOOSE | st.lists(NAME | LOOSE, max_size=3),
        "artist_mbids": MBIDS,
        "recording_mbid": MBID,
        "release_mbid": MBID,
        "release_group_mbid": MBID,
        "duration": NUMBER,
        "duration_ms": NUMBER,
        "media_player": TEXT | LOOSE,
        "submission_client": TEXT | LOOSE,
        "lastfm_track_mbid": MBID,
        "tags": st.lists(TEXT) | LOOSE,
        "nested": st.fixed_dictionaries({"track_metadata": LOOSE}),
    },
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "artist_name": st.none() | NAME | TEXT,
        "track_name": st.none() | NAME | TEXT,
        "release_name": TEXT | LOOSE,
        "additional_info": INFO | LOOSE,
        "mbid_mapping": MAPPING | LOOSE,
        "recording_msid": MBID,
    },
)
LISTEN = st.fixed_dictionaries(
    {},
    optional={
        "listened_at": st.integers(0, 2**33)
        | st.sampled_from([None, 1.7e9, 1700000000.25, "1700000000", -1, 10**12, 253402300799, 253402300800, 10**30]),
        "track_metadata": st.none() | METADATA,
        "playing_now": st.booleans() | st.none(),
        "inserted_at": st.integers(0, 2**33) | st.just(1748964422.521049),
        "user_name": TEXT,
    },
)


def array(listens: list[Any]) -> pl.DataFrame:
    return listenbrainz_array.read_array(json.dumps(listens).encode(), ReadOptions())


def lines(listens: list[Any]) -> pl.DataFrame:
    return listenbrainz_lines.read_lines("\n".join(map(json.dumps, listens)).encode(), ReadOptions())


def pages(listens: list[Any]) -> pl.DataFrame:
    half = len(listens) // 2
    first, second = {"payload": {"count": half, "listens": listens[:half]}}, {"listens": listens[half:]}
    return listenbrainz_pages.read_pages(f"{json.dumps(first)}\n{json.dumps(second)}".encode(), ReadOptions())


READERS = (array, lines, pages)
each_reader = pytest.mark.parametrize("read", READERS)

# White space as Unicode has it; Python's own strip() adds U+001C to U+001F, which are control characters.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def blank(text: str | None) -> bool:
    return not (text or "").strip(SPACE)


def text(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""


def seconds(info: dict[str, Any]) -> int | None:
    for field, unit in (("duration", 1), ("duration_ms", 1000)):
        value = info.get(field)
        if isinstance(value, str) and re.fullmatch(r" *\d+(\.\d+)? *", value):
            value = float(value)
        if isinstance(value, int | float) and type(value) is not bool and unit <= value <= unit * 315_576_000:
            return int(value / unit)
    return None


def mbid(info: dict[str, Any], mapping: dict[str, Any], field: str) -> str | None:
    own = info.get(field)
    is_uuid = isinstance(own, str) and re.fullmatch(r"[0-9a-f]{32}", own.replace("-", "").lower())
    found = own if is_uuid else mapping.get(field)
    return None if found is None else text(found)


def listed(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else []


def credit(info: dict[str, Any], mapping: dict[str, Any]) -> tuple[list[str] | None, list[str] | None]:
    """Return the artists and MBIDs of a listen: the mapping's, else the client's, else none but MBIDs."""
    theirs = [text(name) for name in listed(info.get("artist_names"))]
    names = [name for name in theirs if name.strip()]
    mbids = [text(one) for one in listed(info.get("artist_mbids"))]
    mbids = mbids if any(mbids) else []
    artists = listed(mapping.get("artists"))
    complete = artists and all(text(artist["artist_credit_name"]).strip() for artist in artists)
    count = max(len({name.strip().lower() for name in names}), len({one.strip().lower() for one in mbids if one}))
    if complete and len(artists) >= count:
        return [text(artist["artist_credit_name"]) for artist in artists], [
            text(artist.get("artist_mbid")) for artist in artists
        ]
    if names and len(mbids) > len(theirs):
        return names, mbids
    if names:
        own_mbids = mbids if len(mbids) == len(theirs) else [""] * len(theirs)
        known = {text(artist["artist_credit_name"]).lower(): artist for artist in artists} if complete else {}
        found = [
            own or text(known.get(name.lower(), {}).get("artist_mbid"))
            for name, own in zip(theirs, own_mbids, strict=True)
            if name.strip()
        ]
        return names, found if any(found) else None
    mapped = [text(one) for one in listed(mapping.get("artist_mbids"))]
    return None, mbids or (mapped if any(mapped) else None)


@given(st.lists(LISTEN, max_size=6), st.sampled_from(READERS))
def test_generated_listens_are_read_back_as_the_rules_say(
    listens: list[dict[str, Any]], read: Callable[[list[Any]], pl.DataFrame]
) -> None:
    rows = read(listens).to_dicts()
    assert len(rows) == len(listens)
    for row, listen in zip(rows, listens, strict=True):
        names, time = listen.get("track_metadata") or {}, listen.get("listened_at")
        info, mapping = (
            part if isinstance(part := names.get(field), dict) else {} for field in ("additional_info", "mbid_mapping")
        )
        number = None if time is None else float(time)
        fits = number is not None and 0 <= number < 253402300800
        assert row["listened_at"] == (datetime.fromtimestamp(number, UTC) if fits and number is not None else None)
        assert (row["artist"], row["track"]) == (names.get("artist_name"), names.get("track_name"))
        assert (row["album"] or "") == text(names.get("release_name"))
        assert (row["artists"], row["artist_mbids"]) == credit(info, mapping)
        assert row["duration"] == seconds(info)
        player, client = text(info.get("media_player")), text(info.get("submission_client"))
        assert (row["client"] or "") == (player if player.strip() else client)
        for field in ("recording_mbid", "release_mbid", "release_group_mbid"):
            assert row[field] == mbid(info, mapping, field)
        conditions = {
            "now_playing": listen.get("playing_now") is True and time is None,
            "missing_artist": blank(row["artist"]),
            "missing_track": blank(row["track"]),
            "missing_time": time is None,
            "bad_time": not fits,
        }
        assert (row["skip"] or row["reject"]) == next((reason for reason, holds in conditions.items() if holds), None)


def listen(time: Any = 1_700_000_000, **names: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"listened_at": time, "track_metadata": {"artist_name": "Kari Mo", "track_name": "Low Water", **names}}


@each_reader
@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        (listen(artist_name=["Kari Mo"]), "wrong_type", "track_metadata.artist_name: expected str, got array"),
        (listen(track_name=1999), "wrong_type", "track_metadata.track_name: expected str, got int"),
        (listen("soon"), "wrong_type", "listened_at: expected number, got str"),
        (listen(True), "wrong_type", "listened_at: expected number, got bool"),
        (listen(float("nan")), "malformed", "invalid character at byte 16 of the record"),
        (listen("nan"), "bad_time", "listened_at: nan is not a Unix time in seconds"),
        (listen(-1), "bad_time", "listened_at: -1 is not a Unix time in seconds"),
        (listen(1_486_449_409_000), "bad_time", "listened_at: 1486449409000 is in milliseconds, not seconds"),
        (
            listen(1_486_449_409_000_000_000),
            "bad_time",
            "listened_at: 1486449409000000000 is in nanoseconds, not seconds",
        ),
        (listen(None), "missing_time", None),
        ({"listened_at": 5, "track_metadata": []}, "wrong_type", "track_metadata: expected object, got array"),
        ({"listened_at": 5, "track_metadata": None}, "missing_artist", None),
        (listen(track_name="\ud800"), "bad_encoding", "\\ud800 is half of a surrogate pair"),
        (7, "wrong_type", "the record: expected object, got int"),
    ],
)
def test_broken_listen_is_rejected_alone(
    read: Callable[[list[Any]], pl.DataFrame],
    bad: object,
    reason: str,
    detail: str | None,
) -> None:
    frame = read([listen(), bad, listen()])
    assert frame["reject"].to_list() == [None, reason, None]
    assert frame["detail"].to_list() == [None, detail, None]
    assert frame["track"].to_list()[::2] == ["Low Water", "Low Water"]


@each_reader
def test_a_title_of_a_megabyte_is_read(read: Callable[[list[Any]], pl.DataFrame]) -> None:
    frame = read([listen(), listen(track_name="ü" * 1_000_000), listen(artist_name=5), listen()])
    assert frame["track"].str.len_chars().to_list() == [9, 1_000_000, None, 9]


def test_a_time_with_decimals_keeps_them() -> None:
    start = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    frame = lines([listen(1_700_000_000.999_999), listen("1700000000.000000"), listen("1700000000")])
    assert frame["listened_at"].to_list() == [start + timedelta(microseconds=999_999), start, start]


PERSON = {"artist_credit_name": "Kari Mo", "artist_mbid": A}
GUEST = {"artist_credit_name": "LiLa", "artist_mbid": B}


@pytest.mark.parametrize(
    ("mapping", "info", "artists", "mbids"),
    [
        ({"artists": [PERSON, GUEST]}, {}, ["Kari Mo", "LiLa"], [A, B]),
        ({"artists": [PERSON, GUEST]}, {"artist_names": ["Kari Mo ft. LiLa"]}, ["Kari Mo", "LiLa"], [A, B]),
        ({"artists": [PERSON]}, {"artist_names": ["KARI MO"], "artist_mbids": [C]}, ["Kari Mo"], [A]),
        ({"artists": [PERSON]}, {"artist_names": ["KARI MO", "LiLa"]}, ["KARI MO", "LiLa"], [A, ""]),
        (
            {"artists": [PERSON]},
            {"artist_names": ["LiLa", "Kari Mo"], "artist_mbids": [B, C]},
            ["LiLa", "Kari Mo"],
            [B, C],
        ),
        ({"artists": [PERSON]}, {"artist_mbids": [A, B]}, None, [A, B]),
        ({"artists": [PERSON]}, {"artist_mbids": [B, B, ""]}, ["Kari Mo"], [A]),
        ({"artists": [PERSON, {"artist_credit_name": "LiLa"}]}, {}, ["Kari Mo", "LiLa"], [A, ""]),
        ({"artists": [PERSON, {"artist_mbid": B}], "artist_mbids": [A, B]}, {}, None, [A, B]),
        ({"artists": [{"artist_credit_name": None}]}, {"artist_names": ["LiLa"]}, ["LiLa"], None),
        ({"artist_mbids": [A]}, {}, None, [A]),
        ({"artist_mbids": [A]}, {"artist_mbids": [B]}, None, [B]),
        ({"artist_mbids": [A]}, {"artist_names": ["LiLa"]}, ["LiLa"], None),
        (None, {"artist_names": ["Kari Mo", "LiLa"], "artist_mbids": [A]}, ["Kari Mo", "LiLa"], None),
        (None, {"artist_names": ["Kari Mo"], "artist_mbids": [A, B]}, ["Kari Mo"], [A, B]),
        (None, {}, None, None),
    ],
)
def test_artists_of_mapping_client_or_credit(
    mapping: object,
    info: object,
    artists: list[str] | None,
    mbids: list[str] | None,
) -> None:
    row = lines([listen(mbid_mapping=mapping, additional_info=info)]).to_dicts()[0]
    assert (row["artist"], row["artists"], row["artist_mbids"]) == ("Kari Mo", artists, mbids)


ONE = json.dumps(listen())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (ONE, "listenbrainz-lines"),
        (f"{ONE}\n{ONE}\n", "listenbrainz-lines"),
        (
            json.dumps(listen(additional_info={"payload": {}, "listens": [], "score": 1, "timestamp": 2})),
            "listenbrainz-lines",
        ),
        (json.dumps({"track_metadata": None}), "listenbrainz-lines"),
        (f"[{ONE}]", "listenbrainz-array"),
        (f'[{{"track_metadata": {{"track_name": "{"x" * 99_000}"', "listenbrainz-array"),
        (f'{{"payload": {{"count": 1, "listens": [{ONE}]}}}}', "listenbrainz-pages"),
        (f'[{{"payload": {{"count": 1, "listens": [{ONE}]}}}}]', "listenbrainz-pages"),
        (f'{{"listens": [{ONE}]}}', "listenbrainz-pages"),
        (f'{{"payload": [{ONE}], "listen_type": "import"}}', "listenbrainz-pages"),
        (f'{{"listen_type": "single", "payload": [{ONE}]}}', "listenbrainz-pages"),
        ('{"payload": {"count": 0, "listens": [], "user_id": "x"}}', "listenbrainz-pages"),
        ('{"score": 1, "created": 1700000000, "recording_mbid": null}', "listenbrainz-feedback"),
        ('[{"score": 1, "created": 1, "recording_msid": "x", "track_metadata": {}}]', "listenbrainz-feedback"),
        ('{"created": 1, "pinned_until": 2, "blurb_content": null, "recording_mbid": "x"}', "listenbrainz-feedback"),
        ('{"user_id": 1, "user_name": "x", "timestamp": 2, "track_metadata": {}}', "listenbrainz-dump"),
    ],
)
def test_format_is_recognised_by_content(data: str, name: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        known = recognise(peek_at("some name", data.encode(encoding)))
        assert known is not None
        assert known.name == name


@pytest.mark.parametrize(
    ("file", "data", "name"),
    [
        ("someone_lb_feedback-2023-01-01.json", b"[]", "listenbrainz-feedback"),
        ("someone_lb-2023-01-01.json", b"[]", "listenbrainz-array"),
        ("12.jsonl", b"\n", "listenbrainz-lines"),
        ("13.jsonl", b"\n", None),
        ("listenbrainz-listens-dump-1-20240101-000000-full.tar.zst", b"\x28\xb5\x2f\xfd", "listenbrainz-dump"),
        ("3.parquet", b"PAR1\x15\x04", "listenbrainz-dump"),
        ("outcome.parquet", b"PAR1\x15\x04", None),
        ("user.json", b'{"user_id":1,"username":"someone"}', None),
    ],
)
def test_format_of_an_empty_file_is_recognised_by_name(file: str, data: bytes, name: str | None) -> None:
    known = recognise(peek_at(file, data))
    assert (known.name if known else None) == name
