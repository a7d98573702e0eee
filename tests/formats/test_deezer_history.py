"""Deezer's listening history, as a workbook and as a table."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import BrokenFileError
from etl.extract.discover import discover
from etl.formats import Format, ReadOptions, Refusal, deezer_history, peek_at, recognise
from tests.formats.workbooks import packed, workbook, workbook_files
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENGLISH = [
    *("Song Title", "Artist", "ISRC", "Album Title", "IP Address", "Listening Time"),
    *("Platform Name", "Platform Model", "Date"),
]
FRENCH = [
    *("Titre de la chanson", "Artiste", "ISRC", "Titre de l'album", "Adresse IP", "Temps d'écoute"),
    *("Nom de la plateforme", "Modèle de la plateforme", "Date"),
]
SHEET = "10_listeningHistory"
# What XML 1.0 can hold; a carriage return in it is read as a line feed.
NAME = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=8).filter(
    lambda name: name.strip() != ""
)
PLAY = st.fixed_dictionaries(
    {
        "title": NAME,
        "artist": NAME | st.just("Vale, The Other"),
        "album": st.just("") | NAME,
        "seconds": st.sampled_from([-1, 0, 29, 30, 241]),
        "date": st.datetimes(datetime(2008, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 (as in the file)
            lambda moment: moment.replace(microsecond=0)
        ),
    }
)


def line(play: dict[str, Any]) -> list[object]:
    ends = [play["seconds"], "ios", "", str(play["date"])]
    return [play["title"], play["artist"], "FRX000000001", play["album"], "192.0.2.17", *ends]


def table(rows: Sequence[Sequence[object]], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@examples(60)
@given(st.lists(PLAY, max_size=5), st.sampled_from([ENGLISH, FRENCH]), st.sampled_from(",;\t"))
def test_workbook_and_table_give_the_same_plays(plays: list[dict[str, Any]], header: list[str], delimiter: str) -> None:
    rows: list[Sequence[object]] = [header, *map(line, plays)]
    book, saved = workbook({"1_account": [["x"]], SHEET: rows}), table(rows, delimiter)
    found = deezer_history.read_history(book, ReadOptions()).to_dicts()
    assert found == deezer_history.read_history(saved, ReadOptions()).to_dicts()
    assert len(found) == len(plays)
    for got, play in zip(found, plays, strict=True):
        assert (got["artist"], got["track"]) == (play["artist"], play["title"])
        assert (got["album"], got["client"]) == (play["album"] or None, "deezer")
        assert got["listened_at"] == play["date"].replace(tzinfo=UTC)
        assert (got["skip"], got["reject"]) == ("too_short" if 0 <= play["seconds"] < 30 else None, None)


@pytest.mark.parametrize(
    "data",
    [
        workbook({SHEET: [ENGLISH]}),
        workbook({"Sheet": [["a"]], "9_ListeningHistory": [ENGLISH]}),
        table([ENGLISH]),
        table([FRENCH], ";"),
        table([["Song Title", "Artist", "Listening Time", "Date"]]),
        table([ENGLISH]).decode().encode("utf-16"),
    ],
)
def test_a_history_is_recognised_by_its_sheet_or_columns(data: bytes) -> None:
    assert recognise(peek_at("any name", data)) is deezer_history.FORMAT


@pytest.mark.parametrize("name", ["budget.xlsx", "deezer-data_1.xlsx"])
def test_another_workbook_is_harmless_and_named(name: str) -> None:
    known = recognise(peek_at(name, workbook({"8_favoritesSong": [["Song Title", "Artist"]]})))
    assert isinstance(known, Refusal)
    assert (known.name, known.harmless) == ("spreadsheet", True)
    assert "CSV" in known.advice


def test_other_tables_keep_their_formats() -> None:
    known = recognise(peek_at("x.csv", b"Song Title,Artist,Album Title,Date\n"))
    assert isinstance(known, Format)
    assert known.name == "lastfm-csv"
    assert recognise(peek_at("x.csv", b"a,b,ISRC,d\n")) is None


def test_a_missing_column_is_named() -> None:
    with pytest.raises(BrokenFileError, match="no column Listening Time and no Date"):
        deezer_history.read_history(workbook({SHEET: [["Song Title", "Artist"], ["t", "A"]]}), ReadOptions())


def test_date_cells_and_decimal_numbers_are_read() -> None:
    files = workbook_files({SHEET: [ENGLISH, ["t", "A", "", "L", "", 200, "", "", "45000.5"]]})
    style = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = files["xl/worksheets/sheet1.xml"].replace("<v>200</v>", "<v>12.0</v>")
    text = '<c t="inlineStr"><is><t xml:space="preserve">45000.5</t></is></c>'
    assert text in sheet
    files["xl/worksheets/sheet1.xml"] = sheet.replace(text, '<c s="1"><v>45000.5</v></c>')
    files["xl/styles.xml"] = (
        f'<styleSheet {style}><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'
    )
    files["xl/_rels/workbook.xml.rels"] = files["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        '<Relationship Id="rId9" Target="styles.xml" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/></Relationships>',
    )
    (play,) = deezer_history.read_history(packed(files), ReadOptions()).to_dicts()
    assert play["listened_at"] == datetime(2023, 3, 15, 12, tzinfo=UTC)
    assert play["skip"] == "too_short"


def test_zone_of_the_times_is_an_option() -> None:
    dates = ["2024-07-01 12:00:00", "2024-10-27 02:30:00", "2024-03-31 02:30:00", "2024-07-01T12:00:00Z", "soon", ""]
    data = table([ENGLISH, *(["t", "A", "", "", "", 60, "", "", date] for date in dates)])
    rows = {
        zone: deezer_history.read_history(data, ReadOptions(timezone=zone)).to_dicts()
        for zone in (None, "Europe/Paris")
    }
    hours = {zone: [row["listened_at"] and row["listened_at"].hour for row in found] for zone, found in rows.items()}
    assert hours == {None: [12, 2, 2, 12, None, None], "Europe/Paris": [10, 0, 1, 12, None, None]}
    kinds = [row["local_time"] for row in rows["Europe/Paris"]]
    assert kinds == ["unique", "repeated", "skipped", None, None, None]
    assert [row["local_time"] for row in rows[None]] == ["unique", "unique", "unique", None, None, None]


def broken(name: str, before: str, after: str) -> bytes:
    files = workbook_files(
        {SHEET: [ENGLISH, line({"title": "t", "artist": "A", "album": "", "seconds": 60, "date": 1})]}
    )
    assert before in files[name]
    return packed({**files, name: files[name].replace(before, after, 1)})


SHEET_FILE = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (workbook({SHEET: [ENGLISH]})[:-30], "not a workbook that can be read"),
        (workbook({SHEET: [ENGLISH]})[:200], "not a workbook that can be read"),
        (broken("_rels/.rels", "Target", "Tar"), "not a workbook that can be read"),
        (broken(SHEET_FILE, "</sheetData>", "<"), "not a workbook that can be read"),
        (broken(SHEET_FILE, "<c>", '<c r="XFD1048576">'), "more columns or rows"),
        (broken(SHEET_FILE, "<c>", "<c r = 'A4294967295'>"), "more columns or rows"),
        (broken(SHEET_FILE, "</worksheet>", "</worksheet>" + " " * 30_000_000), "grows from"),
    ],
)
def test_a_damaged_or_hostile_workbook_is_refused(data: bytes, message: str) -> None:
    for known in (peek_at("deezer-data_1.xlsx", data), peek_at("deezer-data_1.xlsx", data[:100])):
        assert recognise(known) is deezer_history.FORMAT
    with pytest.raises(BrokenFileError, match=message) as refused:
        deezer_history.read_history(data, ReadOptions())
    assert "CSV" in str(refused.value)


@pytest.mark.parametrize("name", ["deezer-data_1.xlsx", "no suffix"])
def test_a_workbook_is_a_file_and_not_an_archive(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(workbook({SHEET: [ENGLISH]}))
    for path in (tmp_path, tmp_path / name):
        found = discover([path])
        assert [file.name for file in found.files] == [name]
        assert recognise(found.files[0].peek()) is deezer_history.FORMAT
