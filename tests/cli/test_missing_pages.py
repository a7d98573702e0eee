"""`etl check` and `etl run` name the missing pages of an API, and the error responses that were saved instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.cli.program import etl

if TYPE_CHECKING:
    from pathlib import Path

ERROR = {"error": 8, "message": "Operation failed", "links": []}


def page(number: int, pages: int = 5, per_page: int = 2, total: int = 9) -> dict[str, Any]:
    numbers = {"page": number, "perPage": per_page, "totalPages": pages, "total": total}
    first = 1_700_000_000 - 1000 * number
    tracks = [
        {"artist": {"#text": "Kari Mo"}, "name": f"Song {number}-{one}", "date": {"uts": str(first - 300 * one)}}
        for one in range(min(per_page, total - per_page * (number - 1)))
    ]
    said = {"user": "secretname", **{name: str(value) for name, value in numbers.items()}}
    return {"recenttracks": {"track": [{**one, "album": {"#text": ""}} for one in tracks], "@attr": said}}


def test_missing_pages_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "recenttracks-x-1.json"
    path.write_text(json.dumps([page(1), ERROR, page(4)]), encoding="utf-8")
    done = etl("check", path)
    assert done.code == 5
    assert f"{path}:3: page 2 holds an error response: error 8: Operation failed; up to 2 plays are missing" in done.err
    assert f"{path}: pages 2-3, 5 of 5 are missing, with up to 5 plays" in done.err
    as_json = etl("check", path, "--json").json
    assert as_json["missing_pages"] == [
        {"source": "lastfm", "file": str(path), "files": 1, "pages": [2, 3, 5], "total_pages": 5, "listens": 5}
        | {"since": None, "until": None}
    ]
    assert as_json["rejected_by_reason"] == {"error_page": 1}
    assert "secretname" not in json.dumps(as_json)


def test_missing_pages_across_files_and_runs(tmp_path: Path, any_database: str) -> None:
    home, folder = tmp_path / "home", tmp_path / "pages"
    to_database = ("run", folder, "--dsn", any_database)
    folder.mkdir()
    for number in (1, 2, 5):
        (folder / f"{number}.json").write_text(json.dumps(page(number)), encoding="utf-8")
    (folder / "3.json").write_text(json.dumps(ERROR), encoding="utf-8")
    done = etl(*to_database, "--dry-run", home=home)
    assert done.code == 4
    assert f"{folder}/1.json and 2 more files: pages 3-4 of 5 are missing, with up to 4 plays" in done.err
    assert "Error response from an API (error 8: Operation failed)" in done.err
    (folder / "3.json").write_text(json.dumps(page(3)), encoding="utf-8")
    assert etl(*to_database, home=home).code == 0
    (folder / "4.json").write_text(json.dumps(page(4)), encoding="utf-8")
    last = etl(*to_database, "--json", home=home)
    assert (last.json["missing_pages"], last.json["counts"]["inserted"]) == ([], 2)
    shown = etl("runs", "show", etl("runs", "list", "--json", home=home).json[-2]["run_id"], home=home)
    assert "page 4 of 5 is missing, with up to 2 plays" in shown.err


def test_a_page_of_maloja_that_says_that_more_follow(tmp_path: Path) -> None:
    scrobble = {"time": 1_700_000_000, "track": {"artists": ["Kari Mo"], "title": "Low Water"}}
    pagination = {"page": 0, "perpage": 1, "next_page": "/apis/mlj_1/scrobbles?page=1&perpage=1"}
    path = tmp_path / "scrobbles.json"
    path.write_text(json.dumps({"status": "ok", "list": [scrobble], "pagination": pagination}), encoding="utf-8")
    done = etl("check", path)
    assert done.code == 0
    assert f"{path}: page 2 is missing, and whatever follows. Fetch what is missing, and load it too" in done.err
