"""Killed anywhere and repeated, a dedupe ends as an undisturbed one; what a killed one removed can be brought back."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from etl.core.failpoints import Point
from tests.cli.program import ROOT, environment, etl
from tests.faults.record import record
from tests.helpers.disturbances import ROUNDS
from tests.helpers.plays import extended, lastfm
from tests.helpers.support import content, kind_of, load

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

# How often a dedupe of 60 doubles in batches of 12 reaches each point.
POINTS = {
    Point.AFTER_RUN_DIRECTORY: 1,
    Point.AFTER_LEDGER_START: 1,
    Point.AFTER_STAGE: 5,
    Point.BEFORE_COMMIT: 5,
    Point.AFTER_COMMIT: 5,
    Point.BETWEEN_ROUNDS: 5,
    Point.BEFORE_RENAME: 2,
    Point.BEFORE_LEDGER_COMPLETE: 1,
    Point.AFTER_LEDGER_COMPLETE: 1,
    Point.BEFORE_MANIFEST: 1,
    Point.AFTER_MANIFEST: 1,
}


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.value)
def test_a_dedupe_killed_at_a_point_is_completed_and_undone(
    tmp_path: Path, any_loader_uri: str, point: Point, seed: int
) -> None:
    home, starts = tmp_path / "home", range(0, 24_000, 400)
    load(home, any_loader_uri, extended(tmp_path / "e.json", *((start + 200, "Tide", 200) for start in starts)))
    scrobbles = ((start + 3, "Tide", "") for start in starts)
    load(home, any_loader_uri, lastfm(tmp_path / "l.json", *scrobbles), doubles="keep")
    before = content(any_loader_uri)
    nth = random.Random(seed).randint(1, POINTS[point])
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.victim", "dedupe", "--yes", "--dsn", any_loader_uri],
        env=environment(home, {"ETL_FAULT": f"{point.value}:{nth}"}),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr

    completed = etl("dedupe", "--yes", "--dsn", any_loader_uri, "--json", home=home).json
    assert [row for row in content(any_loader_uri) if row[0] == "listen" and "spotify" in row] == []
    assert etl("verify", "--dsn", any_loader_uri, home=home).code == 0
    runs = [path.name for path in sorted((home / "runs").iterdir()) if "-dedupe-" in path.name]
    for run_id in (completed["run_id"], *(one for one in runs if one != completed["run_id"])):
        undone = etl("undo", run_id, "--yes", "--dsn", any_loader_uri, home=home)
        assert undone.code == 0 or "does not know run" in undone.err, undone.err
    assert content(any_loader_uri) == before
    record("undo_killed", **{f"dedupes_{kind_of(any_loader_uri)}": 1})
