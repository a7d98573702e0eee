"""Runs that are killed from outside, and the checks once they were started again and finished."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl.load.loader import Sizes
from tests.cli.program import environment, running
from tests.faults.record import record
from tests.faults.victim import SIZES
from tests.helpers.disturbances import inserted
from tests.helpers.support import content, load, query

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A load that is to be disturbed."""

    database: str
    home: Path
    export: Path
    expected: list[tuple[str, str]]
    """What an undisturbed load leaves in the database (``tests.helpers.support.content``)."""

    def started(self, env: Mapping[str, str] | None = None) -> AbstractContextManager[subprocess.Popen[str]]:
        """Run the program until the block ends."""
        words = ("-m", "tests.faults.victim", "run", "--dsn", self.database, "--json")
        return running(sys.executable, *words, self.export, env=environment(self.home, env))

    def batches(self, run: str) -> int:
        """Return how many batches of a run are committed."""
        found = query(self.database, f"SELECT count(*)::int FROM etl.batches WHERE run_id = '{run}'")
        return int(found[0][0])

    def manifest(self, run: str) -> dict[str, Any] | None:
        """Return ``run.json`` of a run, or None if there is none."""
        path = self.home / "runs" / run / "run.json"
        return json.loads(path.read_text()) if path.is_file() else None

    def complete(self, section: str) -> None:
        """Run it again, without a disturbance, and check that nothing is lost or stored twice."""
        again = load(self.home, self.database, self.export, sizes=Sizes(**SIZES))
        found, expected = Counter(content(self.database)), Counter(self.expected)
        lost, twice = expected - found, found - expected
        record(section, losses=lost.total(), duplicates=twice.total())
        assert (lost, twice) == (Counter(), Counter())
        assert (again["exit_code"], again["imbalances"]) == (0, [])
        assert inserted(self.database) == sum(kind == "listen" for kind, _ in self.expected)
        assert [file["status"] for file in load(self.home, self.database, self.export)["files"]] == ["known"]


def begun(process: subprocess.Popen[str]) -> str:
    """Return the id of a run as soon as the program logs it, right before it loads."""
    assert process.stderr
    return next(found[1] for line in process.stderr if (found := re.search(r"\brun (\d{8}T\S+)", line)))
