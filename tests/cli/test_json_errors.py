"""With ``--json`` an error is an object too: the last line of stderr, because stdout holds data only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import SAMPLES, Done, etl
from tests.docs.generate import commands
from tests.helpers.support import scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
COMMANDS = [words.split()[1:] for words, _ in commands()]


def error(done: Done) -> dict[str, Any]:
    """Return the error that ended a command; it has these three fields and the process's exit code."""
    (reported,) = json.loads(done.err.splitlines()[-1]).items()
    assert reported[0] == "error"
    assert set(reported[1]) == {"message", "hint", "exit_code"}
    assert reported[1]["exit_code"] == done.code
    found: dict[str, Any] = reported[1]
    return found


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_wrong_usage_of_every_command_is_an_object(words: list[str]) -> None:
    done = etl(*words, "--json", "--nonsense")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert error(done)["message"].startswith("No such option: --nonsense")
    assert error(done)["hint"] == f"Try '{' '.join(['etl', *words])} --help'"


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (["run", "--source", "tape", str(SAMPLES)], 2, '--source: "tape" is not known', "Known: "),
        (["run", str(SAMPLES / "maloja"), "--dsn", NOWHERE], 3, "", "Check that the server is up"),
        (["runs", "show"], 4, "there are no runs", "Load something first"),
        (["undo", "latest", "--dsn", NOWHERE], 3, "", "Check that the server is up"),
        (["submit", "--artist", "A", "--track", "T", "--at", "soon"], 2, "--at", "2024-05-31"),
        (["runn"], 2, "No such command 'runn'", "Try 'etl --help'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_errors_are_objects(arguments: list[str], code: int, message: str, hint: str, tmp_path: Path) -> None:
    done = etl(*arguments, "--json", home=tmp_path)
    assert (done.code, done.out) == (code, "")
    assert message in error(done)["message"]
    assert hint in error(done)["hint"]


def test_an_error_that_ends_a_run_is_an_object_next_to_its_manifest(database: str, tmp_path: Path) -> None:
    path = write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T")])
    env = {"ETL_FAULT": "before_enrichment:1:SIGTERM"}
    done = etl("run", path, "--json", "--dsn", database, home=tmp_path / "home", env=env)
    assert (done.code, done.json["exit_code"]) == (143, 143)
    assert error(done)["message"].startswith("interrupted: ")
    assert "run the same command again" in error(done)["message"]


def test_a_json_log_has_the_error_as_one_of_its_lines(tmp_path: Path) -> None:
    done = etl("check", tmp_path / "gone", "--json", "--log-format", "json")
    (line,) = map(json.loads, done.err.splitlines())
    assert (line["level"], line["exit_code"], line["event"]) == ("error", 4, "error")
    assert "does not exist" in line["message"]
