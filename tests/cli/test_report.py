"""``etl report`` writes a complete page or none."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from etl.core.errors import ExitCode
from tests.cli.program import etl
from tests.report.runs import make_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples


def test_report_is_written_into_the_run_directory(loaded: LoadedSamples) -> None:
    name, counts = loaded.manifest["run_id"], loaded.manifest["counts"]
    done = etl("report", name, home=loaded.home)
    path = loaded.home / "runs" / name / "report.html"
    assert (done.code, done.out, done.err) == (0, f"report: {path}\n", "")
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 (a page of ours)
    (title,) = root.iter("h1")
    assert title.text == f"{counts['inserted']:,} listens loaded"
    assert len(list(root.iter("svg"))) == 10
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == [".number"]


def test_report_of_newest_run_with_output_path(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", [{"row": 1}])
    path = tmp_path / "it's mine.html"
    reported = etl("report", "latest", "--output", path, "--json", home=tmp_path).json
    assert reported == {"run_id": run.run_id, "report": str(path)}
    assert "1 listen loaded" in path.read_text(encoding="utf-8")
    assert not (run.path / "report.html").exists()


def test_report_unwritable_path_and_unfinished_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", [{"row": 1}])
    done = etl("report", "latest", "--output", tmp_path / "nowhere" / "x.html", home=tmp_path)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "x.html cannot be written: No such file or directory" in done.err
    (run.path / "run.json").unlink()
    done = etl("report", "latest", home=tmp_path)
    assert (done.code, done.out) == (ExitCode.INPUT, "")
    assert "did not finish" in done.err
