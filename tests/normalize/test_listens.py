"""Rows become listens, skips or rejects, with the right values and reasons."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from etl.core.errors import InternalError
from etl.core.schema import EXTRACTED, NORMALIZED, SKIPPED
from etl.normalize.credit import split_credit
from etl.normalize.listens import Normalized, Rules, normalize
from etl.normalize.text import fold
from tests.helpers.examples import examples
from tests.helpers.frames import EARLIEST, MBIDS, NOW, SEPARATORS, START, Row, at, extracted, listens, normalized

if TYPE_CHECKING:
    from random import Random

SINCE, UNTIL = at(10), at(20)
FEW = examples(20)

NAME = st.sampled_from(
    [
        *("Ann", "ANN", "Bo", "Zoë", "Zoe\N{COMBINING DIAERESIS}", " Ann ", "A · B", "A feat. Bo", "Defeat. Club"),
        *("An\x07n", "An\0n", "A\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}B", "x" * 2_000, "x" * 2_001, "é" * 1_001),
        *("", " ", "\t", "\0", "\N{IDEOGRAPHIC SPACE}"),
    ]
) | st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=6)
MBID = st.sampled_from([*MBIDS, MBIDS[0].upper(), MBIDS[1].replace("-", ""), "junk", "", "0" * 32, f" {MBIDS[2]} "])
YEARS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (the zone is added)
TIME = YEARS | st.integers(5, 25).map(at)
ROW = st.fixed_dictionaries(
    {
        "listened_at": st.none() | TIME | TIME,
        "artist": st.none() | NAME,
        "artists": st.none() | st.none() | st.lists(st.none() | NAME, max_size=4),
        "artist_mbids": st.none() | st.lists(st.none() | MBID, max_size=4),
        "track": st.none() | NAME | NAME,
        "album": st.none() | NAME,
        "release_mbid": st.none() | MBID,
        "duration": st.none() | st.integers(-(2**31), 2**31 - 1),
        "client": st.none() | NAME,
        "skip": st.none() | st.none() | st.sampled_from(["podcast", "too_short"]),
        "reject": st.none() | st.none() | st.sampled_from(["malformed", "bad_time"]),
        "detail": st.none() | st.just("what the reader said"),
    }
)
ROWS = st.lists(ROW, max_size=12)


def plain(text: str | None) -> str:
    """Return ``text`` as cleaning leaves it, "" for none: what the page on keys says, in Python."""
    kept = [char for char in text or "" if char in "\t\n\v\f\r\x85" or unicodedata.category(char) != "Cc"]
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def verdict(row: Row) -> tuple[str, str | None]:
    """Return where a row belongs and why, in the order in which verdicts count."""
    if row["reject"] or row["skip"]:
        return ("rejected", row["reject"]) if row["reject"] else ("skipped", row["skip"])
    time = row["listened_at"]
    names = [row["artist"]] if row["artists"] is None else row["artists"]
    texts = [*names, row["track"], row["album"]]
    rules = [
        ("rejected", "missing_artist", not any(map(plain, names))),
        ("rejected", "missing_track", not plain(row["track"])),
        ("rejected", "missing_time", time is None),
        ("rejected", "time_too_early", time and time.replace(microsecond=0) < EARLIEST),
        ("rejected", "time_in_future", time and time.replace(microsecond=0) > NOW + timedelta(days=1)),
        ("rejected", "name_too_long", max(len(plain(text).encode()) for text in texts) > 2_000),
        ("skipped", "outside_window", time and not SINCE <= time.replace(microsecond=0) <= UNTIL),
        ("listens", None, True),
    ]
    return next((where, why) for where, why, applies in rules if applies)


def frames(made: Normalized) -> dict[str, pl.DataFrame]:
    return {"listens": made.listens, "skipped": made.skipped, "rejected": made.rejected}


def only(row: Row) -> dict[str, Any]:
    """Return the columns of the listen that ``row`` gives."""
    return listens(row).row(0, named=True)


def kind(row: Row, since: datetime | None = None, until: datetime | None = None) -> tuple[str, str | None, str | None]:
    """Return the frame, the reason and the detail of a single row."""
    made = frames(normalized(row, since=since, until=until))
    (name,) = [name for name, frame in made.items() if frame.height]
    found = made[name].row(0, named=True)
    return name, found.get("reason"), found.get("detail")


@FEW
@given(ROWS)
def test_every_row_is_in_one_frame_for_its_first_reason(rows: list[Row]) -> None:
    made = frames(normalized(*rows, since=SINCE, until=UNTIL))
    found = {
        row["row"]: (name, row.get("reason")) for name, frame in made.items() for row in frame.iter_rows(named=True)
    }
    assert sum(frame.height for frame in made.values()) == len(rows)
    assert found == {number: verdict(row) for number, row in enumerate(rows, start=1)}


@examples(9)
@given(st.lists(ROW, max_size=6), st.randoms(use_true_random=False))
def test_rows_do_not_affect_each_other(rows: list[Row], random: Random) -> None:
    numbered = [{"row": number, **row} for number, row in enumerate(rows, start=1)]
    shuffled = random.sample(numbered, len(numbered))
    before, after = normalized(*numbered), normalized(*shuffled)
    good = set(before.listens.get_column("row"))
    assert before.listens.get_column("row").is_sorted()
    assert after.listens.get_column("row").to_list() == [row["row"] for row in shuffled if row["row"] in good]
    for name, frame in frames(before).items():
        assert_frame_equal(frames(after)[name].sort("row"), frame)
    alone = [normalized(row).listens for row in numbered]
    if alone:
        assert_frame_equal(pl.concat(alone), before.listens)
    assert before.cleaned == after.cleaned


@FEW
@given(ROWS)
def test_the_names_of_listens_are_clean_and_their_credits_split(rows: list[Row]) -> None:
    made = normalized(*rows).listens
    for listen in made.iter_rows(named=True):
        row = rows[listen["row"] - 1]
        assert (listen["artist"] or "", listen["track"], listen["album"] or "") == tuple(
            plain(row[name]) for name in ("artist", "track", "album")
        )
        assert listen["artists"]
        assert all(name and name == plain(name) for name in listen["artists"])
        if row["artists"] is None:
            assert listen["artists"] == split_credit(listen["artist"], listen["track"], SEPARATORS)
        else:
            listed = {fold(plain(name)) for name in row["artists"]}
            assert {fold(name) for name in listen["artists"]} == listed - {""}
        raw = [*(listen["raw_artists"] or []), listen["raw_track"], listen["raw_album"]]
        assert not [text for text in raw if text and "\0" in text]


@FEW
@given(ROWS)
def test_times_durations_and_mbids_have_their_final_form(rows: list[Row]) -> None:
    for listen in normalized(*rows).listens.iter_rows(named=True):
        row = rows[listen["row"] - 1]
        assert listen["listened_at"] == row["listened_at"].replace(microsecond=0)
        assert listen["duration"] == (row["duration"] if row["duration"] and row["duration"] > 0 else None)
        assert listen["release_mbid"] in {None, *MBIDS}
        assert {*(listen["artist_mbids"] or [])} <= {None, *MBIDS}


def test_no_rows_give_frames_without_rows() -> None:
    made = normalized()
    assert made.listens.schema == NORMALIZED
    assert made.skipped.schema == SKIPPED
    assert made.rejected.columns == ["file", "row", "reason", "detail"]
    assert (made.listens.height, made.skipped.height, made.rejected.height, made.cleaned) == (0, 0, 0, 0)


def test_a_frame_of_another_schema_is_a_defect() -> None:
    with pytest.raises(InternalError, match="track"):
        normalize(extracted({}).drop("track"), "f", "test", EARLIEST, Rules(NOW, SEPARATORS))
    assert extracted({}).schema == EXTRACTED


def test_file_source_and_client_are_noted() -> None:
    listen = only({"client": " a\tb "})
    assert (listen["file"], listen["source"], listen["client"]) == ("export.json", "test", "a b")


def test_verdicts_of_the_reader_stay() -> None:
    assert kind({"skip": "podcast", "artist": None, "detail": "x"})[:2] == ("skipped", "podcast")
    assert kind({"reject": "wrong_type", "detail": "x", "track": None}) == ("rejected", "wrong_type", "x")
    assert kind({"skip": "podcast", "reject": "malformed", "detail": "x"}) == ("rejected", "malformed", "x")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"artist": None, "track": None, "listened_at": None}, "missing_artist"),
        ({"artist": " \0"}, "missing_artist"),
        ({"artists": []}, "missing_artist"),
        ({"artists": [None, " "]}, "missing_artist"),
        ({"track": "\t", "listened_at": None}, "missing_track"),
        ({"listened_at": None, "track": "x" * 2_001}, "missing_time"),
    ],
)
def test_missing_artist_before_track_before_time(row: Row, reason: str) -> None:
    assert kind(row, since=NOW) == ("rejected", reason, None)


def test_time_too_early_or_in_the_future() -> None:
    assert kind({"listened_at": EARLIEST}) == ("listens", None, None)
    early = EARLIEST - timedelta(microseconds=1)
    assert kind({"listened_at": early}, since=START) == ("rejected", "time_too_early", "2002-09-30T23:59:59Z")
    assert kind({"listened_at": NOW + timedelta(days=1, microseconds=999_999)})[0] == "listens"
    late = NOW + timedelta(days=1, seconds=1)
    assert kind({"listened_at": late}, until=START) == ("rejected", "time_in_future", "2024-01-02T00:00:01Z")


def test_the_whole_calendar_can_be_shown() -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert kind({"listened_at": first}) == ("rejected", "time_too_early", "0001-01-01T00:00:00Z")
    assert kind({"listened_at": last}) == ("rejected", "time_in_future", "9999-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("second", "inside"), [(9, False), (9.999999, False), (10, True), (20, True), (20.999, True), (21, False)]
)
def test_the_window_includes_both_ends(second: float, inside: bool) -> None:
    expected = ("listens", None, None) if inside else ("skipped", "outside_window", None)
    assert kind({"listened_at": START + timedelta(seconds=second)}, since=SINCE, until=UNTIL) == expected


def test_a_window_may_be_open_at_one_end() -> None:
    assert kind({"listened_at": at(9)}, until=UNTIL)[0] == kind({"listened_at": at(21)}, since=SINCE)[0] == "listens"
    assert kind({"listened_at": at(21)}, until=UNTIL)[0] == kind({"listened_at": at(9)}, since=SINCE)[0] == "skipped"


def test_times_are_floored_to_whole_seconds_also_before_1970() -> None:
    rules = Rules(NOW, SEPARATORS)
    rows = extracted(
        {"listened_at": datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)},
        {"listened_at": datetime(1960, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC)},
        {"listened_at": datetime(2020, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC)},
    )
    times = normalize(rows, "f", "test", datetime(1900, 1, 1, tzinfo=UTC), rules).listens.get_column("listened_at")
    assert times.dt.epoch("us").to_list() == [-1_000_000, -315_619_200_000_000, 1_577_836_800_000_000]


@pytest.mark.parametrize("column", ["artist", "track", "album"])
def test_a_name_may_have_2000_bytes(column: str) -> None:
    assert kind({column: "x" * 2_000})[0] == "listens"
    assert kind({column: "é" * 1_000 + "  "})[0] == "listens"
    assert kind({column: "x" * 1_999 + "\0\0é"[:3]}) == ("rejected", "name_too_long", "2001 bytes; at most 2,000 fit")


def test_many_listed_artists_may_have_more_bytes_together() -> None:
    listed = [f"{number:0500}" for number in range(9)]
    assert kind({"artist": ", ".join(listed), "artists": listed})[0] == "listens"


def test_a_listed_artist_of_more_than_2000_bytes_rejects_the_row() -> None:
    assert kind({"artist": None, "artists": ["Ann", "x" * 2_000]})[0] == "listens"
    assert kind({"artist": None, "artists": ["Ann", "é" * 1_001, None]}) == (
        ("rejected", "name_too_long", "2002 bytes; at most 2,000 fit")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (MBIDS[0], MBIDS[0]),
        (MBIDS[0].upper(), MBIDS[0]),
        (f" {MBIDS[0]}\n", MBIDS[0]),
        (MBIDS[0].replace("-", ""), MBIDS[0]),
        ("00000000-0000-0000-0000-000000000000", None),
        ("0" * 32, None),
        (MBIDS[0][:-1], None),
        (MBIDS[0] + "0", None),
        (MBIDS[0].replace("a", "g"), None),
        ("junk", None),
        ("", None),
        (None, None),
    ],
)
def test_an_mbid_is_canonical_or_null(given: str | None, expected: str | None) -> None:
    columns = ("recording_mbid", "release_mbid", "release_group_mbid")
    listen = only({**dict.fromkeys(columns, given), "artist_mbids": [given]})
    assert [listen[column] for column in columns] == [expected] * 3
    assert listen["artist_mbids"] == [expected]


def test_mbids_stay_aligned_with_listed_artists() -> None:
    a, b, c = MBIDS
    listed = ["Ann", " ", "ANN", "Bo", None, "Cy"]
    assert only({"artists": listed, "artist_mbids": [a, b, b, "junk", c, c]})["artist_mbids"] == [a, None, c]
    assert only({"artists": listed, "artist_mbids": [a, b, b, "junk", c, c]})["artists"] == ["Ann", "Bo", "Cy"]


def test_unaligned_mbids_stay_a_separate_list() -> None:
    a, b, _ = MBIDS
    assert only({"artists": ["Ann", "Ann", "Bo"], "artist_mbids": [a, b]})["artist_mbids"] == [a, b]
    assert only({"artist": "Ann feat. Bo", "artist_mbids": [a, b]})["artist_mbids"] == [a, b]
    assert only({"artists": ["Ann", "Bo"], "artist_mbids": []})["artist_mbids"] == []
    assert only({"artists": ["Ann", "Bo"]})["artist_mbids"] is None


@pytest.mark.parametrize(("given", "expected"), [(-1, None), (0, None), (1, 1), (2**31 - 1, 2**31 - 1), (None, None)])
def test_a_duration_is_positive_or_null(given: int | None, expected: int | None) -> None:
    assert only({"duration": given})["duration"] == expected


def test_raw_texts_are_kept_if_cleaning_did_more_than_trim() -> None:
    columns = ["artists", "raw_artists", "raw_track", "raw_album"]
    made = listens(
        {"artist": " Ann", "track": "One ", "album": "\tHits"},
        {"artist": " An\x07n", "track": "On\x07e ", "album": "Hi  ts"},
        {"artist": "Ann", "track": "On\0e"},
        {"artists": ["Ann", "Zoe\N{COMBINING DIAERESIS}", "ANN"]},
        {"artist": "An\x07n feat. Bo"},
        {"track": "One feat. B\x07o"},
    )
    assert made.select(columns).rows() == [
        (["Ann"], None, None, None),
        (["Ann"], ["An\x07n"], "On\x07e", "Hi  ts"),
        (["Ann"], None, None, None),
        (["Ann", "Zoë"], ["Ann", "Zoe\N{COMBINING DIAERESIS}"], None, None),
        (["Ann", "Bo"], ["An\x07n", "Bo"], None, None),
        (["Ann", "Bo"], ["Ann", "B\x07o"], "One feat. B\x07o", None),
    ]


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        ({"artist": " Ann ", "track": "One\n", "album": " "}, False),
        ({"client": "a\x07b"}, False),
        ({"artist": "An\x07n", "track": "O  ne"}, True),
        ({"track": "O\0ne"}, True),
        ({"album": "\0"}, True),
        ({"artists": ["Ann", "B\0o"]}, True),
        ({"artists": ["Ann", "Zoe\N{COMBINING DIAERESIS}"]}, True),
        ({"artist": "A\x07 · B\x07 · b"}, True),
    ],
)
def test_count_of_cleaned_listens(row: Row, counts: bool) -> None:
    assert normalized(row).cleaned == int(counts)
    assert normalized(row, row, {}).cleaned == 2 * int(counts)


def test_only_listens_count_as_cleaned() -> None:
    assert normalized({"track": "O\x07ne", "skip": "podcast"}, {"track": "O\x07ne", "listened_at": None}).cleaned == 0
