"""Maloja's exports, compared with a second, plain implementation of the rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, maloja_export

if TYPE_CHECKING:
    import polars as pl

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ARTIST = TEXT | st.sampled_from(["Kari Mo", "kari mo", "Mossrose • Kari Mo", " • ", "", "A•B", "Brimdís • LiLa • A"])
ALBUM = st.none() | st.fixed_dictionaries(
    {}, optional={"albumtitle": st.none() | TEXT, "name": TEXT, "artists": st.none()}
)
TRACK = st.fixed_dictionaries(
    {},
    optional={
        "artists": st.none() | st.lists(ARTIST, max_size=3),
        "title": st.none() | TEXT,
        "album": ALBUM,
        "length": st.none() | st.integers(-1, 400),
    },
)
SCROBBLE = st.fixed_dictionaries(
    {"time": st.integers(-2, 2**33) | st.sampled_from([None, 10**12, 253402300799, 253402300800])},
    optional={"track": st.none() | TRACK, "duration": st.none() | st.integers(0, 400), "origin": TEXT},
)


def read(scrobbles: list[dict[str, Any]], key: str = "scrobbles") -> pl.DataFrame:
    return maloja_export.read_export(json.dumps({key: scrobbles}).encode(), ReadOptions())


def credit(artists: list[str] | None) -> list[str] | None:
    """Koito's way to the artists of a scrobble, with the names trimmed."""
    rest = list(artists or [])
    for position, name in enumerate(rest):
        if " • " in name:
            rest.insert(0, rest.pop(position))
            break
    names: list[str] = []
    for name in (part.strip() for entry in rest for part in entry.split(" • ")):
        if name and name.lower() not in [known.lower() for known in names]:
            names.append(name)
    return names or None


@given(st.lists(SCROBBLE, max_size=8), st.sampled_from(["scrobbles", "list"]), st.sampled_from([None, 3]))
def test_generated_scrobbles_are_read_back(scrobbles: list[dict[str, Any]], key: str, indent: int | None) -> None:
    document = {"maloja": {"export_time": 1}, "status": "ok", key: scrobbles, "pagination": {"next_page": None}}
    rows = maloja_export.read_export(json.dumps(document, indent=indent).encode(), ReadOptions()).to_dicts()
    assert len(rows) == len(scrobbles)
    for row, scrobble in zip(rows, scrobbles, strict=True):
        track, time = scrobble.get("track") or {}, scrobble["time"]
        album, artists = track.get("album") or {}, credit(track.get("artists"))
        assert row["artists"] == artists
        assert row["artist"] == (", ".join(artists) if artists else None)
        assert row["track"] == track.get("title")
        assert row["album"] == (
            album["name"] if album.get("albumtitle") is None and "name" in album else album.get("albumtitle")
        )
        assert row["duration"] == (track["length"] if (track.get("length") or 0) > 0 else None)
        fits = time is not None and 0 <= time < 253402300800
        assert row["listened_at"] == (datetime.fromtimestamp(time, UTC) if fits else None)
        assert row["client"] == "maloja"
        assert row["skip"] is None
        if row["reject"] is None:
            assert fits
        elif row["reject"] in {"missing_time", "bad_time"}:
            assert (row["reject"] == "missing_time") == (time is None)


@given(st.lists(SCROBBLE, max_size=8))
def test_scrobbles_of_version_2_read_as_those_with_a_track(scrobbles: list[dict[str, Any]]) -> None:
    """The only difference is the length, which version 2 does not have; its album may be just a name."""
    flat: list[dict[str, Any]] = []
    for scrobble in scrobbles:
        track: dict[str, Any] = scrobble.get("track") or {}
        track.pop("length", None)
        album = track.get("album") or {}
        if album.get("albumtitle") is None and "name" in album:
            track = {**track, "album": album["name"]}
        flat.append({**scrobble, **track, "track": None})
    assert read(flat, "list").equals(read(scrobbles, "list"))


def test_track_object_wins_over_flat_fields() -> None:
    track = {"artists": ["A"], "title": "t"}
    frame = read([{"time": 1, "track": track, "artists": 5, "title": ["x"], "album": "y"}], "list")
    assert frame.select("artist", "track", "album", "reject").rows() == [("A", "t", None, None)]


def test_wrong_types_in_version_2_reject_one_scrobble() -> None:
    sound: dict[str, Any] = {"time": 1, "artists": ["A"], "title": "t"}
    bad: list[dict[str, Any]] = [
        {"artists": "A"},
        {"title": 5},
        {"album": [1]},
        {"album": {"albumtitle": 5}},
        {"artists": ["A", None]},
    ]
    frame = read([sound, *[sound | fields for fields in bad], sound], "list")
    assert frame["reject"].to_list() == [None, *["wrong_type"] * len(bad), None]
    assert frame["detail"].to_list()[1:-1] == [
        "artists: expected array, got str",
        "title: expected str, got int",
        "album: expected object, got array",
        "album.albumtitle: expected str, got int",
        "artists[1]: expected str, got null",
    ]


@pytest.mark.parametrize(
    ("artists", "names"),
    [
        (["Cherish", "Magnify • Cherish"], ["Magnify", "Cherish"]),
        (["B", "A • B", "C • D"], ["A", "B", "C", "D"]),
        (["A • B"], ["A", "B"]),
        (["A", "B"], ["A", "B"]),
        ([" A ", "a"], ["A"]),
        (["LiLa • LILA"], ["LiLa"]),
        (["A•B"], ["A•B"]),
        ([" • "], None),
        ([], None),
        (None, None),
    ],
)
def test_the_joined_credit_goes_first_and_every_artist_counts_once(
    artists: list[str] | None, names: list[str] | None
) -> None:
    assert maloja_export.split_credit(artists) == names
    assert credit(artists) == names


@pytest.mark.parametrize("time", [-1, 253402300800, 1700000000123, 10**30, "nan", "-inf"])
def test_number_out_of_range_is_not_a_time(time: Any) -> None:  # noqa: ANN401
    track = {"artists": ["A"], "title": "t"}
    frame = read([{"time": time, "track": track}, {"time": 1, "track": track}])
    assert frame["reject"].to_list() == ["bad_time", None]
    assert str(time).lstrip("-") in frame["detail"][0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", 'no list of records under "scrobbles" or "list"'),
        (b'{"maloja":{"export_time":1}}', "no list of records"),
        (b'{"scrobbles":null}', "no list of records"),
        (b'{"scrobbles":{"time":1}}', "no list of records"),
        (b'{"maloja":{"exp', "no list of records"),
        (b'{"scrobbles":[],"list":[]}', "more than one"),
        (b'{"scrobbles":[{"time":"x"}],"list":[]}', "more than one"),
        (b'{"scrobbles":[{"time":1}]', "ends at byte 25 after record 1"),
        (b'{"scrobbles":[{"time":1},{"time":2,"track":{"artists":["A"]', "inside record 2"),
        (b'{"scrobbles":[{"time":1}]}{"scrobbles":[]}', "follows the end of the list"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFileError, match=message) as refused:
        maloja_export.read_export(data, ReadOptions())
    assert refused.value.hint


def test_a_file_cut_off_anywhere_is_never_loaded_in_part() -> None:
    track = {"artists": ["A [x]", "B}"], "title": "t", "album": {"albumtitle": "]}"}, "length": None}
    whole = json.dumps({"maloja": {}, "scrobbles": [{"time": 1, "track": track}] * 2, "x": [1]}, indent=3).encode()
    for length in range(len(whole)):
        with pytest.raises(BrokenFileError):
            maloja_export.read_export(whole[:length], ReadOptions())


def test_damage_outside_the_list_rejects_no_row() -> None:
    data = b'{"maloja":{"export_time":NaN},"scrobbles":[{"time":1,"track":{"artists":["A"],"title":"t"}}]}'
    frame = maloja_export.read_export(data, ReadOptions())
    assert frame.select("artist", "track", "reject").rows() == [("A", "t", None)]
