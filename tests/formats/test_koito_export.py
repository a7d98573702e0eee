"""Koito's own export, compared with a second, plain implementation of its rules."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, koito_export, peek_at, recognise
from tests.formats.koito import album, alias, artist, export, listen, track
from tests.helpers.examples import examples

MBID = "00009001-7c1e-4b3a-9d52-0a4e6f1b2c3d"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAME = TEXT | st.sampled_from(["Ochre & Ivy", "Marit Sølvang", " ", "荒巻鉄雄"])
SOURCE = st.sampled_from(["Canonical", "MusicBrainz", "Manual", "Import"])
ALIAS = st.fixed_dictionaries(
    {"alias": NAME, "source": SOURCE, "is_primary": st.booleans()}, optional={"id": st.integers(1, 9)}
)
ALIASES = st.lists(ALIAS, max_size=3, unique_by=lambda one: one["alias"]) | st.none()
MBIDS = st.sampled_from([None, MBID])
ARTIST = st.fixed_dictionaries(
    {"image_url": st.just(""), "mbid": MBIDS, "is_primary": st.booleans(), "aliases": ALIASES}
)
LISTEN = st.fixed_dictionaries(
    {
        "listened_at": st.sampled_from(["2022-01-08T22:32:08Z", "2022-01-08T22:32:08.25Z", "", "soon", None]),
        "track": st.fixed_dictionaries({"mbid": MBIDS, "duration": st.integers(-1, 400), "aliases": ALIASES}),
        "album": st.none()
        | st.fixed_dictionaries({"mbid": MBIDS, "aliases": ALIASES, "various_artists": st.booleans()}),
        "artists": st.none() | st.lists(ARTIST, max_size=3),
    },
    optional={"client": st.sampled_from(["", "navidrome", None])},
)
USER = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\{}[],:'), max_size=12)

# White space as Unicode has it; Python's own isspace() knows U+001C to U+001F, too, which are control characters.
SPACE = "\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def read(data: bytes) -> list[dict[str, Any]]:
    return koito_export.read_export(data, ReadOptions()).to_dicts()


def one(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    return read(export([listen(**fields)]))[0]


def name_of(entity: dict[str, Any] | None) -> str | None:
    aliases = (entity or {}).get("aliases") or []
    if len(aliases) == 1:
        return str(aliases[0]["alias"])
    named = [row for row in aliases if row["alias"].strip(SPACE)]
    ranked = [row for row in named if row["is_primary"]] or named
    ranked = [row for row in ranked if row["source"] == "Canonical"] or ranked
    return str(ranked[0]["alias"]) if ranked else None


def kept(entity: dict[str, Any] | None, kind: str, of: str | None = None) -> list[dict[str, Any]]:
    name = name_of(entity)
    rows = []
    for row in (entity or {}).get("aliases") or []:
        is_plain = row["alias"] == name and row["source"] == "Canonical" and not (entity or {})["mbid"]
        if row["alias"] and not is_plain:
            is_name = row["alias"] == name
            rows.append(
                {"entity": kind, "of": of, "alias": row["alias"], "source": row["source"], "is_primary": is_name}
            )
    return rows


@given(st.lists(LISTEN, max_size=6), USER)
def test_generated_listens_with_any_account_name(listens: list[dict[str, Any]], user: str) -> None:
    rows = read(export(listens, user))
    assert len(rows) == len(listens)
    for row, source in zip(rows, listens, strict=True):
        credited = [entry for entry in source["artists"] or [] if name_of(entry)]
        credited = sorted(credited, key=lambda entry: not entry["is_primary"])
        names = [name_of(entry) for entry in credited]
        assert row["artists"] == (names or None)
        assert row["artist"] == (", ".join(map(str, names)) if names else None)
        mbids = [entry["mbid"] for entry in credited]
        assert row["artist_mbids"] == (mbids if any(mbids) else None)
        assert row["track"] == name_of(source["track"])
        assert row["album"] == name_of(source["album"])
        assert row["recording_mbid"] == source["track"]["mbid"]
        assert row["release_mbid"] == (source["album"] or {}).get("mbid")
        assert row["various_artists"] == (source["album"] or {}).get("various_artists")
        assert row["duration"] == (source["track"]["duration"] if source["track"]["duration"] > 0 else None)
        assert row["client"] == (source.get("client") or None)
        further = [*kept(source["track"], "track"), *kept(source["album"], "album")]
        further += [alias for entry in credited for alias in kept(entry, "artist", name_of(entry))]
        assert row["aliases"] == (further or None)
        assert row["skip"] is None
        if row["reject"] in {None, "bad_time", "missing_time"}:
            time = source["listened_at"]
            assert row["reject"] == ("missing_time" if not time else "bad_time" if time == "soon" else None)
            assert row["listened_at"] == (datetime.fromisoformat(time) if time and time != "soon" else None)
        else:
            blank = row["artist"] if row["reject"] == "missing_artist" else row["track"]
            assert not (blank or "").strip(SPACE)


def test_a_track_without_artists_is_rejected_alone() -> None:
    rows = read(export([listen(), listen(artists=None), listen(artists=[]), listen(artists=[artist()]), listen()]))
    assert [row["reject"] for row in rows] == [None, *["missing_artist"] * 3, None]


def test_primary_artist_goes_first_with_its_mbid() -> None:
    row = one(artists=[artist("Guest"), artist("Second"), artist("Base", mbid=MBID, primary=True)])
    assert row["artists"] == ["Base", "Guest", "Second"]
    assert row["artist_mbids"] == [MBID, None, None]
    assert row["artist"] == "Base, Guest, Second"


@pytest.mark.parametrize(
    ("aliases", "name"),
    [
        ([alias("B", primary=False), alias("A", "Manual")], "A"),
        ([alias("B", "Manual", primary=False), alias("A", primary=False)], "A"),
        ([alias("A", "Manual", primary=False), alias("B", "Import", primary=False)], "A"),
        ([alias("B", "Manual"), alias("A")], "A"),
        ([alias("A", "Manual"), alias("B", "Import")], "A"),
        ([alias(" "), alias("A", "Manual", primary=False)], "A"),
        ([alias("A", "Manual", primary=False)], "A"),
        ([alias(None), alias("A", "Manual", primary=False)], "A"),
    ],
)
def test_name_is_primary_else_canonical_else_first(aliases: list[dict[str, Any]], name: str) -> None:
    row = one(track=track(*aliases), album=album(*aliases), artists=[artist(*aliases)])
    assert (row["track"], row["album"], row["artists"]) == (name, name, [name])
    assert [one["alias"] for one in row["aliases"] or [] if one["is_primary"] and one["alias"] != name] == []


def test_plain_name_is_an_alias_only_with_an_mbid() -> None:
    assert one()["aliases"] is None
    rows = one(track=track("Low Tide", mbid=MBID))["aliases"]
    assert [(row["entity"], row["alias"], row["source"], row["is_primary"]) for row in rows] == [
        ("track", "Low Tide", "Canonical", True)
    ]


@pytest.mark.parametrize(
    ("duration", "seconds"), [(0, None), (-1, None), (211, 211), (211.9, 211), (1e30, None), (None, None), ("30", 30)]
)
def test_a_duration_of_nothing_is_not_known(duration: Any, seconds: int | None) -> None:  # noqa: ANN401
    assert one(track={"mbid": None, "duration": duration, "aliases": [alias("A")]})["duration"] == seconds


def test_exports_of_every_age_are_read() -> None:
    old = {name: value for name, value in listen().items() if name != "client"}
    lite = listen(client="navidrome", track={**track(), "aliases": [{"id": 7, **alias("Low Tide")}]})
    rows = read(export([old, listen(client=""), lite]))
    assert [row["client"] for row in rows] == [None, None, "navidrome"]
    assert {row["track"] for row in rows} == {"Low Tide"}


@pytest.mark.parametrize("user", ['a"b', "a\\", 'a\\"', '"', "a\nb\tc", '","x":"', "}]}", "{[", "\x00", '"' * 300])
def test_account_name_never_leaves_the_file(user: str) -> None:
    data = export([listen(), listen(artists=None), listen()], f"Geheim{user}Geheim")
    frame = koito_export.read_export(data, ReadOptions())
    locations = koito_export.LAYOUT.locate(data, [1, 2, 3])
    assert frame["reject"].to_list() == [None, "missing_artist", None]
    assert [data[start:][:length][:15] for start, length in locations.select("offset", "length").rows()] == [
        b'{"listened_at":'
    ] * 3
    assert "Geheim" not in frame.write_json() + locations.write_json()
    for length in range(0, len(data), 7):
        with pytest.raises(BrokenFileError) as refused:
            koito_export.read_export(data[:length], ReadOptions())
        assert "Geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("version", "reported"), [('"2"', '"2"'), ("2", '"2"'), ('"1.1"', '"1.1"'), ("true", '"true"'), ('""', '""')]
)
def test_another_version_is_refused_by_its_number(version: str, reported: str) -> None:
    document = b'{"version":%s,"exported_at":"x","user":"u","listens":[{"what":1}]}' % version.encode()
    with pytest.raises(BrokenFileError, match="only version 1 of Koito's export can be read") as refused:
        koito_export.read_export(document, ReadOptions())
    assert reported in str(refused.value)
    assert recognise(peek_at("x.json", document)) is koito_export.FORMAT


def test_export_without_version_is_refused() -> None:
    with pytest.raises(BrokenFileError, match="does not state its version"):
        read(export([listen()]).replace(b"version", b"edition"))


def test_an_export_that_another_program_has_rewritten_is_read() -> None:
    document = json.dumps(json.loads(export([listen(), listen(artists=None)])), indent=1, sort_keys=True)
    assert [row["reject"] for row in read(document.encode())] == [None, "missing_artist"]
    with pytest.raises(BrokenFileError, match='version is "3"'):
        read(document.replace('"version": "1"', '"version": "3"').encode())


MESSAGES = (b"", b'{"error":"failed to create export file"}\n', b"internal server error\n", b"pq: [08006] (x)")


@pytest.mark.parametrize("message", MESSAGES)
def test_export_cut_off_anywhere_is_refused(message: bytes) -> None:
    name = track("A [x]", alias('"]}', "Import", primary=False), duration=9)
    whole = export([listen(track=name), listen(client="]}"), listen()])
    list_begins = whole.index(b'{"listened_at"')
    for length in range(len(whole)):
        with pytest.raises(BrokenFileError) as refused:
            read(whole[:length] + message)
        reported, at = str(refused.value), re.search(r"at byte (\d+) ", str(refused.value))
        assert refused.value.hint
        if length >= list_begins:
            assert at
            assert list_begins <= int(at[1]) <= length + len(message)
        if length and not message:
            assert f"the file ends at byte {length} " in reported
            assert reported.count("record") == 1


def test_error_message_instead_of_a_record() -> None:
    whole = export([listen(), listen()])
    stop = len(whole) - len("]}")
    for data in (whole[:stop] + MESSAGES[1], whole[:stop] + b"," + MESSAGES[2]):
        with pytest.raises(BrokenFileError, match=f"the list ends at byte {stop} after record 2, and a message"):
            read(data)
    with pytest.raises(BrokenFileError, match=f"the file ends at byte {stop} after record 2"):
        read(whole[:stop])
    with pytest.raises(BrokenFileError, match=f"the file ends at byte {stop - 5} inside record 2"):
        read(whole[: stop - 5])


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (b'{"listened_at":NaN}', "malformed"),
        (b'{"listened_at":"2020-01-01T00:00:00Z","client":"\xff"}', "bad_encoding"),
        (b'{"listened_at":"2020-01-01T00:00:00Z","client":"\\udc00"}', "bad_encoding"),
        (b'{"listened_at":["2020-01-01T00:00:00Z"]}', "wrong_type"),
        (b'{"artists":{}}', "wrong_type"),
        (b"17", "wrong_type"),
        (b'{"extra":' + b"[" * 3000 + b"]" * 3000 + b"}", "malformed"),
    ],
)
def test_broken_record_affects_no_other(piece: bytes, reason: str, place: int) -> None:
    records = [json.dumps(listen()).encode()] * 2
    records.insert(place, piece)
    data = export([]).replace(b"[", b"[" + b",".join(records))
    rows = read(data)
    assert [row["reject"] for row in rows] == [reason if row == place else None for row in range(3)]


def test_names_of_any_length_and_numbers_beyond_reason_are_read() -> None:
    rows = read(export([listen(track=track("ü" * 1_000_000)), listen(extra=10**400), listen()]))
    assert [len(row["track"]) for row in rows] == [1_000_000, 8, 8]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"[]", 'no list of records under "listens"'),
        (b'{"version":"1","listens":null}', "no list of records"),
        (b'{"version":"1","listens":[{"client":""}]}{"version":"1","listens":[]}', "follows the end of the list"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message) as refused:
        read(data)
    assert refused.value.hint


@examples(10)
@given(st.lists(LISTEN, max_size=4), USER)
def test_located_records_make_an_equal_export(listens: list[dict[str, Any]], user: str) -> None:
    data = export(listens, user)
    found = koito_export.LAYOUT.locate(data, range(1, len(listens) + 1))["record"].to_list()
    assert read(koito_export.LAYOUT.document(found)) == read(data)


def test_times_are_utc_whatever_their_offset() -> None:
    assert one(time="2022-01-08T23:32:08.5+01:00")["listened_at"] == datetime(2022, 1, 8, 22, 32, 8, 500_000, UTC)
