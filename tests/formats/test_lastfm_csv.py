"""Last.fm tables with a header, compared with a second, plain implementation of the rules."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.formats import ReadOptions, lastfm_csv, peek_at, recognise
from etl.normalize.listens import Rules, normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = timedelta(seconds=1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=6)
MOMENT = st.integers(-30_000_000, 4_000_000_000).map(lambda second: datetime(1970, 1, 1, tzinfo=UTC) + second * SECOND)

# How columns may be called, by what they hold; those with a time also say how it is written.
COLUMNS = {
    "artist": ["artist", "Artist", " artist name", "ARTIST_NAME"],
    "album": ["album", "Album_Name", "release"],
    "track": ["track", "Title", "song_title", "track name"],
}
TIMES = {
    "seconds": ["uts", "unixtime", "Timestamp"],
    "milliseconds": ["Date#somebody"],
    "iso": ["ISO time", "utc_time", "datetime"],
    "words": ["date_time", "Date", "scrobbled at"],
}
PRECISE = ("seconds", "milliseconds", "iso")


def spelled(moment: datetime, way: str) -> str:
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // SECOND
    return {
        "seconds": str(seconds),
        "milliseconds": str(seconds * 1000 + 7 * (seconds > 0)),
        "iso": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "words": moment.strftime("%d %b %Y, %H:%M"),
    }[way]


def understood(text: str, way: str) -> tuple[datetime, bool] | None:
    """Return the time that ``text`` holds, and whether it is one of a minute."""
    if way in {"seconds", "milliseconds"} and re.fullmatch("[0-9]+", text):
        return datetime.fromtimestamp(int(text) / (1000 if way == "milliseconds" else 1), UTC), False
    for form, is_minute in (("%Y-%m-%d %H:%M:%S", False), ("%d %b %Y, %H:%M", True)):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC), is_minute
        except ValueError:
            pass
    return None


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, dict[str, str], list[dict[str, str]]]:
    """Draw a delimiter, a header and rows, both by what the columns hold."""
    kinds = [*COLUMNS, *draw(st.lists(st.sampled_from(list(TIMES)), min_size=1, unique=True)), "playlist"]
    kinds = draw(st.permutations(kinds))
    names = {**COLUMNS, **TIMES, "playlist": ["playlist"]}
    header = {kind: draw(st.sampled_from(names[kind])) for kind in kinds}
    row = dict.fromkeys(kinds, TEXT)
    for kind in set(kinds) & set(TIMES):
        row[kind] = st.sampled_from(["", "never", "-5"]) | st.builds(spelled, MOMENT, st.just(kind))
    return draw(st.sampled_from(",;\t")), header, draw(st.lists(st.fixed_dictionaries(row), max_size=5))


def table(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str = ",", end: str = "\n") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=end).writerows([header, *rows])
    return out.getvalue().encode()


def read(data: bytes) -> list[dict[str, Any]]:
    assert recognise(peek_at("any name", data)) is lastfm_csv.FORMAT
    return lastfm_csv.read_csv(data, ReadOptions()).to_dicts()


@given(tables(), st.sampled_from(["\n", "\r\n"]))
def test_generated_tables_are_read_back(drawn: tuple[str, dict[str, str], list[dict[str, str]]], end: str) -> None:
    delimiter, header, rows = drawn
    fields = [[row[kind] for kind in header] for row in rows]
    found = read(table(list(header.values()), fields, delimiter, end))
    assert len(found) == len(rows)
    for got, row in zip(found, rows, strict=True):
        known = [understood(row[way], way) for way in TIMES if way in row]
        times = sorted((time for time in known if time), key=lambda time: time[1])  # stable: the best first
        assert got["listened_at"] == (times[0][0] if times else None)
        assert got["minute_only"] == (True if times and times[0][1] else None)
        assert (got["artist"], got["album"], got["track"]) == tuple(row[name] or None for name in COLUMNS)
        assert got["client"] == "lastfm"
        blank = [name for name in ("artist", "track") if not row[name].strip()]
        undated = not any(row[way] for way in TIMES if way in row)
        playing = undated and not set(row) & {"seconds", "milliseconds"}
        if got["skip"]:
            assert playing
            assert got["skip"] == "now_playing"
        elif got["reject"] in {"missing_artist", "missing_track"}:
            assert got["reject"].removeprefix("missing_") in blank
        else:
            assert got["reject"] == ("missing_time" if undated else None if times else "bad_time")


def test_header_of_our_own_names_is_understood() -> None:
    names = lastfm_csv.LAYOUT.dialect.names
    header = lastfm_csv.LAYOUT.header
    assert header is not None
    assert header(",".join(name or "" for name in names)).names == names


def test_line_of_a_spreadsheet_in_front_of_the_header_is_ignored() -> None:
    data = b"\xef\xbb\xbfsep=;\r\nuts;artist;track\r\n1720688852;A;t\r\n"
    [got] = read(data)
    assert (got["artist"], got["reject"]) == ("A", None)
    assert lastfm_csv.LAYOUT.locate(data, [1])["offset"].to_list() == [data.index(b"1720688852")]


def test_undated_and_early_rows() -> None:
    rows = [["A", "t", text] for text in ("0", "59008", "1033430399", "1033430400")]
    frame = lastfm_csv.read_csv(table(["artist", "track", "uts"], rows), ReadOptions())
    assert frame["reject"].to_list() == [None] * 4
    rules = Rules(datetime.now(UTC) + timedelta(0), compile_separators(DEFAULT_SEPARATORS))
    judged = normalize(frame, "x", "lastfm", lastfm_csv.FORMAT.earliest, rules)
    assert judged.rejected["reason"].to_list() == ["time_too_early"] * 3
    assert judged.listens.height == 1


def test_identifiers_go_along() -> None:
    header = ["uts", "artist", "artist_mbid", "album", "album_mbid", "track", "track_mbid"]
    rows = [["1720688852", "A", "a", "L", "l", "t", "r"], ["1720688852", "A feat. B", "a", "", "", "t", ""]]
    first, second = read(table(header, rows))
    assert (first["artist_mbids"], first["release_mbid"], first["recording_mbid"]) == (["a"], "l", "r")
    assert (second["artist_mbids"], second["release_mbid"], second["recording_mbid"]) == (None, None, None)


def test_official_exporter_has_corrected_unquoted_names() -> None:
    header = (
        "ISO time\tunixtime\ttrack name\ttrack mbid\tartist name\tartist mbid\tuncorrected track name\t"
        "uncorrected track mbid\tuncorrected artist name\tuncorrected artist mbid\talbum name\talbum mbid\t"
        "album artist name\talbum artist mbid\tapplication"
    )
    line = '2011-03-04T18:00:00\t1299261600\t"Fjara"\tr\tBrimdís\ta\tfjara\tx\tbrimdis\ty\t"Salt\tl\tVarious\tz\tApp'
    [got] = read(f"{header}\n{line}\n".encode())
    assert (got["artist"], got["track"], got["album"]) == ("Brimdís", '"Fjara"', '"Salt')
    assert (got["artist_mbids"], got["release_mbid"], got["recording_mbid"]) == (["a"], "l", "r")
    assert got["listened_at"] == datetime(2011, 3, 4, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "lacking"),
    [
        ("artist,track,album", "time"),
        ("Artist;Titel;Song?;Gehört am", "track or the time"),
        ('"uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid"', "artist or the track or the time"),
        ("artist,album artist,track number,uts", "track"),
    ],
)
def test_table_of_other_columns_is_refused(header: str, lacking: str) -> None:
    cells = [header.strip('"')] if header.startswith('"') else re.split("[,;]", header)
    data = f"{header}\r\nA,B,C,1720688852,x\r\n".encode("utf-8-sig")
    assert recognise(peek_at("any name.csv", data)) is lastfm_csv.FORMAT
    with pytest.raises(BrokenFileError, match=f"recognised as the {lacking};") as refused:
        lastfm_csv.read_csv(data, ReadOptions())
    assert all(f'"{cell[:40]}"' in refused.value.message for cell in cells)
    assert "utc_time" in refused.value.hint


def test_user_name_does_not_leave_a_refused_file() -> None:
    with pytest.raises(BrokenFileError) as refused:
        lastfm_csv.read_csv(b"Artist;Albumtitle;Trk;Date#somebody12345\nA;B;C;1\n", ReadOptions())
    assert '"Date_ms"' in refused.value.message
    assert "somebody" not in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        b"name,surname\nA,B\n",
        b"Name,Artist URL\nA,B\n",
        b"Artist A,Album A,Song A,20 Nov 2020 09:35\n",
        b"1720688852,artist,track\n",
        b"# artist,track,uts\nA,t,1720688852\n",
        b'[{"artist":"A","track":"t"}]',
        b"the artist wrote about a track, it says here\n",
    ],
)
def test_other_tables_are_not_read(data: bytes) -> None:
    known = recognise(peek_at("any name.csv", data))
    assert known is not lastfm_csv.FORMAT


def test_hostile_rows_affect_no_others() -> None:
    long, sound = "x" * 1_000_000, b'"1720688852","A","t"\r\n'
    hostile = [
        b'"1720688852","A\xff","t"\r\n',
        b'"1720688852","A\r\n',
        b'"1720688852"\r\n',
        b'"1720688852","A"t","t"\r\n',
        b'"1720688852","\x00","t"\r\n',
        b'"1720688852","' + long.encode() + b'","t"\r\n',
        b'"1720688852","A\xed\xa0\x80","t"\r\n',
    ]
    data = b"uts,artist,track\r\n" + sound + sound.join(hostile) + sound
    frame = lastfm_csv.read_csv(data, ReadOptions())
    assert frame["reject"].to_list()[::2] == [None] * (len(hostile) + 1)
    assert frame["reject"].to_list()[1::2] == [
        "bad_encoding",
        "malformed",
        "malformed",
        "malformed",
        None,
        None,
        "bad_encoding",
    ]
    assert frame["artist"].to_list()[9:12:2] == ["\0", long]


def test_one_broken_row_of_sixty_thousand() -> None:
    rows = [[str(1_500_000_000 + row), f"Ärtist {row % 500}", "", f'Song "{row}", live'] for row in range(60_000)]
    data = table(["uts", "artist", "album", "track"], rows, end="\r\n")
    sound = lastfm_csv.read_csv(data, ReadOptions())
    assert sound["reject"].null_count() == sound.height == len(rows)
    lines = data.split(b"\r\n")
    lines[30_000] = lines[30_000][:-1]
    hurt = lastfm_csv.read_csv(b"\r\n".join(lines), ReadOptions())
    assert hurt.filter(pl.col("reject").is_not_null())["row"].to_list() == [30_000]
    assert hurt.filter(pl.col("row") != 30_000).equals(sound.filter(pl.col("row") != 30_000))


def test_rejected_rows_written_out_again_read_the_same() -> None:
    data = table(["Artist", "Date", "Title"], [["", "20 Nov 2020 09:35", "t"], ["A", "never", "t"], ["", "", "t"]])
    frame = lastfm_csv.read_csv(data, ReadOptions())
    layout = lastfm_csv.LAYOUT
    again = lastfm_csv.read_csv(layout.document(layout.locate(data, [1, 2, 3])["record"].to_list()), ReadOptions())
    assert frame["reject"].to_list() == ["missing_artist", "bad_time", "missing_artist"]
    assert again.equals(frame)


@pytest.mark.parametrize("column", ["ms_played", "stream_duration_ms", "play duration ms"])
def test_row_that_was_played_for_seconds_is_skipped(column: str) -> None:
    data = f"artist,track,uts,{column}\nA,t,1600000000,2000\nA,u,1600000300,200000\n".encode()
    assert lastfm_csv.read_csv(data, ReadOptions())["skip"].to_list() == ["too_short", None]
