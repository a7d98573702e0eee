"""A command behaves the same in its own process as in the process of the tests, where most of them run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import SAMPLES, Done, etl

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples

pytestmark = pytest.mark.slow


def _without_numbers(done: Done) -> tuple[int, str, str]:
    """Return ``done`` without parts that differ between runs: numbers, ids, and the widths of their columns."""
    out, err = (re.sub(r"\d+T\d+Z-\w+-[0-9a-f]{6}|[\d.]+", "0", text) for text in (done.out, done.err))
    return done.code, re.sub(r"\s+|-+", " ", out), re.sub(r"\s+|-+", " ", err)


@pytest.mark.parametrize("loaded_once", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "words",
    [
        "run {samples} --dry-run --json --dsn {uri} --home {folder}",
        "run nowhere",
        "check {samples}/maloja",
        "sources --json",
        "explain {run} maloja_export.json:1",
        "inspect {run} --sql totals",
        "inspect --dsn {uri}",
        "inspect --sql totals --dsn {uri} --timezone Asia/Kolkata",
        "report --dsn {uri} --output {folder}/library.html",
        "report {run} --output {folder}/page.html",
        "verify {run} --dsn {uri}",
        "rejects list {run}",
        "rejects replay nowhere --dsn {uri}",
        "runs list",
        "runs show --json",
        "backfill durations --dsn {uri} --dry-run",
        "db status",
        "db migrate --dsn {uri}",
        "config show",
    ],
)
def test_a_command_is_the_same_in_a_process_of_its_own(loaded: LoadedSamples, words: str, tmp_path: Path) -> None:
    run = loaded.manifest["run_id"]
    given = words.format(samples=SAMPLES, uri=loaded.uri, run=run, folder=tmp_path).split()
    here, alone = (etl(*given, home=loaded.home, fresh=fresh) for fresh in (False, True))
    assert _without_numbers(here) == _without_numbers(alone)
    assert here.out or here.err
