"""Commands whose output is closed, or that a signal ends, report correctly what they did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import SIGNAL_EXIT_CODES, ExitCode
from etl.core.failpoints import Point
from etl.runs.directory import list_runs
from tests.cli.program import ROOT, SCRIPT, Done, environment, run_process
from tests.helpers.support import load, query, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cli.conftest import LoadedSamples

pytestmark = pytest.mark.slow

each_signal = pytest.mark.parametrize("number", SIGNAL_EXIT_CODES, ids=lambda number: number.name)
CHANGING = {
    "run": ("run", "--force"),
    "run --json": ("run", "--force", "--json"),
}


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_maloja(tmp_path / "maloja.json", [scrobble(one, ["A"], f"Track {one}") for one in range(30)])


def in_shell(words: Sequence[str | Path], redirection: str, home: Path, **env: str) -> Done:
    """Run the program with its streams redirected by a shell; the code is the program's, not that of a pipe's end."""
    script = f'"$@" {redirection}; exit "${{PIPESTATUS[0]}}"'
    return run_process(["bash", "-c", script, "bash", SCRIPT, *words], home, env)


def newest(home: Path) -> dict[str, Any]:
    return list_runs(home / "runs")[-1].read_manifest()


# --- streams that are closed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "redirection"),
    [
        *((CHANGING["run"], redirection) for redirection in ("| true", "| head -n 1", ">&-", "2>&-", ">&- 2>&- <&-")),
        *((CHANGING["run --json"], redirection) for redirection in ("| true", ">&-", "2>&1 | true")),
    ],
)
def test_a_load_with_closed_output_ends_as_usual(
    tmp_path: Path, database: str, export: Path, words: tuple[str, ...], redirection: str
) -> None:
    done = in_shell([*words, "--dsn", database, export], redirection, tmp_path)
    assert done.code == 0, done.err
    assert (newest(tmp_path)["status"], newest(tmp_path)["counts"]["inserted"]) == ("complete", 30)
    assert query(database, "SELECT count(*)::int FROM listens") == [(30,)]
    assert "etl-error" not in done.err


def test_a_load_with_rejected_rows_keeps_its_code_without_a_reader(tmp_path: Path, database: str) -> None:
    broken = write_maloja(tmp_path / "maloja.json", [scrobble(1, ["A"], "Track"), scrobble(2, ["A"], "")])
    assert in_shell(["run", "--dsn", database, broken], "| true", tmp_path).code == ExitCode.REJECTS
    assert newest(tmp_path)["exit_code"] == ExitCode.REJECTS


def test_an_undo_with_closed_output_is_complete(tmp_path: Path, database: str, export: Path) -> None:
    load(tmp_path, database, export)
    assert in_shell(["undo", "latest", "--yes", "--dsn", database], "| true", tmp_path).code == 0
    assert newest(tmp_path)["counts"]["removed"] == 30


@pytest.mark.parametrize(
    "words",
    [("inspect", "latest", "--sql", "FROM listens"), ("runs", "list"), ("sources",), ("--help",), ("runs", "show")],
)
def test_a_command_that_only_shows_ends_with_the_code_of_sigpipe(words: tuple[str, ...], loaded: LoadedSamples) -> None:
    done = in_shell(words, "| true", loaded.home)
    assert (done.code, done.err) == (128 + signal.SIGPIPE, "")


def test_a_closed_stdout_is_not_taken_by_the_next_file(tmp_path: Path, database: str, export: Path) -> None:
    in_shell(["run", "--dsn", database, export], ">&- 2>&- <&-", tmp_path)
    directory = Path(newest(tmp_path)["run_dir"])
    assert json.loads((directory / "run.json").read_text())["status"] == "complete"
    assert (directory / "outcome.parquet").read_bytes()[:4] == b"PAR1"


# --- signals -----------------------------------------------------------------------------------------------------


@each_signal
def test_an_interrupted_load_says_in_a_line_how_much_is_loaded(
    tmp_path: Path, database: str, export: Path, number: signal.Signals
) -> None:
    fault = f"{Point.AFTER_LEDGER_START.value}:1:{number.name}"
    done = in_shell(["run", "--dsn", database, export], "", tmp_path, ETL_FAULT=fault)
    assert done.code == SIGNAL_EXIT_CODES[number] == 128 + number
    assert "interrupted: 0 of 30 listens inserted; run the same command again for the rest" in done.out
    assert "error" not in done.err
    counts = newest(tmp_path)["counts"]
    assert (newest(tmp_path)["status"], counts["not_reached"], counts["unresolved"]) == ("interrupted", 30, 0)
    assert (counts["keys"], counts["keys_not_reached"], counts["failed"]) == (30, 30, 0)


@each_signal
def test_a_load_interrupted_while_it_reads_says_that_nothing_is_loaded(
    tmp_path: Path, database: str, export: Path, number: signal.Signals
) -> None:
    fault = f"{Point.AFTER_EXTRACT.value}:1:{number.name}"
    done = in_shell(["run", "--dsn", database, "--json", export], "", tmp_path, ETL_FAULT=fault)
    assert done.code == SIGNAL_EXIT_CODES[number]
    reported = done.json
    assert (reported["status"], reported["exit_code"], set(reported["counts"].values())) == (
        "interrupted",
        SIGNAL_EXIT_CODES[number],
        {0},
    )
    assert newest(tmp_path) == reported
    assert "interrupted: nothing was loaded yet" in done.err
    assert load(tmp_path, database, export)["counts"]["inserted"] == 30


def test_a_load_under_nohup_goes_on_when_the_terminal_closes(tmp_path: Path, database: str, export: Path) -> None:
    fault = f"{Point.AFTER_LEDGER_START.value}:1:SIGHUP"
    done = subprocess.run(
        [SCRIPT, "run", "--dsn", database, "--json", export],
        env=environment(tmp_path, {"ETL_FAULT": fault}),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "complete")


def test_a_load_whose_terminal_is_gone_writes_its_account(tmp_path: Path, database: str, export: Path) -> None:
    terminal, own = os.openpty()
    fault = f"{Point.AFTER_LEDGER_START.value}:1:SIGSTOP"
    with subprocess.Popen(
        [SCRIPT, "run", "--dsn", database, export],
        env=environment(tmp_path, {"ETL_FAULT": fault}),
        cwd=ROOT,
        stdin=own,
        stdout=own,
        stderr=own,
        start_new_session=True,
    ) as process:
        os.close(own)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=60) == ExitCode.HUNG_UP
    assert (newest(tmp_path)["status"], newest(tmp_path)["counts"]["not_reached"]) == ("interrupted", 30)
