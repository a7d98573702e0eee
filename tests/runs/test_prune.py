"""Pruning removes old run directories, and never one that is active or still needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import InputError
from etl.runs.directory import RunDirectory, find_run
from etl.runs.prune import EXPLAINS, HALF_UNDONE, LEFT_OVER, REPLAYED, RUNNING, plan_pruning, remove
from tests.cli.program import etl

if TYPE_CHECKING:
    from pathlib import Path


def make(home: Path, name: str, *files: tuple[str, str, int], **changes: Any) -> RunDirectory:  # noqa: ANN401
    """Make the directory of a run of the day ``name``; a file is its bytes, status and unresolved listens."""
    run = RunDirectory(home / "runs" / f"202401{name}T000000Z-auto-abcdef")
    run.path.mkdir(parents=True)
    entries = [
        {"sha256": sha256, "status": status, "counts": {"unresolved": unresolved}}
        for sha256, status, unresolved in files
    ]
    run.write_manifest({"files": entries, "status": "complete", "settings": {}, **changes})
    return run


def decided(home: Path, keep: int) -> tuple[list[str], dict[str, str]]:
    """Return which days are removed, and which stay for a reason."""
    plan = plan_pruning(home / "runs", keep)
    return [run.run_id[6:8] for run in plan.remove], {one.run_id[6:8]: one.reason for one in plan.keep}


@pytest.mark.parametrize(("keep", "going"), [(0, 4), (1, 3), (4, 0), (9, 0)])
def test_the_newest_stay(keep: int, going: int, tmp_path: Path) -> None:
    for day in ("01", "02", "03", "04"):
        make(tmp_path, day)
    assert decided(tmp_path, keep) == ([f"{day:02}" for day in range(1, going + 1)], {})


def test_an_active_run_stays(tmp_path: Path) -> None:
    run = make(tmp_path, "01")
    (run.path / "run.json").unlink()
    make(tmp_path, "02")
    with run.held():
        assert decided(tmp_path, 0) == (["02"], {"01": RUNNING})
    assert decided(tmp_path, 0) == (["01", "02"], {})


def test_listens_that_are_nowhere_else_stay_until_a_later_run_loads_them(tmp_path: Path) -> None:
    make(tmp_path, "01", ("a", "loaded", 2), status="partial")
    make(tmp_path, "02", ("a", "loaded", 2), status="partial")
    make(tmp_path, "03", ("a", "known", 0), status="dry_run")
    assert decided(tmp_path, 0) == (["03"], {"01": LEFT_OVER, "02": LEFT_OVER})
    make(tmp_path, "04", ("a", "loaded", 0))
    assert decided(tmp_path, 0) == (["01", "02", "03", "04"], {})


def test_runs_that_explain_a_kept_run_stay(tmp_path: Path) -> None:
    make(tmp_path, "01", ("a", "loaded", 0), ("b", "loaded", 0))
    make(tmp_path, "02", ("a", "loaded", 0), status="dry_run")
    make(tmp_path, "03", ("b", "loaded", 0))
    make(tmp_path, "04", ("a", "known", 0), ("b", "known", 0))
    make(tmp_path, "05", ("b", "known", 0))
    assert decided(tmp_path, 1) == (["01", "02", "04"], {"03": EXPLAINS})
    assert decided(tmp_path, 2) == (["02"], {"01": EXPLAINS, "03": EXPLAINS})


def test_runs_that_a_kept_replay_has_replayed_stay(tmp_path: Path) -> None:
    first = make(tmp_path, "01")
    second = make(tmp_path, "02", settings={"replay_of": first.run_id})
    make(tmp_path, "03", settings={"replay_of": second.run_id})
    assert decided(tmp_path, 1) == ([], {"01": REPLAYED, "02": REPLAYED})


def test_what_is_removed_is_gone_at_once_and_rests_of_it_by_the_next_time(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run = make(tmp_path, "01")
    rest = runs / ".removed-20230101T000000Z-auto-abcdef"
    rest.mkdir()
    assert plan_pruning(runs, 0).remove == [run]
    remove(runs, [run])
    assert list(runs.iterdir()) == []
    with pytest.raises(InputError, match="there are no runs"):
        find_run(runs, None)


def test_other_folders_are_never_removed_and_do_not_stop_pruning(tmp_path: Path) -> None:
    runs, run = tmp_path / "runs", make(tmp_path, "01")
    elsewhere = tmp_path / "elsewhere"
    others = [runs / "2019-thesis", runs / ".removed-thesis", elsewhere]
    for folder in others:
        folder.mkdir()
        (folder / "chapter.odt").write_text("x")
    links = [runs / f"{before}20230101T000000Z-auto-abcdef" for before in ("", ".removed-")]
    for link in links:
        link.symlink_to(elsewhere)
    (runs / ".removed-20230102T000000Z-auto-abcdef").write_text("a file")
    done = etl("runs", "prune", "--keep", "0", home=tmp_path)
    assert (done.code, done.out) == (0, f"removed {run.run_id}\n1 removed, 0 kept\n")
    assert not run.path.exists()
    assert all((folder / "chapter.odt").exists() for folder in (*others, *links))


def test_prune_shows_what_it_does_and_a_dry_run_removes_nothing(tmp_path: Path) -> None:
    old, new = make(tmp_path, "01"), make(tmp_path, "02")
    reported = etl("runs", "prune", "--keep", "1", "--dry-run", home=tmp_path)
    assert reported.out == f"would remove {old.run_id}\n1 would be removed, 1 kept\n"
    done = etl("runs", "prune", "--keep", "1", "--json", home=tmp_path)
    assert done.json == {
        "removed": [old.run_id],
        "no_longer_undoable": [],
        "kept": [],
        "newest": 1,
        "dry_run": False,
    }
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [new.run_id]
    assert json.loads((new.path / "run.json").read_text())["status"] == "complete"
    assert etl("runs", "prune", home=tmp_path).out == "0 removed, 1 kept\n"
    assert etl("runs", "prune", "--keep", "-1", home=tmp_path).code == 2


def test_a_run_whose_undo_was_interrupted_stays(tmp_path: Path) -> None:
    first = make(tmp_path, "01", run_id="first", counts={"inserted": 1})
    make(tmp_path, "02", undone_run="first", error="interrupted")
    assert decided(tmp_path, 0) == (["02"], {"01": HALF_UNDONE})
    make(tmp_path, "03", undone_run="first", error=None)
    first.write_manifest({**first.read_manifest(), "undone_by": "third"})
    assert decided(tmp_path, 0) == (["01", "02", "03"], {})
    assert plan_pruning(tmp_path / "runs", 0).undoable == []


def test_what_could_have_been_undone_is_named(tmp_path: Path) -> None:
    loaded = make(tmp_path, "01", counts={"inserted": 3})
    make(tmp_path, "02", counts={"inserted": 3}, status="dry_run")
    make(tmp_path, "03", counts={"inserted": 3}, undone_by="another")
    make(tmp_path, "04", counts={"inserted": 0})
    killed = make(tmp_path, "05")
    (killed.path / "run.json").unlink()
    (killed.path / ".inserted").mkdir()
    assert plan_pruning(tmp_path / "runs", 0).undoable == [loaded.run_id, killed.run_id]
