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

If a load is interrupted by a crash, a kill or a lost connection, running the same command again produces exactly the
tables of an uninterrupted load: nothing is lost, and nothing is stored twice.

Tests cause real failures on a real PostgreSQL: kills, signals, lost servers, full disks, damaged files, and edits in
Koito during a load. In no round was a listen lost or stored twice. [What is not promised](#what-is-not-promised) has
the limits.

`.ci/run` runs each test a few times. The numbers below are from a longer run, with
{versions}.
This repeats it (`ETL_FAULT_ROUNDS` is the number of rounds of each randomised test):

```sh
rm -f faults.jsonl
{file}=faults.jsonl ETL_FAULT_ROUNDS={rounds} .venv/bin/pytest -m faults --timeout 0
.venv/bin/python -m tests.faults.report faults.jsonl > docs/reliability.md
```
"""
LIMITS = """
## What is not promised

* **A new name that is scrobbled in the second in which a load creates it** can be in the database twice. Koito looks
  up an artist, album or track and creates it in separate steps, and its tables do not require names to be unique.
  Merge the two in Koito: keys and later loads follow the merge.
* **A batch that takes more than 20 seconds** can lose what it adds to an artist, album or track that is merged or
  deleted in Koito at the same time. A merge or deletion waits for the batches that are being written: usually less
  than a second, but at most 20 seconds. The accounting of the run does not notice the loss. The same command with
  `--force` loads it again.
* **Two runs at the same time, with exports of two services,** can both insert a play that each would have skipped as a
  likely double of the other. A run compares its listens with the database once, before it writes. `etl dedupe` lists
  these plays, and `etl dedupe --yes` removes the poorer listen of each pair. To prevent them, give all exports to one
  run, or use `--no-overlap`. Listens with the same second, artist, title and album are stored once in any case.
* **A server with `fsync` turned off** can lose its last commits in a crash, after a run has counted them. The same
  command loads what is missing. If `synchronous_commit` is off, nothing is lost, because a run turns it on for its own
  sessions.
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
    """Return the figures that should be 0 and are not."""
    bad = (*LOSSES, "dangling", "traces")
    return {
        f"{name}.{figure}": value for name in found for figure, value in found[name].items() if figure in bad and value
    }


if __name__ == "__main__":
    records = read_records(Path(sys.argv[1]))
    if found_harm := harm(records):
        raise SystemExit(f"not as promised: {found_harm}")
    sys.stdout.write(render(records))
