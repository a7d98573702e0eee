"""The page about a library is well-formed, escaped, complete and self-contained, and its numbers are the queries'."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from etl.library import Library, opened
from etl.report.library_page import library_page
from etl.report.read import read_library_facts
from tests.helpers.libraries import Heard, make_library
from tests.report.libraries import LOADS, hostile_library
from tests.report.pages import check_accessible, check_colours, check_self_contained, parsed, section, words

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

START = datetime(2020, 1, 1, tzinfo=UTC)


def large() -> Library:
    heard = [
        Heard(
            START + timedelta(days=place * 3, hours=place % 24),
            (f"Artist {place % 13}",) if place % 5 else (f"Artist {place % 13}", "Guest"),
            f"Track {place % 40}",
            f"Album {place % 17}",
            None if place % 9 == 0 else 240,
            ("spotify", "lastfm", None)[place % 3],
        )
        for place in range(600)
    ]
    return make_library(heard, "Europe/Berlin", LOADS)


LIBRARIES = {
    "large": large,
    "one_listen": lambda: make_library([Heard(START)]),
    "nothing": make_library,
    "nothing_but_loads": lambda: make_library(loads=LOADS),
    "nameless": lambda: make_library([Heard(START, track=None, album=None, duration=None, client=None)]),
    "hostile": hostile_library,
}


@pytest.fixture(scope="module")
def libraries() -> dict[str, Library]:
    return {name: make() for name, make in LIBRARIES.items()}


@pytest.fixture(scope="module")
def pages(libraries: dict[str, Library]) -> dict[str, str]:
    return {name: library_page(read_library_facts(library)) for name, library in libraries.items()}


each = pytest.mark.parametrize("kind", LIBRARIES)


@each
def test_page_is_well_formed_and_fetches_nothing(kind: str, pages: dict[str, str]) -> None:
    check_self_contained(pages[kind])


@each
def test_page_is_accessible(kind: str, pages: dict[str, str]) -> None:
    root = check_accessible(pages[kind])
    assert [table for table in root.iter("table") if not words(next(table.iter("caption")))] == []
    radios = {one.get("id"): one for one in root.iter("input")}
    assert {one.get("type") for one in radios.values()} <= {"radio"}
    assert [one.get("for") for one in root.iter("label")] == list(radios)
    assert sum(one.get("checked") == "checked" for one in radios.values()) == bool(radios)


@each
def test_drawings_use_colours_defined_for_light_and_dark(kind: str, pages: dict[str, str]) -> None:
    check_colours(pages[kind])


def test_hostile_texts_are_escaped(pages: dict[str, str]) -> None:
    text = pages["hostile"]
    acting = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char != "\n"}
    assert acting == set()
    shown = {words(element) for element in parsed(text).iter("bdi")}
    assert {"<script>alert(1)</script>", "{{ 7 * 7 }}{% include 'style.css' %}", "abc\ufffdgnp.exe\ufffd"} <= shown
    assert "no character: \ufffd\ufffd" in shown
    for drawing in parsed(text).iter("svg"):
        assert "script" not in words(drawing)


def answers(library: Library, query: str) -> list[tuple[object, ...]]:
    with opened(library) as session:
        return session.frame(query).rows()


def numbers(table: ET.Element) -> list[list[str]]:
    return [[words(cell) for cell in row] for row in table.iter("tr")][1:]


def table(root: ET.Element, place: str, caption: str) -> list[list[str]]:
    tables = [one for one in section(root, place).iter("table") if words(next(one.iter("caption"))) == caption]
    assert len(tables) == 1
    return numbers(tables[0])


def test_tiles_and_headline_are_the_totals(libraries: dict[str, Library], pages: dict[str, str]) -> None:
    root = parsed(pages["large"])
    ((listens, hours, with_length, artists, albums, tracks, days, *_),) = answers(libraries["large"], "totals")
    assert (listens, with_length, artists) == (600, 533, 14)
    assert [words(one) for one in root.iter("h1")] == ["600 listens since January 2020"]
    tiles = next(one for one in root.iter("dl") if "tiles" in str(one.get("class")))
    streak = answers(libraries["large"], "streaks")[0][0]
    assert [words(one) for one in tiles] == [
        *(f"listens{listens}", f"hours{hours}", f"artists{artists}", f"albums{albums}", f"tracks{tracks}"),
        *(f"days with music{days}", f"longest streak, days{streak}", f"per day with music{600 / int(str(days)):.1f}"),
    ]
    reported = words(root)
    assert "cover the 533 listens with a known length" in reported
    assert "Times are in Europe/Berlin." in reported


@pytest.mark.parametrize("entity", ["artist", "album", "track"])
def test_most_heard_of_all_time_and_each_year_are_the_queries(
    entity: str, libraries: dict[str, Library], pages: dict[str, str]
) -> None:
    root, library = parsed(pages["large"]), libraries["large"]
    with opened(library) as session:
        whole = session.frame(f"top_{entity}s").head(10).rows(named=True)
        by_year = session.frame(f"top_{entity}s_by_year").rows(named=True)
    years = sorted({row["year"] for row in by_year}, reverse=True)
    assert [words(one) for one in root.iter("label")] == ["All time", *map(str, years)]
    of_years = {str(year): [row for row in by_year if row["year"] == year] for year in years}
    for period, rows in {"All time": whole, **of_years}.items():
        assert len(rows) == 10
        assert table(root, "top", f"{entity.capitalize()}s, {period}") == [
            [str(place), row[entity] if entity == "artist" else f"{row[entity]} {row['artist']}", str(row["listens"])]
            for place, row in enumerate(rows, start=1)
        ]


def test_years_months_and_hours_are_the_queries(libraries: dict[str, Library], pages: dict[str, str]) -> None:
    root, library = parsed(pages["large"]), libraries["large"]
    years = [(row[0], row[2], float(row[3]), row[4], row[5]) for row in table(root, "years", "By year")]
    assert years == [
        (str(year), str(listens), hours, str(artists), str(new))
        for year, listens, hours, artists, new in reversed(answers(library, "by_year"))
    ]
    months = [(row[0], row[1]) for row in table(root, "years", "By month")]
    assert months == [(f"{month:%B %Y}", str(listens)) for month, listens, _ in reversed(answers(library, "by_month"))]
    hours = table(root, "hours", "Listens by hour and weekday")
    cells = {(day, int(row[0])): int(row[day]) for row in hours for day in range(1, 8)}
    assert {key: number for key, number in cells.items() if number} == {
        (day, hour): number for day, hour, number in answers(library, "by_weekday_and_hour")
    }
    titles = {words(one) for one in section(root, "hours").iter("title")}
    assert any(one.startswith("Mon 00:00 to 00:59 Europe/Berlin: ") for one in titles)


def test_quality_and_clients_are_the_queries(libraries: dict[str, Library], pages: dict[str, str]) -> None:
    root, library = parsed(pages["large"]), libraries["large"]
    found = table(root, "quality", "What is missing, or may be stored twice")
    assert found == [
        [finding, f"{number:,}", f"{of:,}", f"{percent} %"]
        for finding, number, of, percent in answers(library, "data_quality")
    ]
    clients = table(root, "quality", "Recorded by")
    assert [(row[0], row[1]) for row in clients] == [
        (client or "unknown", str(listens)) for client, listens, *_ in answers(library, "clients")
    ]


def test_loads_have_their_accounts(pages: dict[str, str]) -> None:
    rows = table(parsed(pages["large"]), "loads", "The newest runs of etl into this database")
    assert rows == [
        ["3 June 2026, 14:00 20260603T120000Z-undo-cccccc", "complete 5 listens removed", "0", "0", "0", "0", "0"],
        ["2 June 2026, 14:00 20260602T120000Z-auto-bbbbbb", "undone", "1,000", "900", "50", "40", "10"],
        ["1 June 2026, 14:00 20260601T120000Z-spotify-aaaaaa", "unfinished", "–", "3", "–", "–", "–"],
    ]


def test_milestones_have_a_title_and_a_date(pages: dict[str, str]) -> None:
    listed = next(section(parsed(pages["one_listen"]), "milestones").iter("dl"))
    assert [words(one) for one in listed] == [
        "First listen One Ann 1 January 2020, 00:00",
        "Last listen One Ann 1 January 2020, 00:00",
        "Longest streak 1 day in a row 1 January 2020",
        "Busiest day 1 listen 1 January 2020",
        "Busiest month 1 listen January 2020",
        "Busiest year 1 listen 2020",
    ]


def test_one_listen_has_singular_nouns_and_no_choice_of_years(pages: dict[str, str]) -> None:
    root = parsed(pages["one_listen"])
    reported = words(root)
    assert [words(one) for one in root.iter("h1")] == ["1 listen in January 2020"]
    assert not re.search(r"(?<!\.)\b1 (listens|hours|artists|albums|tracks|days)\b", reported)
    assert list(root.iter("input")) == []
    assert table(root, "top", "Artists, All time") == [["1", "Ann", "1"]]


def test_a_library_without_listens_says_what_to_do(pages: dict[str, str]) -> None:
    for kind, sections in (("nothing", []), ("nothing_but_loads", ["loads"])):
        root = parsed(pages[kind])
        assert [words(one) for one in root.iter("h1")] == ["No listens yet"]
        assert "etl run PATH" in words(root)
        assert [one.get("aria-labelledby") for one in root.iter("section")] == sections


def test_entities_without_a_name_are_shown_as_such(pages: dict[str, str]) -> None:
    root = parsed(pages["nameless"])
    assert table(root, "top", "Tracks, All time") == [["1", "without a name Ann", "1"]]
    assert table(root, "quality", "Recorded by")[0][0] == "unknown"
