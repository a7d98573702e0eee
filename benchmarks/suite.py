"""Defines a benchmark: lines that a round measures, each with its baseline, and the table that shows them.

A suite's ``round`` does everything once, baselines in between, and returns a sample per line. Ratios are computed
within a round, then their median. The first round warms caches and is not counted, unless it is the only one.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.measure import module, needed, spread, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.measure import Process

INTERPRETER = "interpreter"
FLOOR = "floor"
IMPORTS = "imports"
_IMPORTS = "import polars, adbc_driver_postgresql.dbapi"


@dataclass(frozen=True)
class Line:
    """One figure of a suite: its title, the line that it is divided by, and its goal."""

    title: str
    baseline: str = ""
    target: str = ""


@dataclass(frozen=True)
class Sample:
    """The cost of one line in one round: wall and CPU seconds (the process's own), and peak resident megabytes."""

    seconds: float
    cpu: float | None = None
    peak_mb: float | None = None
    listens: int | None = None
    """How many listens it inserted or found present."""
    remarks: tuple[str, ...] = ()
    """Why it cannot be compared."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """The environment of a measurement: the command, a home with a running server, a folder to write into."""

    etl: tuple[str, ...]
    home: Path
    uri: str
    folder: Path
    largest: int = 1_000_000
    """The number of plays of the largest history to load."""

    def load(self, *arguments: str, dsn: str = "") -> Process:
        """Time ``etl run`` into the server's own database, or into ``dsn``."""
        place = ("--dsn", dsn) if dsn else ()
        return timed((*self.etl, "run", *arguments, *place, "--home", str(self.home), "--json"))

    def empty(self) -> None:
        """Remove every row from the database."""
        needed(*module("floor", "empty", self.uri))

    def floor(self) -> Sample:
        """Measure the bare COPY of the rows in the database."""
        found = json.loads(needed(*module("floor", "measure", self.uri)))
        return Sample(found["seconds"], listens=found["rows"]["listens"], details=found)

    def interpreter(self) -> Sample:
        """Measure the start of an interpreter that does nothing."""
        return of_process(timed((sys.executable, "-c", "pass")))

    def imports(self) -> Sample:
        """Measure the imports that every load needs."""
        return of_process(timed((sys.executable, "-c", _IMPORTS)))


@dataclass(frozen=True)
class Suite:
    """A benchmark: its lines, and the function that measures each of them once."""

    name: str
    about: str
    lines: Mapping[str, Line]
    round: Callable[[Bench], Mapping[str, Sample]]
    rounds: int = 5


def of_process(process: Process) -> Sample:
    """Return the numbers of a process, which must succeed."""
    if process.exit_code:
        raise SystemExit(f"a command ended with {process.exit_code}:\n{process.stderr}")
    return Sample(process.seconds, process.cpu, process.peak_mb)


def of_load(process: Process, **expected: int) -> Sample:
    """Return the numbers of one ``etl run``, with remarks if its counts differ from those ``expected``."""
    if process.exit_code:
        raise SystemExit(f"etl run ended with {process.exit_code}:\n{process.stderr}")
    said = json.loads(process.stdout)
    counts = said["counts"]
    remarks = tuple(
        f"{name} is {counts[name]} instead of {value}" for name, value in expected.items() if counts[name] != value
    )
    details = {name: said.get(name, {}) for name in ("counts", "created", "timings")}
    listens = counts["inserted"] + counts["already_present"]
    return Sample(process.seconds, process.cpu, process.peak_mb, listens, remarks, details)


def summarize(suite: Suite, rounds: Sequence[Mapping[str, Sample]]) -> dict[str, Any]:
    """Return for each line the spread of its seconds, ratios and seconds beyond interpreter start; CPU and memory."""
    counted = rounds[1:] or rounds
    summary = {}
    for name, line in suite.lines.items():
        own = [each[name] for each in counted if name in each]
        if not own:
            continue
        ratios = [each[name].seconds / each[line.baseline].seconds for each in counted] if line.baseline else []
        beyond = [each[name].seconds - each[INTERPRETER].seconds for each in counted if INTERPRETER in each]
        summary[name] = {
            "title": line.title,
            "target": line.target,
            "baseline": line.baseline,
            "seconds": spread([one.seconds for one in own]),
            "ratio": spread(ratios) if ratios else None,
            "beyond_start": spread(beyond) if beyond and name != INTERPRETER else None,
            "cpu": _over(statistics.median, [one.cpu for one in own]),
            "peak_mb": _over(max, [one.peak_mb for one in own]),
            "us_per_listen": _over(
                statistics.median, [one.seconds / one.listens * 1e6 if one.listens else None for one in own]
            ),
            "remarks": sorted({remark for one in own for remark in one.remarks}),
        }
    return summary


def _over(combine: Callable[[list[float]], float], values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return combine(known) if known else None


def table(summary: Mapping[str, Any]) -> str:
    """Return a summary as text, one line each, with a dash for a missing value."""
    head = ("seconds:", "min", "median", "max", "ratio", "beyond", "CPU", "peak MB", "us/listen")
    lines = [f"{head[0]:<36}" + "".join(f"{name:>10}" for name in head[1:]) + "  target"]
    for line in summary.values():
        numbers = [
            *(line["seconds"][what] for what in ("min", "median", "max")),
            line["ratio"] and line["ratio"]["median"],
            line["beyond_start"] and line["beyond_start"]["median"],
            line["cpu"],
        ]
        shown = [_shown(number, 2) for number in numbers]
        shown += [_shown(line["peak_mb"], 0), _shown(line["us_per_listen"], 1)]
        lines.append(
            (f"{line['title']:<36}" + "".join(f"{text:>10}" for text in shown) + f"  {line['target']}").rstrip()
        )
        lines += [f"  not comparable: {remark}" for remark in line["remarks"]]
    return "\n".join(lines)


def _shown(number: float | None, digits: int) -> str:
    return "-" if number is None else f"{number:,.{digits}f}"


def as_json(rounds: Sequence[Mapping[str, Sample]]) -> list[dict[str, Any]]:
    """Return every sample in the form of the result file."""
    return [{name: asdict(sample) for name, sample in each.items()} for each in rounds]
