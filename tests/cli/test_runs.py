"""``etl runs list`` says when, from what, into what and how; ``etl runs prune`` keeps the newest runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from etl.cli.runs import KEPT
from etl.cli.runs_table import target_name
from tests.cli.program import etl, on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples


@pytest.mark.parametrize(
    ("dsn", "name"),
    [
        ("embedded", "embedded"),
        ("sqlite:////data/koito.db", "/data/koito.db"),
        ("postgresql://me:***@db.example:5433/koitodb?sslmode=require", "db.example:5433/koitodb"),
        ("postgresql:///koitodb?host=%2Frun%2Fpostgresql", "/run/postgresql/koitodb"),
        ("postgresql:///koitodb", "localhost/koitodb"),
        ("postgresql://db.example?dbname=koitodb", "db.example/koitodb"),
    ],
)
def test_target_is_named_as_people_do(dsn: str, name: str) -> None:
    assert target_name(dsn) == name


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_list_of_runs_shows_everything_at_any_width(columns: int, loaded: LoadedSamples) -> None:
    manifest = loaded.manifest
    lines = on_terminal(columns, "runs", "list", home=loaded.home)
    reported = " ".join(" ".join(lines).split())
    assert [line for line in lines if len(line) > columns and len(line.split()) > 2] == []  # a label and a path
    started = datetime.fromisoformat(manifest["started_at"]).astimezone()
    assert manifest["run_id"] in reported
    assert f"{started:%Y-%m-%d %H:%M}" in reported
    assert target_name(manifest["dsn"]) in reported
    assert "applemusic, deezer, koito and 8 more" in reported
    assert f" {len(manifest['files'])} " in reported.replace(";", " ")
    assert "complete" in reported


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with three more runs than are kept by default."""
    for number in range(KEPT + 3):
        (tmp_path / "runs" / f"202401{number + 1:02}T000000Z-auto-aaaaaa").mkdir(parents=True)
    return tmp_path


def runs_in(home: Path) -> int:
    return len(list((home / "runs").iterdir()))


def test_prune_without_a_number_asks_and_keeps_the_newest(home: Path) -> None:
    refused = etl("runs", "prune", home=home, stdin=b"n\n")
    assert (refused.code, refused.out, runs_in(home)) == (0, "nothing was removed\n", KEPT + 3)
    assert "Delete 3 run directories, all but the newest 20?" in refused.err
    done = etl("runs", "prune", home=home, stdin=b"y\n")
    assert (done.code, runs_in(home)) == (0, KEPT)
    assert done.out.splitlines()[-1] == "3 removed, 20 kept"


def test_prune_without_an_answer_is_an_error(home: Path) -> None:
    done = etl("runs", "prune", home=home)
    assert (done.code, done.out, runs_in(home)) == (2, "", KEPT + 3)
    assert "--yes" in done.err


@pytest.mark.parametrize("options", [["--yes"], ["--keep", "20"]], ids=" ".join)
def test_prune_does_not_ask_with_yes_or_keep(options: list[str], home: Path) -> None:
    done = etl("runs", "prune", *options, home=home)
    assert (done.code, done.err, runs_in(home)) == (0, "", KEPT)


def test_prune_does_not_ask_if_nothing_is_to_be_removed(tmp_path: Path) -> None:
    assert etl("runs", "prune", home=tmp_path).out == "0 removed, 0 kept\n"
