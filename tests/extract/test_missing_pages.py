"""Pages are compared with the totals that they state, in one file and across files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from etl.core.schema import REJECTS, SKIPPED, FileStatus
from etl.extract.missing_pages import missing_pages
from etl.extract.rows import FileResult
from etl.formats import by_name
from etl.formats.page_totals import FirstPlay, PageTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

LASTFM = by_name("lastfm-pages")


def totals(page: int, pages: int = 4, total: int = 40, user: str = "ann", per_page: int = 10) -> PageTotals:
    return PageTotals(page, per_page, pages, total, user, page < pages)


def file(
    path: str, pages: Sequence[PageTotals | FirstPlay], records: int = 0, status: FileStatus = FileStatus.LOADED
) -> FileResult:
    return FileResult(path, status, format=LASTFM, totals=pages, spilled=records)


def found(*files: FileResult) -> list[tuple[str, int, list[int], int | None]]:
    return [(one.file, one.files, one.pages, one.listens) for one in missing_pages(files)]


def test_pages_that_are_missing_in_one_file() -> None:
    pages = [totals(1, total=38), totals(3, total=38)]
    assert found(file("a.json", pages, 20)) == [("a.json", 1, [2, 4], 18)]


def test_pages_in_several_files_are_of_one_download() -> None:
    files = [file(f"{page}.json", [totals(page)], 10) for page in (4, 1, 2)]
    assert found(*files) == [("1.json", 3, [3], 10)]
    assert found(*files, file("3.json", [totals(3)], 10)) == []


def test_plays_that_come_in_while_pages_are_fetched_change_nothing() -> None:
    files = [file(f"{page}.json", [totals(page, total=35 + page)], 10) for page in (1, 2, 3, 4)]
    assert found(*files) == []
    assert found(*files[1:]) == [("2.json", 3, [1], 10)]


def test_a_complete_download_replaces_an_older_incomplete_one() -> None:
    older = file("2023.json", [totals(1)], 10)
    complete = file("2025.json", [totals(page, 100, 1000) for page in range(1, 101)], 1000)
    assert found(older, complete) == []
    assert found(older, file("2025.json", [totals(1, 100, 1000)], 10)) == [
        ("2023.json", 1, [2, 3, 4], 30),
        ("2025.json", 1, list(range(2, 101)), 990),
    ]


def test_users_and_page_sizes_are_distinguished() -> None:
    files = [file("a.json", [totals(1, 2, 20)], 10), file("b.json", [totals(2, 2, 20, "bob")], 10)]
    assert found(*files) == [("a.json", 1, [2], 10), ("b.json", 1, [1], 10)]
    half = [file("a.json", [totals(1, 2, 20)], 10), file("b.json", [totals(2, 4, 20, per_page=5)], 5)]
    assert [one[2] for one in found(*half)] == [[2], [1, 3, 4]]


def test_a_file_with_fewer_plays_than_it_says() -> None:
    assert found(file("a.json", [totals(1, 1, 10)], 8)) == [("a.json", 1, [], 2)]
    assert found(file("a.json", [totals(1, 1, 10)], 12)) == []


def test_a_playing_track_and_an_error_response_are_not_plays() -> None:
    skipped = pl.DataFrame([("a.json", 1, "now_playing")], schema=SKIPPED, orient="row")
    rejects = pl.DataFrame([("a.json", 2, None, None, "error_page", "", None)], schema=REJECTS, orient="row")
    one = FileResult(
        "a.json", FileStatus.LOADED, "", None, LASTFM, "", [totals(1, 1, 9)], skipped=skipped, rejects=rejects
    )
    assert [each.listens for each in missing_pages([one])] == [9]


def test_files_that_were_loaded_before_count() -> None:
    known = [file(f"{page}.json", [totals(page)], 0, FileStatus.KNOWN) for page in (1, 2, 3)]
    assert found(*known, file("4.json", [totals(4)], 10)) == []
    assert found(*known) == [("1.json", 3, [4], 10)]


@pytest.mark.parametrize(
    ("pages", "missing"),
    [([(1, False)], []), ([(1, True)], [2]), ([(1, True), (3, False)], [2]), ([(1, True), (2, False)], [])],
)
def test_pages_that_say_only_whether_another_one_follows(pages: list[tuple[int, bool]], missing: list[int]) -> None:
    said = [PageTotals(page, 100, None, None, "", has_next) for page, has_next in pages]
    assert found(file("a.json", said, 100)) == ([("a.json", 1, missing, None)] if missing else [])


def test_files_without_totals_lack_nothing() -> None:
    assert missing_pages([FileResult("a.csv", FileStatus.LEFT_ASIDE), file("b.json", [])]) == []


def test_a_history_that_begins_before_its_pages() -> None:
    pages = [file("b.json", [FirstPlay(1_000, 5_000, "ann")]), file("a.json", [FirstPlay(1_000, 9_000, "ann")])]
    [one] = missing_pages(pages)
    assert (one.file, one.files, one.pages, one.listens) == ("a.json", 2, [], None)
    assert (one.since, one.until) == (datetime.fromtimestamp(1_000, UTC), datetime.fromtimestamp(5_000, UTC))
    assert missing_pages([*pages, file("c.json", [FirstPlay(1_000, 1_000, "ann")])]) == []
    assert len(missing_pages([*pages, file("c.json", [FirstPlay(1_000, 1_000, "bob")])])) == 1


def test_another_export_of_the_service_replaces_pages_without_totals() -> None:
    beginning = file("b.json", [FirstPlay(1_000, 5_000, "ann")])
    more_follow = file("c.json", [PageTotals(1, 100, None, None, "", has_next=True)])
    assert len(found(beginning, more_follow)) == 2
    assert found(beginning, more_follow, file("all.jsonl", [], 5)) == []
    assert found(file("a.json", [totals(1)], 10), file("all.csv", [], 400)) == [("a.json", 1, [2, 3, 4], 30)]
