"""The page about a run is well-formed, escaped, complete and self-contained."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.queries import named_queries
from etl.core.reasons import SkipReason
from etl.report.read import read_run_facts
from etl.report.run_page import run_page
from etl.runs.inspect import ask
from tests.helpers.frames import START, at
from tests.report.pages import check_accessible, check_colours, check_self_contained, parsed, section, words
from tests.report.runs import HOSTILE, hostile_run, make_run

if TYPE_CHECKING:
    from pathlib import Path

    from etl.runs.directory import RunDirectory


def many_listens(runs: Path) -> RunDirectory:
    rows = [
        {"artist": "Ann", "track": "One", "album": "Hits", "listened_at": at(place * 86_400 * 40)}
        for place in range(30)
    ]
    rows.append({"artist": "Bo", "track": "Two"})
    numbered = [{**row, "row": place} for place, row in enumerate(rows, start=1)]
    skips = [("export.json", 100 + place, "podcast" if place else "too_short") for place in range(1234)]
    return make_run(runs, numbered, skips)


def one_listen(runs: Path) -> RunDirectory:
    return make_run(runs, [{"listened_at": START, "row": 1}])


def nothing(runs: Path) -> RunDirectory:
    return make_run(runs)


def without_files(runs: Path) -> RunDirectory:
    return make_run(runs, files=[], timings={}, status="failed", error="the database is lost", exit_code=3)


def with_half_its_files(runs: Path) -> RunDirectory:
    run = many_listens(runs)
    (run.path / "outcome.parquet").unlink()
    return run


MAKERS = [many_listens, one_listen, nothing, without_files, with_half_its_files, hostile_run]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """Return a run of each of MAKERS, by its name."""
    return {maker.__name__: maker(tmp_path_factory.mktemp(maker.__name__)) for maker in MAKERS}


@pytest.fixture(scope="module")
def pages(runs: dict[str, RunDirectory]) -> dict[str, str]:
    """Return the pages of the runs."""
    return {name: run_page(read_run_facts(run)) for name, run in runs.items()}


each = pytest.mark.parametrize("kind", [maker.__name__ for maker in MAKERS])


@each
def test_page_is_well_formed_and_fetches_nothing(kind: str, pages: dict[str, str]) -> None:
    check_self_contained(pages[kind])


@each
def test_page_is_accessible(kind: str, pages: dict[str, str]) -> None:
    check_accessible(pages[kind])


@each
def test_drawings_use_colours_defined_for_light_and_dark(kind: str, pages: dict[str, str]) -> None:
    check_colours(pages[kind])


def test_hostile_texts_are_escaped(pages: dict[str, str]) -> None:
    text = pages["hostile_run"]
    acting = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char != "\n"}
    assert acting == set()
    root = parsed(text)
    shown = {words(element) for element in root.iter("bdi")}
    assert {HOSTILE[place] for place in (0, 1, 2, 3, 4, 5)} <= shown
    assert "abc\ufffdgnp.exe\ufffd" in shown
    assert "no character: \ufffd\ufffd" in shown
    assert "49" not in {words(element) for element in root.iter("td")}
    sentences = words(next(one for one in root.iter("ul") if one.get("class") == "notices"))
    assert HOSTILE[2] in sentences
    assert "␛[31mred" in sentences
    for drawing in root.iter("svg"):
        assert not any(name in words(drawing) for name in HOSTILE)


def test_likely_doubles_are_shown_with_partner_and_evidence(pages: dict[str, str]) -> None:
    cells = [words(element) for element in parsed(pages["hostile_run"]).iter("td")]
    evidence = f"{HOSTILE[2]}, 3 s apart (both times are starts)"
    assert f"{HOSTILE[0]}:1{evidence}" in cells
    (held,) = [cell for cell in cells if "in the database" in cell]
    assert held.startswith(f"{HOSTILE[0]} – {HOSTILE[3]} 7, 1 January 2010, ")
    assert held.endswith(evidence)


def test_numbers_equal_those_of_the_run(runs: dict[str, RunDirectory], pages: dict[str, str]) -> None:
    run = runs["many_listens"]
    root = parsed(pages["many_listens"])
    assert [words(one) for one in root.iter("h1")] == ["31 listens loaded"]
    tiles = next(one for one in root.iter("dl"))
    assert [words(one) for one in tiles] == ["listens31", "artists2", "albums1", "tracks2", "days with music30"]
    rows = [[words(cell) for cell in row] for row in section(root, "accounting").iter("tr")]
    assert rows[1] == ["inserted new in the database", "31", "2.5 %"]
    assert rows[4] == ["skipped rows that are fine but are not listens", "1,234", "97.5 %"]
    by_year = [
        [words(cell) for cell in row] for table in section(root, "years").iter("table") for row in table.iter("tr")
    ]
    expected = ask(
        run, "SELECT year(month), sum(listens) FROM (" + _text("by_month") + ") GROUP BY ALL ORDER BY 1"
    ).rows
    assert [(int(year), int(listens)) for year, listens, _ in by_year[1:]] == expected
    assert [new for _, _, new in by_year[1:]] == ["2", "0", "0", "0"]
    ranked = [[words(cell) for cell in row] for row in section(root, "top_artists").iter("tr")]
    assert ranked[1:] == [["1", "Ann", "30"], ["2", "Bo", "1"]]
    reasons = [[words(cell) for cell in row] for row in section(root, "quality").iter("tr")]
    assert [f"podcast {SkipReason.PODCAST.meaning}", "1,233"] in reasons
    assert "UTC" in words(section(root, "hours"))


def _text(query: str) -> str:
    return next(one.text for one in named_queries("run") if one.name == query)


def test_marks_have_titles(pages: dict[str, str]) -> None:
    root = parsed(pages["many_listens"])
    titles = {words(one) for one in root.iter("title")}
    assert {
        "inserted: 31 records",
        "skipped: 1,234 records",
        "January 2020: 2 listens",
        "January 2020: 2 new artists",
    } <= titles
    assert "look up: 1.50 s" in titles
    assert {one for one in titles if one.startswith("Wed 00:00")} == {"Wed 00:00 to 00:59 UTC: 6 listens"}
    cells = [one for one in root.iter("title") if " UTC: " in words(one)]
    assert len(cells) == 2 * 7 * 24


@pytest.mark.parametrize(
    ("changes", "title", "notice"),
    [
        ({"status": "dry_run"}, "1 listen would be loaded", "nothing was written"),
        (
            {"status": "failed", "error": "the database is lost"},
            "The run failed after 1 listen",
            "the database is lost",
        ),
        ({"other_user": 2}, "1 listen loaded", "2 listens could not be loaded"),
        ({"imbalances": ["3 are not 4"]}, "1 listen loaded", "3 are not 4"),
    ],
)
def test_headline_and_notice_by_status(changes: dict[str, Any], title: str, notice: str, tmp_path: Path) -> None:
    root = parsed(run_page(read_run_facts(make_run(tmp_path, [{"row": 1}], **changes))))
    assert [words(one) for one in root.iter("h1")] == [title]
    assert notice in " ".join(words(one) for one in root.iter("ul") if one.get("class") == "notices")


def test_one_listen_has_singular_nouns_and_whole_ticks(pages: dict[str, str]) -> None:
    root = parsed(pages["one_listen"])
    shown = words(root)
    drawing = next(one for one in root.iter("svg") if str(one.get("aria-label")).startswith("Listens by month"))
    assert [words(one) for one in drawing.iter("text") if words(one).isdigit()] == ["0", "1"]
    assert "1 listen in these files, from 1 January 2020 to 1 January 2020" in shown
    assert not re.search(r"\b1 (listens|records|keys|files|artists|albums|tracks)\b", shown)


def test_run_with_known_files_only_draws_no_listens(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    manifest = run.read_manifest()
    manifest["files"] = [{**manifest["files"][0], "path": f"{name}.json", "status": "known"} for name in "ab"]
    run.write_manifest(manifest)
    root = parsed(run_page(read_run_facts(run)))
    assert [words(one) for one in root.iter("h1")] == ["Nothing new to load"]
    assert "2 files" in words(section(root, "files"))
    assert "were loaded by an earlier run" in words(root)
    assert [one.get("aria-labelledby") for one in root.iter("section")] == ["accounting", "files", "timings", "run"]


def test_refused_files_come_first_and_long_list_is_cut(tmp_path: Path) -> None:
    run = make_run(tmp_path, [{"row": 1}])
    manifest = run.read_manifest()
    loaded = manifest["files"][0]
    refused = {**loaded, "path": "z.csv", "status": "refused", "reason": "a chart, no history", "format": None}
    manifest["files"] = [{**loaded, "path": f"{number}.json"} for number in range(300)] + [refused]
    run.write_manifest(manifest)
    files = section(parsed(run_page(read_run_facts(run))), "files")
    heads = [words(one) for one in files.iter("th") if one.get("scope") == "row"]
    assert heads[0] == "z.csv a chart, no history"
    assert len(heads) == 200
    assert "301 files: 1 refused, 300 loaded" in words(files)
    assert "And 101 more" in words(files)


def test_missing_parquet_file_is_a_notice(pages: dict[str, str]) -> None:
    assert "left out here: outcome.parquet" in words(parsed(pages["with_half_its_files"]))


def test_facts_are_results_of_named_queries(runs: dict[str, RunDirectory]) -> None:
    facts = read_run_facts(runs["many_listens"])
    assert isinstance(facts.answers["by_month"].schema["month"], pl.Date)
    assert facts.answers["totals"].row(0)[:5] == (31, 2, 1, 2, 30)


def test_missing_pages_are_named(tmp_path: Path) -> None:
    missing = {
        "source": "lastfm",
        "file": f"{HOSTILE[0]}.json",
        "files": 1,
        "pages": [2],
        "total_pages": 4,
        "listens": 9,
    }
    run = make_run(tmp_path, [{"listened_at": START, "row": 1}], missing_pages=[missing], error_pages=[])
    html = run_page(read_run_facts(run))
    assert "page 2 of 4 is missing, with up to 9 plays" in html
    assert HOSTILE[0] not in html
    assert "Missing:" not in run_page(read_run_facts(make_run(tmp_path, [{"listened_at": START, "row": 1}])))
