"""Ctrl-C and SIGTERM end a run at once, with its books, wherever it is; the next one completes it."""

from __future__ import annotations

import json
import random
import signal
import time
from typing import Any

import pytest

from etl.core.errors import ExitCode
from etl.core.failpoints import Point
from etl.runs.directory import RunDirectory
from tests.faults.kills import Case, begun
from tests.faults.record import record
from tests.helpers.disturbances import ROUNDS, inserted
from tests.helpers.support import query

pytestmark = pytest.mark.faults

CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED, signal.SIGHUP: ExitCode.HUNG_UP}
each_signal = pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
LAST = [
    (Point.BEFORE_ACCOUNTING, 1, signal.SIGINT),
    (Point.BEFORE_RENAME, 5, signal.SIGINT),
    (Point.BEFORE_LEDGER_COMPLETE, 1, signal.SIGINT),
    (Point.BEFORE_LEDGER_COMPLETE, 1, signal.SIGTERM),
]
"""Where all is loaded, but no file counts as loaded yet; at which visit, and the signal."""
GO_ON = "run the same command again"


def check_books(case: Case, manifest: dict[str, Any], before: int, number: signal.Signals) -> None:
    """Check that a run that was ended says so, and claims what is in the database."""
    assert (manifest["status"], manifest["exit_code"]) == ("interrupted", CODES[number])
    assert inserted(case.database) - before == manifest["counts"]["inserted"]
    in_ledger = query(case.database, f"SELECT count(*)::int FROM etl.runs WHERE run_id = '{manifest['run_id']}'")
    assert query(case.database, "SELECT count(*)::int FROM etl.files WHERE finished_at IS NULL") == in_ledger


@each_signal
@pytest.mark.parametrize("seed", ROUNDS)
def test_a_load_interrupted_at_any_moment_is_completed_by_the_next_run(
    any_case: Case, number: signal.Signals, seed: int
) -> None:
    case = any_case
    before = inserted(case.database)
    with case.started() as process:
        run = begun(process)
        time.sleep(random.Random(seed).uniform(0, 0.5))
        process.send_signal(number)
        since = time.monotonic()
        stdout, stderr = process.communicate(timeout=30)
        seconds = time.monotonic() - since

    manifest, is_hit = case.manifest(run), process.returncode != 0
    record("signals", draws=1, hits=is_hit, manifests=bool(is_hit and manifest), seconds_max=seconds)
    assert "Traceback" not in stderr
    if is_hit:
        assert process.returncode == CODES[number]
        assert GO_ON in stderr
    else:
        assert json.loads(stdout)["status"] == "complete"
    if is_hit and manifest:
        check_books(case, manifest, before, number)
    case.complete("signals")


@pytest.mark.parametrize(
    ("point", "visit", "number"), LAST, ids=[f"{point.value}-{one.name}" for point, _, one in LAST]
)
def test_a_signal_during_accounting_leaves_all_files(
    any_case: Case, point: Point, visit: int, number: signal.Signals
) -> None:
    case = any_case
    before = inserted(case.database)
    # the files of a run that spills to disk are written in another order
    mode = {"IN_MEMORY": "1"} if point is Point.BEFORE_RENAME else {}
    with case.started({"ETL_FAULT": f"{point.value}:{visit}:{number.name}", **mode}) as process:
        run = begun(process)
        _, stderr = process.communicate(timeout=30)

    assert process.returncode == CODES[number]
    assert GO_ON in stderr
    manifest = case.manifest(run)
    assert manifest
    check_books(case, manifest, before, number)
    directory = RunDirectory(case.home / "runs" / run)
    assert directory.read_frame("outcome").height == manifest["counts"]["records"] == 240
    record("signals", draws=1, hits=1, manifests=1)
    case.complete("signals")


def test_a_signal_after_the_files_count_as_loaded_changes_nothing(any_case: Case) -> None:
    case = any_case
    with case.started({"ETL_FAULT": f"{Point.AFTER_LEDGER_COMPLETE.value}:1:SIGINT"}) as process:
        run = begun(process)
        process.communicate(timeout=30)

    manifest = case.manifest(run)
    assert manifest
    assert (process.returncode, manifest["exit_code"], manifest["status"]) == (0, 0, "complete")
    case.complete("signals")
