"""``python -m tests.faults.report FILE > docs/reliability.md`` prints the page of what ``record`` kept in FILE."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from etl.runs.directory import versions
from tests.faults.record import FILE, read_records
from tests.faults.sections import LOSSES, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.record import Figures

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = """# Reliability

Nothing is lost and nothing is stored twice: a load that is disturbed, by whatever, ends in the same tables as one that
nothing disturbed, at the latest when the same command is run again. These tests break things for real, on a real
PostgreSQL; `.ci/run` does each of them a few times. The numbers below are of a longer run, with
{versions}.

To repeat it (`ETL_FAULT_ROUNDS` says how often a test with an element of chance is done):

```sh
rm -f faults.jsonl
{file}=faults.jsonl ETL_FAULT_ROUNDS={rounds} .venv/bin/pytest -m faults --timeout 0
.venv/bin/python -m tests.faults.report faults.jsonl > docs/reliability.md
```
"""
LIMITS = """
## What is not promised

* Koito looks an artist, album or track up and creates it in separate steps, and nothing in its tables forbids two of
  one name. A name that is new to the database, and that Koito scrobbles in the very second in which a load creates it,
  can be there twice. Merging the two in Koito mends it for good: keys and later loads follow.
* A merge or delete in Koito waits for the batches that are under way, usually less than a second. After 20 s it goes on
  without: what a batch of that length adds to the merged or deleted entity can then be swept with it. The run's
  accounting does not see that; the same command with `--force` loads it again.
* A server whose owner has turned `fsync` off can lose its last commits in a crash, after a run has counted them. The
  same command again loads what is missing. With `synchronous_commit` off nothing is lost: a run turns it on for itself.
"""
ROUNDS = 20
"""How many the page is made with."""


def render(found: Mapping[str, Figures]) -> str:
    """Return the page; raises ``SystemExit`` where a figure of ``SECTIONS`` was not recorded."""
    lacking = [
        f"{name}.{figure}"
        for name, section in SECTIONS.items()
        for figure in section.figures
        if figure not in found.get(name, {})
    ]
    if lacking:
        raise SystemExit(f"not recorded: {', '.join(lacking)}; run all tests of faults")
    known = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts = [HEAD.format(versions=known, file=FILE, rounds=ROUNDS)]
    for name, section in SECTIONS.items():
        rows = "".join(f"| {label} | {_shown(found[name][figure])} |\n" for figure, label in section.figures.items())
        parts.append(f"\n## {section.title}\n\n{section.about}\n\n| what | number |\n| --- | ---: |\n{rows}")
    return "".join([*parts, LIMITS])


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def harm(found: Mapping[str, Figures]) -> dict[str, float]:
    """Return what should be none and is not."""
    bad = (*LOSSES, "dangling", "traces")
    return {
        f"{name}.{figure}": value for name in found for figure, value in found[name].items() if figure in bad and value
    }


if __name__ == "__main__":
    records = read_records(Path(sys.argv[1]))
    if found_harm := harm(records):
        raise SystemExit(f"not as promised: {found_harm}")
    sys.stdout.write(render(records))
