"""``etl undo`` as a user types it: what it asks, prints and refuses, and how ``etl runs`` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import SAMPLES, etl
from tests.helpers.support import counts

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Loaded:
    """A home with one run, and its database."""

    home: Path
    uri: str
    run_id: str
    listens: int


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def run(tmp_path: Path, database: str) -> Loaded:
    home = tmp_path / "home"
    told = etl("run", SAMPLES / "maloja", "--dsn", database, "--json", home=home).json
    return Loaded(home, database, told["run_id"], told["counts"]["inserted"])


def test_undo_asks_and_removes_after_a_yes(run: Loaded) -> None:
    done = etl("undo", run.run_id, "--dsn", run.uri, home=run.home, stdin=b"y\n")

    assert done.code == 0, done.err
    assert f"Remove what run {run.run_id} inserted ({run.listens} listens, " in done.err
    assert f"removed: {run.listens} listens, " in done.out
    assert f"undo of {run.run_id}: complete" in done.out
    assert counts(run.uri)["listens"] == counts(run.uri)["artists"] == 0


@pytest.mark.parametrize("answer", [b"n\n", b""])
def test_undo_removes_nothing_without_a_yes(run: Loaded, answer: bytes) -> None:
    done = etl("undo", "latest", "--dsn", run.uri, home=run.home, stdin=answer)

    assert done.code == 2
    assert "nothing was removed" in done.err
    assert "--yes" in done.err
    assert counts(run.uri)["listens"] == run.listens


def test_undo_dry_run_says_what_it_would_remove(run: Loaded) -> None:
    done = etl("undo", run.run_id, "--dry-run", "--dsn", run.uri, home=run.home)

    assert done.code == 0
    assert f"would remove: {run.listens} listens, " in done.out
    assert "nothing was removed" in done.out
    assert counts(run.uri)["listens"] == run.listens
    assert [one["undone_by"] for one in etl("runs", "list", "--json", home=run.home).json] == [None, None]


def test_runs_list_and_show_an_undone_run(run: Loaded) -> None:
    undone = etl("undo", run.run_id, "--yes", "--json", "--dsn", run.uri, home=run.home).json

    assert (undone["status"], undone["undone_run"], undone["counts"]["removed"]) == (
        "complete",
        run.run_id,
        run.listens,
    )
    assert [file["status"] for file in undone["files"]] == ["left_aside"] * len(undone["files"])
    first, second = etl("runs", "list", "--json", home=run.home).json
    assert (first["undone_by"], second["undone_by"], second["undone_run"]) == (undone["run_id"], None, run.run_id)
    assert "complete, undone" in etl("runs", "list", home=run.home).out
    assert f"undone by {undone['run_id']}" in etl("runs", "show", run.run_id, home=run.home).out
    assert f"undo of {run.run_id}" in etl("runs", "show", undone["run_id"], home=run.home).out
    for shown in (run.run_id, undone["run_id"]):
        verified = etl("verify", shown, "--dsn", run.uri, home=run.home)
        assert verified.code == 0, verified.out


def test_undo_of_an_undone_run_changes_nothing(run: Loaded) -> None:
    etl("undo", run.run_id, "--yes", "--dsn", run.uri, home=run.home)
    again = etl("undo", run.run_id, "--dsn", run.uri, home=run.home)

    assert again.code == 0
    assert f"run {run.run_id} was undone before" in again.out
    assert etl("undo", run.run_id, "--json", "--dsn", run.uri, home=run.home).json["undone_before"] is True


def test_undo_of_a_pruned_run_says_that_it_was_pruned(run: Loaded) -> None:
    etl("run", SAMPLES / "maloja", "--dsn", run.uri, "--force", home=run.home)
    assert etl("runs", "prune", "--keep", "1", home=run.home).code == 0
    done = etl("undo", run.run_id, "--yes", "--dsn", run.uri, home=run.home)

    assert done.code == 4
    assert "was pruned" in done.err
    assert "cannot be undone" in done.err


def test_undo_of_an_unknown_run_names_the_runs(run: Loaded) -> None:
    done = etl("undo", "nothing-of-the-kind", "--yes", "--dsn", run.uri, home=run.home)
    assert done.code == 4
    assert run.run_id in done.err
