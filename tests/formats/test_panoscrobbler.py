"""The two exports of Pano Scrobbler, CSV and JSONL."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.formats import ReadOptions, lastfm_csv, panoscrobbler_csv, panoscrobbler_lines, peek_at, recognise
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
RECORD = st.fixed_dictionaries(
    {
        "timeHuman": TEXT,
        "timeMs": st.integers(0, 4_000_000_000_000),
        "artist": TEXT,
        "track": TEXT,
        "album": TEXT,
        "albumArtist": TEXT,
        "durationMs": st.none() | st.integers(1000, 10_000_000),
        "mediaPlayerPackage": TEXT,
        "event": st.sampled_from(["scrobble", "", "love", "unlove", "block"]),
    }
)
OLD = ("timeHuman", "timeMs", "artist", "track", "album", "albumArtist", "durationMs", "mediaPlayerPackage")


def check(found: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]) -> None:
    assert len(found) == len(records)
    for got, record in zip(found, records, strict=True):
        assert [got[name] or "" for name in ("artist", "track", "album")] == [
            record[name] for name in ("artist", "track", "album")
        ]
        assert got["listened_at"] == EPOCH + timedelta(milliseconds=record["timeMs"])
        length = record.get("durationMs")
        assert got["duration"] == (length // 1000 if length else None)
        assert got["client"] == "panoscrobbler"
        is_play = record.get("event", "") in ("", "scrobble")
        assert got["skip"] == (None if is_play else "not_a_play")
        blank = [name for name in ("artist", "track") if not record[name].strip()]
        assert got["reject"] == (f"missing_{blank[0]}" if blank and is_play else None)


def table(names: Sequence[str], records: Sequence[dict[str, Any]], nothing: str = "") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[nothing if record[name] is None else record[name] for name in names] for record in records])
    return out.getvalue().encode()


@examples(70)
@given(st.lists(RECORD, max_size=5), st.permutations([*OLD, "event"]), st.sampled_from(["", "null"]))
def test_generated_tables_are_read_back(records: list[dict[str, Any]], names: list[str], nothing: str) -> None:
    data = table(names, records, nothing)
    assert recognise(peek_at("x", data)) is panoscrobbler_csv.FORMAT
    check(panoscrobbler_csv.read_csv(data, ReadOptions()).to_dicts(), records)


@examples(70)
@given(st.lists(RECORD, max_size=5))
def test_generated_lines_are_read_back(records: list[dict[str, Any]]) -> None:
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    assert not records or recognise(peek_at("x", data)) is panoscrobbler_lines.FORMAT
    check(panoscrobbler_lines.read_lines(data, ReadOptions()).to_dicts(), records)


def test_table_of_an_old_version_has_no_events() -> None:
    record = {**dict.fromkeys(OLD, "x"), "timeMs": 1656875680100, "durationMs": None}
    check(panoscrobbler_csv.read_csv(table(OLD, [record]), ReadOptions()).to_dicts(), [record])


def test_milliseconds_under_another_name_are_recognised() -> None:
    data = b"timeHuman,timestamp,artist,track\nx,1656875680100,Kari Mo,Tide Table\n"
    assert recognise(peek_at("x.csv", data)) is lastfm_csv.FORMAT
    row = lastfm_csv.read_csv(data, ReadOptions()).to_dicts()[0]
    assert (row["reject"], row["detail"]) == ("bad_time", 'uts: "1656875680100" is in milliseconds, not seconds')


def test_player_and_human_time_do_not_leave_the_file() -> None:
    data = table(OLD, [dict.fromkeys(OLD, "private") | {"timeMs": 1, "durationMs": 1}])
    record = json.loads(panoscrobbler_csv.LAYOUT.locate(data, [1])["record"][0])
    assert set(record) == {"timeMs", "artist", "track", "album", "durationMs"}


def test_table_without_a_needed_column_is_refused() -> None:
    with pytest.raises(BrokenFileError, match="no column timeMs and no track"):
        panoscrobbler_csv.read_csv(b"timeHuman,artist\nx,Kari Mo\n", ReadOptions())
