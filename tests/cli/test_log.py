"""The log for machines: one JSON object per line, also for what is wrong; marks for the journal of systemd."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import SAMPLES, SCRIPT, Done, environment, etl

if TYPE_CHECKING:
    from pathlib import Path

MALOJA = SAMPLES / "maloja"


def log(done: Done) -> list[dict[str, Any]]:
    """Return the lines of stderr; each must be an object with the common fields."""
    lines: list[dict[str, Any]] = [json.loads(text) for text in done.err.splitlines()]
    for entry in lines:
        assert datetime.fromisoformat(entry["time"]).utcoffset() is not None
        assert entry["level"] in {"info", "warning", "error"}
        assert entry["event"]
        assert entry["message"]
    return lines


def test_each_line_is_an_object_with_the_run_once_it_is_known(database: str, tmp_path: Path) -> None:
    options = ("--log-format", "json", "--progress", "plain")
    done = etl("run", SAMPLES, "--dsn", f"{database}&password=x", *options, home=tmp_path)
    entries = log(done)
    events = [entry["event"] for entry in entries]
    began = events.index("run_started")
    steps = {entry["step"]: entry for entry in entries if entry["event"] == "progress"}
    assert (steps["extract"]["files"], steps["load"]["keys"]) > (0, 0)
    assert events[0] == entries[0]["level"] == "warning"
    assert events[-1] == "run_finished"
    assert all("run_id" not in entry for entry in entries[:began])
    assert len({entry["run_id"] for entry in entries[began:]}) == 1
    end = entries[-1]
    assert (end["status"], end["exit_code"]) == ("complete", 0)
    assert end["counts"]["inserted"] > 0
    assert "complete: " in done.out  # the tables are still the result


@pytest.mark.parametrize(
    ("arguments", "env", "code", "text"),
    [
        (["run", "--log-format", "json"], {}, 2, "Missing argument"),
        (["run", "--log-format=json", "--nonsense", str(MALOJA)], {}, 2, "No such option"),
        (["runs", "show"], {"ETL_LOG_FORMAT": "json"}, 4, "there are no runs"),
        (["run", "--log-format", "json", "--since", "soon", str(MALOJA)], {}, 2, "not an ISO 8601"),
        (["check", "--log-format", "json", "/nonexistent"], {}, 4, "does not exist"),
    ],
)
def test_what_is_wrong_is_an_object_too(
    arguments: list[str], env: dict[str, str], code: int, text: str, tmp_path: Path
) -> None:
    done = etl(*arguments, home=tmp_path, env=env)
    (entry,) = log(done)
    assert (done.code, entry["exit_code"], entry["level"], entry["event"]) == (code, code, "error", "error")
    assert text in entry["message"]


def test_a_run_that_is_interrupted_says_so_in_the_log(database: str, tmp_path: Path) -> None:
    env = {"ETL_FAULT": "before_enrichment:1:SIGTERM"}
    done = etl("run", MALOJA, "--dsn", database, "--log-format", "json", home=tmp_path, env=env)
    entries = log(done)
    assert done.code == 143
    assert [entry["event"] for entry in entries[-2:]] == ["warning", "run_finished"]
    assert (entries[-1]["status"], entries[-1]["exit_code"]) == ("interrupted", 143)


def test_the_log_format_can_be_set_in_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "etl.toml").write_text('log_format = "json"\n')
    done = etl("--config", tmp_path / "etl.toml", "runs", "show", home=tmp_path)
    assert log(done)[0]["level"] == "error"


def test_lines_for_the_journal_have_its_priorities(database: str, tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+") as journal:
        status = os.fstat(journal.fileno())
        env = environment(tmp_path / "home", {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        for arguments in (["run", MALOJA, "--dsn", f"{database}&password=x"], ["runs", "show", "none"]):
            subprocess.run([SCRIPT, *arguments], env=env, stdout=subprocess.DEVNULL, stderr=journal, check=False)
        journal.seek(0)
        lines = journal.read().splitlines()
    assert lines[0].startswith("<4>etl: warning: a password")
    assert lines[1].startswith("<6>etl: run ")
    assert [text for text in lines if text.startswith("<6>etl: complete: ")]
    assert lines[-1].startswith("<3>etl: error: no run fits")
