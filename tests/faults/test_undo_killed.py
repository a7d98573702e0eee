"""Killed anywhere and repeated, an undo ends as an undisturbed one; a run that was killed can be undone, too."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from etl.core.failpoints import Point
from tests.cli.program import ROOT, environment
from tests.faults.record import record
from tests.faults.undos import POINTS, Chain, check_sound
from tests.faults.undos import exports as two_exports
from tests.helpers.disturbances import ROUNDS
from tests.helpers.support import content, counts, kind_of, load
from tests.helpers.undos import undo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

LOADING = (
    Point.AFTER_COMMIT,
    Point.BETWEEN_ROUNDS,
    Point.BEFORE_ACCOUNTING,
    Point.BEFORE_MANIFEST,
    Point.AFTER_MANIFEST,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path]:
    return two_exports(tmp_path)


def victim(home: Path, fault: str, *arguments: str | Path) -> int:
    """Run the program in small batches until it is killed, and return its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.victim", *arguments],
        env=environment(home, {"ETL_FAULT": fault}),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.value)
def test_an_undo_that_is_killed_at_a_point_is_completed_by_the_next(
    loader_chain: Chain, point: Point, seed: int
) -> None:
    nth = random.Random(seed).randint(1, POINTS[point])
    killed = loader_chain.start_undo(f"{point.value}:{nth}")
    killed.communicate(timeout=60)

    assert killed.returncode == -signal.SIGKILL
    check_sound(loader_chain)
    loader_chain.complete()
    record("undo_killed", **{f"undos_{kind_of(loader_chain.database)}": 1})


@pytest.mark.parametrize("point", LOADING, ids=lambda point: point.value)
def test_a_load_that_was_killed_is_undone(
    home: Path, any_loader_uri: str, exports: tuple[Path, Path], point: Point
) -> None:
    first, second = exports
    earlier = load(home, any_loader_uri, second)["run_id"]
    before = content(any_loader_uri)
    assert victim(home, point.value, "run", first, "--dsn", any_loader_uri) == -signal.SIGKILL
    (killed,) = {path.name for path in (home / "runs").iterdir() if path.name[0] != "."} - {earlier}
    held = counts(any_loader_uri)["listens"] - 11
    assert held > 0
    again = undo(home, any_loader_uri, {"run_id": killed})

    assert (again["exit_code"], again["counts"]["removed"]) == (0, held)
    assert [row for row in content(any_loader_uri) if row[0] == "listen"] == [
        row for row in before if row[0] == "listen"
    ]
    assert counts(any_loader_uri)["tracks"] == sum(row[0] == "track" for row in before)


def test_a_killed_load_and_the_one_that_completed_it_are_undone_separately(
    home: Path, any_database: str, exports: tuple[Path, Path]
) -> None:
    first, _ = exports
    assert victim(home, "after_commit:2", "run", first, "--dsn", any_database) == -signal.SIGKILL
    killed = {"run_id": next(path.name for path in (home / "runs").iterdir() if path.name[0] != ".")}
    held = counts(any_database)["listens"]
    completed = load(home, any_database, first)
    assert completed["counts"]["already_present"] == held

    assert undo(home, any_database, killed)["counts"]["removed"] == held
    assert load(home, any_database, first)["counts"]["inserted"] == held
    assert undo(home, any_database, completed)["counts"]["removed"] == 60 - held
    assert counts(any_database)["listens"] == held
