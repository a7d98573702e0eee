"""Times in Last.fm tables: which of several counts, which forms are read, and which zone applies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from etl.formats import ReadOptions, lastfm_csv
from tests.formats.test_lastfm_csv import read, table

ROW = {"artist": "A", "album": "", "track": "t"}


@pytest.mark.parametrize(
    ("columns", "time", "is_minute"),
    [
        ({"uts": "1720688852", "utc_time": "11 Jul 2024, 09:07"}, "2024-07-11T09:07:32", None),
        ({"uts": "", "utc_time": "11 Jul 2024, 09:07"}, "2024-07-11T09:07:00", True),
        ({"timestamp": "1720688852.9", "datetime": "2024-07-11 09:00:00"}, "2024-07-11T09:07:32.900000", None),
        ({"timestamp": "2024-07-11T09:07:32+02:00"}, "2024-07-11T07:07:32", None),
        ({"date": "20 Nov 2020 09:35", "utc_time": "2020-11-20T09:35:07Z"}, "2020-11-20T09:35:07", None),
        ({"utc_time": "20 Nov 2020 09:35", "date": "2020-11-20 09:35:07"}, "2020-11-20T09:35:07", None),
        ({"date": "5 nov 2020, 9:35"}, "2020-11-05T09:35:00", True),
        ({"date": "20 Nov 2020, 09:35:07"}, "2020-11-20T09:35:07", None),
        ({"date": "2020-11-20T09:35"}, "2020-11-20T09:35:00", True),
        ({"date": "2020-11-20 09:35 +01:00"}, "2020-11-20T08:35:00", True),
        ({"Date#somebody": "1257894000123"}, "2009-11-10T23:00:00.123000", None),
        ({"uts": "0", "utc_time": "01 Jan 1970, 00:00"}, "1970-01-01T00:00:00", None),
        ({"uts": "253402300799"}, "9999-12-31T23:59:59", None),
    ],
)
def test_the_best_time_of_a_row_counts(columns: dict[str, str], time: str, is_minute: bool | None) -> None:
    row = {**ROW, **columns}
    [got] = read(table(list(row), [list(row.values())]))
    assert got["reject"] is None
    assert got["listened_at"] == datetime.fromisoformat(time).replace(tzinfo=UTC)
    assert got["minute_only"] is is_minute


@pytest.mark.parametrize(
    ("column", "text", "problem"),
    [
        ("uts", "253402300800", ""),
        ("uts", "1720688852123", " is in milliseconds, not seconds"),
        ("uts", "1720688852123456", " is in microseconds, not seconds"),
        ("uts", "-1", ""),
        ("uts", "1,72E+09", " was rounded by a spreadsheet"),
        ("uts", "nan", ""),
        ("uts", "9" * 500, ""),
        ("date", "11.07.2024", " has no time of day"),
        ("date", "2024-07-11", " has no time of day"),
        ("date", "11/07/2024 09:07", ": day or month first?"),
        ("date", "31.02.2024 09:07", ""),
        ("date", "31 Feb 2024, 09:07", ""),
        ("date", "11 Jul 2024, 09:7", ""),
        ("date", "11 Jul 2024, 24:07", ""),
        ("date", "11 Jul 0000, 09:07", ""),
        ("date", "11 Juli 2024, 09:07", ""),
        ("utc_time", "2024-13-01T00:00:00Z", ""),
        ("utc_time", "now", ""),
    ],
)
def test_invalid_time_is_quoted_in_the_reject(column: str, text: str, problem: str) -> None:
    got, sound = read(table(["artist", "track", column], [["A", "t", text], ["A", "t", "2020-01-01 00:00:00"]]))
    assert got["reject"] == "bad_time"
    assert f'{column if column != "date" else "date_time"}: "{text[:80]}"{problem}' == got["detail"]
    assert sound["reject"] is None


@pytest.mark.parametrize(
    ("dates", "read_as"),
    [
        (["21.07.2019 9:45", "01.02.2020, 10:00:07"], ["2019-07-21T09:45:00", "2020-02-01T10:00:07"]),
        (["27/03/2020 06:11:09 +02:00", "01/02/2020 10:00"], ["2020-03-27T04:11:09", "2020-02-01T10:00:00"]),
        (["03/27/2020 06:11", "01/02/2020 10:00"], ["2020-03-27T06:11:00", "2020-01-02T10:00:00"]),
        (["27-03-2020 06:11Z", "03-27-2020 06:11Z"], [None, None]),
        (["03/04/2020 06:11", "2020-01-01 00:00:00"], [None, "2020-01-01T00:00:00"]),
    ],
)
def test_order_of_day_and_month_is_what_the_column_shows(dates: list[str], read_as: list[str | None]) -> None:
    found = read(table(["artist", "track", "date"], [["A", "t", date] for date in dates]))
    expected = [datetime.fromisoformat(time).replace(tzinfo=UTC) if time else None for time in read_as]
    assert [got["listened_at"] for got in found] == expected


@pytest.mark.parametrize(
    ("header", "row", "time", "word"),
    [
        ("artist,track,time", "A,t,2023-07-01 12:00:00", "2023-07-01T10:00:00", "unique"),
        ("artist,track,timestamp", "A,t,2023-07-01T12:00", "2023-07-01T10:00:00", "unique"),
        ("artist,track,date", "A,t,01.07.2023 12:00", "2023-07-01T10:00:00", "unique"),
        ("artist,track,time", "A,t,2023-10-29 02:30:00", "2023-10-29T00:30:00", "repeated"),
        ("artist,track,time", "A,t,2023-03-26 02:30:00", "2023-03-26T01:30:00", "skipped"),
        ("artist,track,time", "A,t,2023-07-01 12:00:00+01:00", "2023-07-01T11:00:00", None),
        ("artist,track,date", 'A,t,"01 Jul 2023, 12:00"', "2023-07-01T12:00:00", None),
        ("artist,track,utc_time", "A,t,2023-07-01 12:00:00", "2023-07-01T12:00:00", None),
        ("artist,track,date,time", "A,t,2023-07-01,12:00:07", "2023-07-01T10:00:07", "unique"),
        ("artist,track,date", 'A,t,"1 July 2023, 12:00"', "2023-07-01T10:00:00", "unique"),
        ("Date;Time;Artist;Song", "01.07.2023;12:00;A;t", "2023-07-01T10:00:00", "unique"),
        ("artist,track,date,time", "A,t,2023/7/1,12:00 PM", "2023-07-01T10:00:00", "unique"),
        ("artist,track,uts,date", "A,t,1688212800,2023-07-01 14:00:00", "2023-07-01T12:00:00", None),
        ("artist,track,uts,date", "A,t,,2023-07-01 14:00:00", "2023-07-01T12:00:00", "unique"),
    ],
)
def test_zone_applies_to_times_without_one(header: str, row: str, time: str, word: str | None) -> None:
    data = f"{header}\n{row}\n".encode()
    frame = lastfm_csv.read_csv(data, ReadOptions(timezone="Europe/Berlin"))
    assert frame["listened_at"].to_list() == [datetime.fromisoformat(time).replace(tzinfo=UTC)]
    assert frame["local_time"].to_list() == [word]


def test_words_of_lastfm_stay_utc_next_to_other_forms() -> None:
    rows = [["A", "t", date] for date in ("01 Jul 2023, 12:00", "01.07.2023 12:00", "July 1, 2023 12:00 PM")]
    frame = lastfm_csv.read_csv(table(["artist", "track", "date"], rows), ReadOptions(timezone="Europe/Berlin"))
    assert [time.hour for time in frame["listened_at"]] == [12, 10, 10]
    assert frame["local_time"].to_list() == [None, "unique", "unique"]
