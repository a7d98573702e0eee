"""Loads into several databases, one per user, on one server at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.history import HEADLINE
from benchmarks.measure import environment, module, needed
from benchmarks.suite import Line, Sample, Suite
from benchmarks.suites.headline import history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.suite import Bench

COUNTS = (1, 2, 4, 8)


def measure(bench: Bench) -> Mapping[str, Sample]:
    """Measure every line once."""
    return {str(count): _loads(bench, count) for count in COUNTS}


def _loads(bench: Bench, count: int) -> Sample:
    """Load the headline history into ``count`` empty databases at once, while the server is watched."""
    uris = json.loads(needed(*module("databases", "create", bench.uri, str(count))))
    for uri in uris:
        needed(*bench.etl, "db", "migrate", "--standalone", "--dsn", uri)
    with subprocess.Popen(
        module("databases", "watch", bench.uri), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout  # noqa: S101 (it is a pipe)
        watch.stdout.readline()  # it has begun
        started = time.perf_counter()
        loads = [
            subprocess.Popen(
                (*bench.etl, "run", str(history(bench)), "--dsn", uri, "--home", str(bench.home), "--json"),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for uri in uris
        ]
        usages = []
        for load in loads:
            _, status, usage = os.wait4(load.pid, 0)
            load.returncode = os.waitstatus_to_exitcode(status)
            usages.append(usage)
        seconds = time.perf_counter() - started
        out, _ = watch.communicate("")
    seen = json.loads(out)
    present = json.loads(needed(*module("databases", "drop", bench.uri)))
    codes = sorted({load.returncode for load in loads})
    remarks = () if codes == [0] and present == [HEADLINE.plays] * count else (f"codes {codes}, listens {present}",)
    return Sample(
        seconds,
        sum(usage.ru_utime + usage.ru_stime for usage in usages),
        seen["server_mb"] + sum(usage.ru_maxrss for usage in usages) * 1024 / 1e6,
        sum(present),
        remarks,
        seen,
    )


SUITE = Suite(
    "several",
    "the headline history into several databases of one server at once; peak MB is of all processes together",
    {
        "1": Line("1 load"),
        "2": Line("2 loads at once", "1"),
        "4": Line("4 loads at once", "1"),
        "8": Line("8 loads at once", "1"),
    },
    measure,
    rounds=3,
)
