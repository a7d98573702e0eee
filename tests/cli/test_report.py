"""``etl report`` writes a page that is whole or not there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from etl.core.errors import ExitCode
from tests.cli.program import etl
from tests.report.runs import make_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadResult


def test_the_page_of_a_run_is_in_its_directory(loaded: LoadResult) -> None:
    name, counts = loaded.manifest["run_id"], loaded.manifest["counts"]
    done = etl("report", name, home=loaded.home)
    path = loaded.home / "runs" / name / "report.html"
    assert (done.code, done.out, done.err) == (0, f"report: {path}\n", "")
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 (a page of ours)
    (title,) = root.iter("h1")
    assert title.text == f"{counts['inserted']:,} listens loaded"
    assert len(list(root.iter("svg"))) == 10
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []


def test_the_newest_run_is_taken_and_the_page_put_where_it_is_wanted(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", [{"row": 1}])
    path = tmp_path / "it's mine.html"
    told = etl("report", "--output", path, "--json", home=tmp_path).json
    assert told == {"run_id": run.run_id, "report": str(path)}
    assert "1 listen loaded" in path.read_text(encoding="utf-8")
    assert not (run.path / "report.html").exists()


def test_a_page_that_cannot_be_made_or_written_says_why(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", [{"row": 1}])
    done = etl("report", "--output", tmp_path / "nowhere" / "x.html", home=tmp_path)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "x.html cannot be written: No such file or directory" in done.err
    (run.path / "run.json").unlink()
    done = etl("report", home=tmp_path)
    assert (done.code, done.out) == (ExitCode.INPUT, "")
    assert "did not come to its end" in done.err
