"""Scrobbler logs of Rockbox and other players."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.formats import ReadOptions, peek_at, recognise, rockbox_log
from etl.normalize.listens import Rules, normalize
from tests.helpers.examples import examples

UNKNOWN = "#AUDIOSCROBBLER/1.1\n#TZ/UNKNOWN\n#CLIENT/x\n"
KNOWN = UNKNOWN.replace("UNKNOWN", "UTC")
BERLIN = ReadOptions(timezone="Europe/Berlin")
MBID = "9a0c7c11-0f3c-4b1e-8a53-6a1f0e8cd002"
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
PLAY = st.tuples(
    TEXT.filter(lambda text: not text.startswith("#")),
    TEXT,
    TEXT,
    st.integers(1, 5000),
    st.sampled_from("LSls"),
    st.integers(1, 2**31),
    st.sampled_from(["", MBID]),
)


def line(artist: str, album: str, track: str, *more: object) -> str:
    length, rating, time, mbid = more
    return f"{artist}\t{album}\t{track}\t1\t{length}\t{rating}\t{time}\t{mbid}\n"


def read(text: str, options: ReadOptions | None = None) -> list[dict[str, Any]]:
    assert recognise(peek_at("x", text.encode())) is rockbox_log.FORMAT
    return rockbox_log.read_log(text.encode(), options or ReadOptions()).to_dicts()


@examples(70)
@example([(KNOWN, [("asin", "", "title", 200, "L", 1_600_000_000, "")])])
@given(st.lists(st.tuples(st.sampled_from([KNOWN, UNKNOWN]), st.lists(PLAY, max_size=3)), min_size=1, max_size=4))
def test_generated_logs_joined_in_one_file_are_read_back(logs: list[tuple[str, list[Any]]]) -> None:
    found = read("".join(head + "".join(line(*play) for play in plays) for head, plays in logs), BERLIN)
    expected = [(head, play) for head, plays in logs for play in plays]
    assert len(found) == len(expected)
    for got, (head, (artist, album, track, length, rating, time, mbid)) in zip(found, expected, strict=True):
        assert (got["artist"], got["album"], got["track"]) == (artist or None, album or None, track or None)
        assert (got["duration"], got["recording_mbid"]) == (length, mbid or None)
        utc = datetime.fromtimestamp(time, UTC)
        local = utc.replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=0).astimezone(UTC)
        assert got["listened_at"] == (utc if head is KNOWN else local)
        assert (got["local_time"] is None) == (head is KNOWN)
        assert got["client"] == "rockbox"
        is_skipped = rating in "Ss"
        assert got["skip"] == ("skipped_track" if is_skipped else None)
        blank = [name for name, text in (("artist", artist), ("track", track)) if not text.strip()]
        assert got["reject"] == (f"missing_{blank[0]}" if blank and not is_skipped else None)


@pytest.mark.parametrize(
    ("head", "zone", "hour", "word"),
    [
        (KNOWN, "Europe/Berlin", 12, None),
        (UNKNOWN, "Europe/Berlin", 10, "unique"),
        (UNKNOWN, None, 12, "unique"),
        ("#AUDIOSCROBBLER/1.1\n", "Europe/Berlin", 10, "unique"),
    ],
)
def test_zone_applies_where_the_player_did_not_know_it(
    head: str, zone: str | None, hour: int, word: str | None
) -> None:
    noon = int(datetime(2023, 7, 1, 12, tzinfo=UTC).timestamp())
    [got] = read(head + line("A", "", "t", 200, "L", noon, ""), ReadOptions(timezone=zone))
    assert got["listened_at"] == datetime(2023, 7, 1, hour, tzinfo=UTC)
    assert got["local_time"] == word


def test_untagged_and_timeless_rows_are_rejected_with_the_reason() -> None:
    rows = [
        ("<Untagged>", "L", "t", 1, "L", 9),
        ("A", "<Untagged>", "t", 1, "L", 0),
        ("A", "", "<Untagged>", 1, "L", 9),
    ]
    found = read(KNOWN + "".join(line(*row, "") for row in rows))
    assert [got["reject"] for got in found] == ["missing_artist", "missing_time", "missing_track"]
    assert [got["detail"] for got in found] == [
        'the player wrote "<Untagged>"',
        "time: 0, as the player had no clock",
        'the player wrote "<Untagged>"',
    ]
    assert found[1]["album"] is None


def test_clock_that_was_reset_is_too_early() -> None:
    times = [315_532_800, 946_684_800, 1_319_907_600]
    frame = rockbox_log.read_log((KNOWN + "".join(line("A", "", "t", 9, "L", t, "") for t in times)).encode(), BERLIN)
    rules = Rules(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(0), compile_separators(DEFAULT_SEPARATORS))
    judged = normalize(frame, "x", "rockbox", rockbox_log.FORMAT.earliest, rules)
    assert judged.rejected["reason"].to_list() == ["time_too_early"] * 2


def test_log_without_mbids_is_read() -> None:
    [got] = read(KNOWN + "A\tL\tt\t1\t200\tL\t1319907600\n")
    assert (got["artist"], got["reject"], got["recording_mbid"]) == ("A", None, None)


@pytest.mark.parametrize("name", [".scrobbler.log", ".scrobbler-timeless.log", "scrobbler.log"])
def test_an_empty_log_is_known_by_its_name(name: str) -> None:
    assert recognise(peek_at(name, b"")) is rockbox_log.FORMAT


def test_log_that_lost_its_first_lines_is_read_and_its_skips_are_skipped() -> None:
    text = line("A", "L", "t", 200, "L", 1319907600, "") + line("A", "L", "u", 200, "S", 1319907900, "")
    assert recognise(peek_at("old.log", text.encode())) is rockbox_log.FORMAT
    assert [(got["track"], got["skip"], got["local_time"] is not None) for got in read(text)] == [
        ("t", None, True),
        ("u", "skipped_track", True),
    ]


@pytest.mark.parametrize("rest", ["x\t1319907600", "L\tyesterday", "L\t1319907600\t\t\t"])
def test_other_tables_with_tabs_are_no_logs(rest: str) -> None:
    assert recognise(peek_at("old.log", f"A\tL\tt\t1\t200\t{rest}\n".encode())) is not rockbox_log.FORMAT
