"""Measures live listens on an open connection against a bare INSERT, and `etl submit` against its imports.

A round runs a bare INSERT and live listens of a cached key in turn, 200 times. Then it runs several times `etl submit`
as a whole process, and a Python that imports Polars and ADBC's dbapi, connects and ends. The database has the headline
history. The first round warms caches and is not counted. The exit status does not depend on the numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ETL, machine, module, needed, running_server, save, spread, timed

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTENS = 200
PROCESSES = 5  # of each kind and round
FIRST = 1_500_000_000
ROUND_SECONDS = 10_000  # between the first listens of two rounds
FLOOR = "import sys, polars\nfrom adbc_driver_postgresql import dbapi\ndbapi.connect(sys.argv[1]).close()"
TITLES = {
    "bare": "a bare INSERT",
    "names": "a live listen: names alone",
    "duration": "... with a duration",
    "mbids": "... with MBIDs of all, too",
    "floor": "imports and connecting",
    "process": "etl submit, whole process",
}
FLOOR_OF = {**dict.fromkeys(("bare", "names", "duration", "mbids"), "bare"), "floor": "floor", "process": "floor"}
TARGETS = {"names": "at most 1.5 x", "process": "at most 1.5 x"}


def run_round(etl: str, home: Path, uri: str, first: int) -> dict[str, Any]:
    """Measure every line and return the medians of the round. ``first`` is the second of the first listen."""
    measured = json.loads(needed(*module("submitting", uri, str(home), str(first), str(LISTENS))))
    own = {name: median(values) for name, values in measured.items()}
    cpu: dict[str, list[float]] = {"floor": [], "process": []}
    wall: dict[str, list[float]] = {"floor": [], "process": []}
    names = ("--artist", "A live artist", "--track", "A live track", "--album", "A live album")
    for second in range(first + ROUND_SECONDS - PROCESSES, first + ROUND_SECONDS):
        at = datetime.fromtimestamp(second, UTC).isoformat()
        commands = {
            "floor": (sys.executable, "-c", FLOOR, uri),
            "process": (etl, "submit", *names, "--at", at, "--home", str(home)),
        }
        for name, command in commands.items():
            process = timed(command)
            if process.exit_code or (name == "process" and json.loads(process.stdout)["outcome"] != "inserted"):
                raise SystemExit(f"{TITLES[name]} ended with {process.exit_code}: {process.stdout}{process.stderr}")
            wall[name].append(process.seconds)
            cpu[name].append(process.cpu)
    return {
        "seconds": {**own, **{name: median(values) for name, values in wall.items()}},
        "cpu": {name: median(values) for name, values in cpu.items()},
        "least": {name: min(values) for name, values in {**measured, **wall}.items()},
    }


def summarize(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the spread of each line's seconds, and of its ratio to its floor in the same round."""
    return {
        name: {
            "seconds": spread([each["seconds"][name] for each in rounds]),
            "least": min(each["least"][name] for each in rounds),
            "ratio": spread([each["seconds"][name] / each["seconds"][FLOOR_OF[name]] for each in rounds]),
            "cpu": median(each["cpu"][name] for each in rounds) if name in rounds[0]["cpu"] else None,
            "target": TARGETS.get(name, ""),
        }
        for name in TITLES
    }


def table(summary: dict[str, Any]) -> str:
    """Return the summary as text, one line each."""
    lines = [f"{'milliseconds':<28}{'least':>9}{'median':>9}{'x floor':>9}{'CPU':>8}  target"]
    for name, title in TITLES.items():
        line = summary[name]
        cpu = "" if line["cpu"] is None else f"{1000 * line['cpu']:.0f}"
        lines.append(
            f"{title:<28}{1000 * line['least']:9.2f}{1000 * line['seconds']['median']:9.2f}"
            f"{line['ratio']['median']:9.2f}{cpu:>8}  {line['target']}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the result file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.submit", description="Measure live listens.")
    parser.add_argument("--rounds", type=int, default=5, help="the first is a warm-up, unless it is the only one")
    parser.add_argument("--home", type=Path, help="of the benchmarks alone: emptied; default: a temporary one")
    parser.add_argument("--etl", default=ETL, help="the command to measure")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    started = datetime.now(UTC)
    rounds = []
    home = args.home and args.home.resolve()
    with tempfile.TemporaryDirectory(prefix="etl-bench-") as folder, running_server((args.etl,), home) as (home, uri):
        history = str(Path(folder) / "maloja_export_headline.json")
        needed(*module("history", "headline", history))
        needed(*module("floor", "empty", uri))
        needed(args.etl, "run", history, "--home", str(home))
        for number in range(1, args.rounds + 1):
            rounds.append(run_round(args.etl, home, uri, FIRST + number * ROUND_SECONDS))
            figures = ", ".join(f"{name} {1000 * rounds[-1]['seconds'][name]:.2f} ms" for name in TITLES)
            print(f"round {number} of {args.rounds}: {figures}", file=sys.stderr)
    summary = summarize(rounds[1:] or rounds)
    where = machine()
    print(table(summary))
    print(f"{where['cores']} cores, load {where['load'][0]:.1f}")
    print(save("submit", started, {"machine": where, "summary": summary, "rounds": rounds}))


if __name__ == "__main__":
    main()
