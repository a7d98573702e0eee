"""Undos in processes that are killed from outside, and the checks after each end."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl.core.errors import ExitCode
from etl.core.failpoints import Point
from etl.core.workspace import Workspace
from etl.runs.directory import RunDirectory
from etl.verify import verify_database, verify_run
from tests.cli.program import ROOT, environment
from tests.helpers.support import content, counts, load, query, scrobble, sqlite_file, write_maloja
from tests.helpers.undos import removed, undo

if TYPE_CHECKING:
    from pathlib import Path

BATCHES = 5
POINTS = {
    Point.AFTER_RUN_DIRECTORY: 1,
    Point.AFTER_LEDGER_START: 1,
    Point.AFTER_STAGE: BATCHES,
    Point.BEFORE_COMMIT: BATCHES,
    Point.AFTER_COMMIT: BATCHES,
    Point.BETWEEN_ROUNDS: BATCHES,
    Point.BEFORE_LEDGER_COMPLETE: 1,
    Point.AFTER_LEDGER_COMPLETE: 1,
    Point.BEFORE_RENAME: 1,
    Point.BEFORE_MANIFEST: 2,
    Point.AFTER_MANIFEST: 1,
}
"""How often an undo of 60 listens reaches each failpoint."""


def exports(folder: Path) -> tuple[Path, Path]:
    """Return two exports, one of 60 listens, and one of 11 that has tracks and artists in common with it."""
    rows = [scrobble(100 * at, [f"Artist {at % 7}"], f"Track {at % 20}", f"Album {at % 9}") for at in range(60)]
    others = [scrobble(50 + 100 * at, [f"Artist {at % 7}"], f"Track {at % 20}", f"Album {at % 9}") for at in range(11)]
    return write_maloja(folder / "first.json", rows), write_maloja(folder / "second.json", others)


@dataclass(frozen=True)
class Chain:
    """Two runs, the first of which will be undone."""

    home: Path
    database: str
    export: Path
    first: dict[str, Any]
    second: dict[str, Any]
    alone: list[tuple[str, str]]
    """What the second run alone leaves in the database."""
    before: int
    """Listens that undos had removed before."""

    def removed(self) -> int:
        """Return how many listens the ledger says were removed."""
        return removed(self.database) - self.before

    def start(self, *arguments: str, fault: str = "") -> subprocess.Popen[str]:
        """Begin the program in small batches; it ends as ``fault`` says."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.victim", *arguments, "--dsn", self.database],
            env=environment(self.home, {"ETL_FAULT": fault} if fault else None),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_undo(self, fault: str = "") -> subprocess.Popen[str]:
        """Begin to undo the first run."""
        return self.start("undo", self.first["run_id"], "--yes", fault=fault)

    def complete(self) -> None:
        """Undo the first run again, undisturbed; check that this leaves the listens of the second one."""
        again = undo(self.home, self.database, self.first)
        assert again["exit_code"] == 0
        assert undo(self.home, self.database, self.first)["undone_before"]
        assert content(self.database) == self.alone
        check_sound(self, self.first, self.second, again)
        undo(self.home, self.database, self.second)
        assert set(counts(self.database).values()) == {0}


def begin_chain(folder: Path, home: Path, database: str) -> Chain:
    """Load both exports one after the other."""
    first, second = exports(folder)
    lone = load(home, database, second)
    alone = content(database)
    undo(home, database, lone)
    return Chain(home, database, first, load(home, database, first), load(home, database, second), alone, 11)


def check_sound(chain: Chain, *manifests: dict[str, Any]) -> None:
    """Check that nothing dangles, and that each of the runs agrees with the database."""
    workspace = Workspace(chain.home, chain.database)
    found = [check.as_json() for check in verify_database(workspace).checks if check.rows.height]
    assert found == []
    for manifest in manifests:
        verdict = verify_run(RunDirectory(chain.home / "runs" / manifest["run_id"]), workspace)
        assert verdict.exit_code == ExitCode.OK, verdict.as_json()
    if sqlite_file(chain.database):
        assert query(chain.database, "PRAGMA integrity_check") == [("ok",)]
        assert query(chain.database, "PRAGMA foreign_key_check") == []
