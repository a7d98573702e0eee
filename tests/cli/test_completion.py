"""What a shell completes: sources, run ids, named queries and checks, without anything heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.cli.completion import complete_sources
from etl.core.queries import named_queries
from etl.formats import SOURCES
from tests.cli.program import etl, python
from tests.cli.test_help import HEAVY

if TYPE_CHECKING:
    from pathlib import Path

RUNS = ("20240101T000000Z-auto-aaaaaa", "20240201T000000Z-undo-bbbbbb")


def completed(*words: str, home: Path | None = None) -> list[str]:
    """Return what bash is offered for the last of ``words``."""
    env = {"_ETL_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["etl", *words]), "COMP_CWORD": str(len(words))}
    done = etl(home=home, env=env)
    assert (done.code, done.err) == (0, "")
    return done.out.split()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with two runs, and a folder that is not a run."""
    for name in (*RUNS, "2019-thesis"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    return tmp_path


def test_sources_are_those_of_the_formats() -> None:
    assert complete_sources("") == ["auto", *sorted(SOURCES)]
    assert completed("run", "--source", "li") == ["librefm", "listenbrainz"]


def test_queries_are_those_of_the_library_and_of_runs() -> None:
    named = {query.name for group in ("library", "run") for query in named_queries(group)}
    assert completed("inspect", "--sql", "") == sorted(named)
    assert completed("inspect", "--sql", "top_t") == [name for name in sorted(named) if name.startswith("top_t")]


def test_checks_of_verify_are_completed() -> None:
    assert completed("verify", "--sql", "duplicate_a") == ["duplicate_albums", "duplicate_artists"]


@pytest.mark.parametrize(
    "words",
    [
        ["undo"],
        ["explain"],
        ["inspect"],
        ["report"],
        ["verify"],
        ["runs", "show"],
        ["rejects", "list"],
        ["rejects", "replay"],
    ],
    ids=" ".join,
)
def test_run_ids_of_the_home_are_completed_the_newest_first(words: list[str], home: Path) -> None:
    assert completed(*words, "", home=home) == ["latest", *sorted(RUNS, reverse=True)]
    assert completed(*words, "--home", str(home), "20240101", home=None) == [RUNS[0]]


def test_a_home_without_runs_completes_nothing(tmp_path: Path) -> None:
    assert completed("undo", "", home=tmp_path / "none") == []


def test_a_command_is_completed_after_help() -> None:
    assert completed("help", "ru") == ["run", "runs"]


@pytest.mark.parametrize("words", ["etl run --source s", "etl undo l", "etl inspect --sql t", "etl verify --sql d"])
def test_completion_imports_nothing_heavy(words: str, home: Path) -> None:
    code = f"""
import os, sys
import etl.cli
sys.argv = ["etl"]
os._exit = lambda code: None
etl.cli.main()
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    env = {"_ETL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = python(code, home=home, env=env)
    assert (done.err.strip(), bool(done.out)) == ("[]", True)
