"""Sentences about the missing pages in run.json."""

from __future__ import annotations

from typing import Any

import pytest

from etl.runs.missing_pages import sentences


def missing(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    return {
        "source": "lastfm",
        "file": "a.json",
        "files": 1,
        "pages": [2],
        "total_pages": 4,
        "listens": 200,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (missing(), "a.json: page 2 of 4 is missing, with up to 200 plays"),
        (missing(pages=[4], listens=1), "a.json: page 4 of 4 is missing, with up to 1 play"),
        (
            missing(pages=[2, 3, 4, 7], total_pages=5000),
            "a.json: pages 2-4, 7 of 5,000 are missing, with up to 200 plays",
        ),
        (missing(files=2), "a.json and 1 more file: page 2 of 4 is missing"),
        (missing(files=1001), "a.json and 1,000 more files: page 2 of 4 is missing"),
        (missing(total_pages=None, listens=None), "a.json: page 2 is missing, and whatever follows"),
        (missing(pages=[], listens=3), "a.json: 3 plays are missing: the file has fewer than it states"),
        (missing(pages=[], listens=1), "a.json: 1 play is missing: the file has fewer than it states"),
    ],
)
def test_missing_pages_in_words(changes: dict[str, Any], sentence: str) -> None:
    [said] = sentences({"missing_pages": [changes]})
    assert said.startswith((f"{sentence}. Fetch", f"{sentence}, with up to 200 plays. Fetch"))


def test_a_missing_beginning_in_words() -> None:
    times = {"since": "2015-03-01T10:00:00+00:00", "until": "2024-05-06T07:08:09+00:00"}
    [said] = sentences({"missing_pages": [missing(pages=[], listens=None, total_pages=None, **times)]})
    assert said.startswith("a.json: listens from 2015-03-01 until 2024-05-06 are missing: the history begins before")


def test_error_responses_are_listed_before_missing_pages() -> None:
    errors = [{"file": "a.json", "row": row, "detail": f"page {row} holds an error response"} for row in range(2, 7)]
    said = sentences({"error_pages": errors, "missing_pages": [missing()]})
    assert (
        said[0] == "; ".join(f"a.json:{row}: page {row} holds an error response" for row in (2, 3, 4)) + " and 2 more"
    )
    assert len(said) == 2


def test_runs_of_older_versions_say_nothing() -> None:
    assert sentences({}) == []
