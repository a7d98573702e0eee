"""``etl undo`` as a user types it: what it asks, prints and refuses, and how ``etl runs`` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.program import SAMPLES, etl
from tests.helpers.support import counts


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
    reported = etl("run", SAMPLES / "maloja", "--dsn", database, "--json", home=home).json
    return Loaded(home, database, reported["run_id"], reported["counts"]["inserted"])


def test_undo_asks_and_removes_after_a_yes(run: Loaded) -> None:
    done = etl("undo", run.run_id, "--dsn", run.uri, home=run.home, stdin=b"y\n")

    assert done.code == 0, done.err
    assert f"Undo run {run.run_id}?\nThis removes {run.listens} listens, " in done.err
    assert f"removed {run.listens} listens, " in done.out
    assert f"undo of {run.run_id}: complete" in done.out
    assert counts(run.uri)["listens"] == counts(run.uri)["artists"] == 0


@pytest.mark.parametrize("answer", [b"n\n", b"\n"])
def test_the_answer_no_ends_an_undo_without_an_error(run: Loaded, answer: bytes) -> None:
    done = etl("undo", "latest", "--dsn", run.uri, home=run.home, stdin=answer)

    assert (done.code, done.out) == (0, "nothing was removed\n")
    assert "error" not in done.err
    assert counts(run.uri)["listens"] == run.listens
    as_json = etl("undo", "latest", "--json", "--dsn", run.uri, home=run.home, stdin=answer)
    assert (as_json.code, as_json.json) == (0, {"declined": True, "message": "nothing was removed"})


def test_undo_without_an_answer_is_an_error(run: Loaded) -> None:
    done = etl("undo", "latest", "--dsn", run.uri, home=run.home, stdin=b"")

    assert done.code == 2
    assert "nothing was removed, because there was no answer" in done.err
    assert "--yes" in done.err
    assert counts(run.uri)["listens"] == run.listens


def test_undo_dry_run_says_what_it_would_remove(run: Loaded) -> None:
    done = etl("undo", run.run_id, "--dry-run", "--dsn", run.uri, home=run.home)

    assert done.code == 0
    assert f"would remove {run.listens} listens, " in done.out
    assert "nothing was removed" in done.out
    assert counts(run.uri)["listens"] == run.listens
    assert [one["undone_by"] for one in etl("runs", "list", "--json", home=run.home).json] == [None, None]


def status_in_list(run: Loaded) -> str:
    """Return what the table of runs says of ``run``."""
    head, _, *lines = etl("runs", "list", home=run.home).out.splitlines()
    line = next(line for line in lines if line.startswith(run.run_id))
    return line[head.index("status") :].split("  ")[0]


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
    assert status_in_list(run) == "undone"
    assert f"undone by {undone['run_id']}" in etl("runs", "show", run.run_id, home=run.home).out
    assert f"undo of {run.run_id}" in etl("runs", "show", undone["run_id"], home=run.home).out
    for shown in (run.run_id, undone["run_id"]):
        verified = etl("verify", shown, "--dsn", run.uri, home=run.home)
        assert verified.code == 0, verified.out


def test_undo_of_an_undone_run_changes_nothing(run: Loaded) -> None:
    etl("undo", run.run_id, "--yes", "--dsn", run.uri, home=run.home)
    again = etl("undo", run.run_id, "--dsn", run.uri, home=run.home)

    assert again.code == 0
    assert again.out.startswith(f"run {run.run_id} was undone before; nothing was removed\nundone by ")
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


def test_undo_of_no_name_is_refused(run: Loaded) -> None:
    done = etl("undo", "", "--yes", "--dsn", run.uri, home=run.home)

    assert (done.code, counts(run.uri)["listens"]) == (2, run.listens)


def test_undo_lines_fit_a_terminal(run: Loaded) -> None:
    dry = etl("undo", "latest", "--dry-run", "--dsn", run.uri, home=run.home)
    asked = etl("undo", "latest", "--dsn", run.uri, home=run.home, stdin=b"y\n")
    again = etl("undo", "latest", "--dsn", run.uri, home=run.home)

    lines = [line for done in (dry, asked, again) for line in done.out.splitlines()]
    assert [line for line in lines if len(line) > 80 and not line.startswith(("run:", "  "))] == []
    assert max(len(line) for line in asked.err.partition(" [y/N]")[0].splitlines()) < 74


def test_runs_list_shows_an_undo_that_was_interrupted(run: Loaded) -> None:
    fault = {"ETL_FAULT": "after_ledger_start:1:SIGINT"}
    done = etl("undo", "latest", "--yes", "--dsn", run.uri, home=run.home, env=fault, fresh=True)

    assert done.code == 130
    assert f"not reached: {run.listens} listens" in done.out
    assert status_in_list(run) == "part undone"
    assert etl("undo", "latest", "--yes", "--dsn", run.uri, home=run.home).code == 0
    assert status_in_list(run) == "undone"


# --- latest ------------------------------------------------------------------------------------------------------


@pytest.fixture
def undone(run: Loaded) -> str:
    """Return the id of an undo of the run; it is the newest directory."""
    return str(etl("undo", run.run_id, "--yes", "--json", "--dsn", run.uri, home=run.home).json["run_id"])


def test_undo_latest_twice_takes_one_run_back(run: Loaded) -> None:
    second = etl("run", SAMPLES / "spotify", "--dsn", run.uri, "--json", home=run.home).json
    etl("run", SAMPLES / "maloja", "--dry-run", "--force", "--dsn", run.uri, home=run.home)

    first, again = (etl("undo", "latest", "--yes", "--json", "--dsn", run.uri, home=run.home).json for _ in range(2))

    assert (first["undone_run"], again["undone_run"]) == (second["run_id"], second["run_id"])
    assert again["undone_before"]
    assert counts(run.uri)["listens"] == run.listens


def test_latest_is_the_newest_load_after_an_undo(run: Loaded, undone: str) -> None:
    name = SAMPLES / "maloja"
    reported = etl("run", name, "--dry-run", "--force", "--dsn", run.uri, "--json", home=run.home).json
    file = next(file["path"] for file in reported["files"] if file["counts"]["records"])
    (run.home / "runs" / reported["run_id"]).rename(run.home / "elsewhere")  # the undo is the newest again

    shown = etl("runs", "show", "--json", home=run.home).json
    assert (shown["run_id"], shown["undone_by"]) == (run.run_id, undone)
    assert etl("report", "latest", "--json", home=run.home).json["run_id"] == run.run_id
    assert etl("inspect", "latest", "--json", home=run.home).json["run_id"] == run.run_id
    explained = etl("explain", "latest", f"{file}:1", home=run.home)
    assert f"run {run.run_id} was undone by run {undone}" in explained.err
    verified = etl("verify", "latest", "--dsn", run.uri, home=run.home)
    assert verified.out.startswith(f"run {run.run_id}: complete\nundone by {undone}\n")
    assert f"changes: changed since; the run was undone by run {undone}" in verified.out


def test_an_undo_that_is_asked_for_rows_says_that_it_is_an_undo(run: Loaded, undone: str) -> None:
    for words in (
        ("report", undone),
        ("inspect", undone),
        ("inspect", undone, "--sql", "totals"),
        ("explain", undone, "a.json:1"),
        ("rejects", "list", undone),
        ("rejects", "replay", undone, "--dsn", run.uri),
    ):
        done = etl(*words, home=run.home)
        assert (done.code, f"run {undone} is an undo" in done.err) == (2, True), done


def test_the_page_of_an_undone_run_says_so(run: Loaded, undone: str) -> None:
    page = etl("report", run.run_id, "--json", home=run.home).json["report"]
    assert f"This run was undone by run {undone}" in Path(page).read_text(encoding="utf-8")


def test_prune_says_which_runs_can_no_longer_be_undone(run: Loaded, undone: str) -> None:
    again = etl("run", SAMPLES / "maloja", "--dsn", run.uri, "--json", home=run.home).json
    etl("run", SAMPLES / "maloja", "--force", "--dsn", run.uri, home=run.home)
    dry = etl("runs", "prune", "--keep", "1", "--dry-run", home=run.home)
    assert f"would remove {again['run_id']}: it could no longer be undone" in dry.out
    pruned = etl("runs", "prune", "--keep", "1", "--json", home=run.home).json

    assert (pruned["removed"], pruned["no_longer_undoable"]) == (
        [run.run_id, undone, again["run_id"]],
        [again["run_id"]],
    )
