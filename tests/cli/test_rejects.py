"""``etl rejects`` lists what a run left over, and tries it again."""

from __future__ import annotations

import shlex
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.schema import REJECTS
from tests.cli.program import etl, on_terminal
from tests.helpers.disturbances import allow_alias, forbid_alias
from tests.helpers.support import counts, load, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202e\x9b2J [red]X[/red]"


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def manifest(tmp_path: Path, database: str) -> dict[str, Any]:
    """Load an export with two rejected rows and an unresolved listen."""
    rows = [
        scrobble(1, ["Ann"], "One"),
        scrobble(2, [" "], "Two"),
        scrobble(3, [HOSTILE], "Forbidden"),
        scrobble(4, ["Bo"], HOSTILE) | {"time": HOSTILE},
    ]
    path = write_maloja(tmp_path / f"{HOSTILE.replace('/', '')}.json", rows)
    forbid_alias(database, "Forbidden")
    return load(tmp_path, database, path)


def test_rejected_rows_and_unresolved_listens_are_listed_with_reasons(tmp_path: Path, manifest: dict[str, Any]) -> None:
    done = etl("rejects", "list", manifest["run_id"], home=tmp_path)
    lines = [line.split() for line in done.out.splitlines()]
    assert (done.code, done.err, lines[0]) == (0, "", ["run", manifest["run_id"]])
    assert ["rejected:", "2"] in lines
    assert ["unresolved:", "1"] in lines
    assert any("missing_artist" in line for line in lines)
    assert any("wrong_type" in line and "time:" in line for line in lines)
    assert any("Forbidden" in line and "forbidden" in " ".join(line) for line in lines)
    suggested = ["rejects", "replay", manifest["run_id"], "--dsn", manifest["dsn"]]
    assert shlex.split(done.out.splitlines()[-1])[-5:] == suggested


def test_without_a_run_the_newest_is_meant(tmp_path: Path, manifest: dict[str, Any]) -> None:
    assert etl("rejects", "list", "--json", home=tmp_path).json["run_id"] == manifest["run_id"]


def test_json_has_the_names_of_the_manifest_and_of_the_columns(tmp_path: Path, manifest: dict[str, Any]) -> None:
    listed = etl("rejects", "list", manifest["run_id"], "--json", home=tmp_path).json
    assert (listed["counts"], listed["rejected_by_reason"]) == (manifest["counts"], manifest["rejected_by_reason"])
    assert [list(row) for row in listed["rejects"]] == [REJECTS.names()] * 2
    assert [(row["row"], row["reason"]) for row in listed["rejects"]] == [(2, "missing_artist"), (4, "wrong_type")]
    (lost,) = listed["unresolved"]
    assert (lost["row"], lost["track"], lost["listened_at"]) == (3, "Forbidden", "2020-01-01T00:00:03+00:00")
    assert "forbidden" in lost["detail"]


def test_hostile_names_are_inert(tmp_path: Path, manifest: dict[str, Any]) -> None:
    run_id = manifest["run_id"]
    runs = [
        etl("rejects", "list", run_id, home=tmp_path),
        etl("rejects", "replay", run_id, "--dry-run", "--dsn", manifest["dsn"], home=tmp_path),
    ]
    assert [done.code for done in runs] == [0, 5]
    active = {char for done in runs for char in done.out + done.err if char != "\n"}
    assert {char for char in active if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == set()


def test_on_a_terminal_the_tables_fit(tmp_path: Path, manifest: dict[str, Any]) -> None:
    lines = on_terminal(80, "rejects", "list", manifest["run_id"], home=tmp_path)
    tables = lines[: next(number for number, line in enumerate(lines) if line.startswith("try them again:"))]
    assert max(map(len, tables)) <= 80
    assert any("….json:2" in line or ".json:2 " in line for line in lines)
    assert any("missing_artist" in line for line in lines)


def test_a_run_that_left_nothing_over_says_so(tmp_path: Path, database: str) -> None:
    clean = load(tmp_path, database, write_maloja(tmp_path / "a.json", [scrobble(1, ["Ann"], "One")]))
    listed = etl("rejects", "list", home=tmp_path)
    replayed = etl("rejects", "replay", "latest", "--dsn", database, "--json", home=tmp_path)
    for done in (listed, replayed):
        assert done.code == 0
        assert f"run {clean['run_id']} has no rejected rows and no unresolved listens" in done.err
    assert set(replayed.json["counts"].values()) == {0}


def test_a_replay_is_a_run_of_its_own_with_the_exit_code_of_its_rows(
    tmp_path: Path, database: str, manifest: dict[str, Any]
) -> None:
    allow_alias(database)
    arguments = ("rejects", "replay", manifest["run_id"], "--dsn", database)
    dry = etl(*arguments, "--dry-run", "--json", home=tmp_path).json
    assert (dry["status"], counts(database)["listens"]) == ("dry_run", 1)

    done = etl(*arguments, "--workers", "1", "--json", home=tmp_path)
    found = done.json
    assert (done.code, found["exit_code"], found["status"]) == (5, 5, "partial")
    assert found["counts"] == dry["counts"] == {**dry["counts"], "records": 3, "rejected": 2, "inserted": 1}
    assert found["settings"] == {**manifest["settings"], "workers": 1, "replay_of": manifest["run_id"]}
    assert counts(database)["listens"] == 2
    assert etl("runs", "show", "--json", home=tmp_path).json == found

    allowed = etl(*arguments, "--max-rejects", "2", home=tmp_path)
    assert (allowed.code, counts(database)["listens"]) == (0, 2)
    assert f"replayed: {manifest['run_id']}" in allowed.out


def test_a_replay_into_another_database_draws_a_warning(
    tmp_path: Path, server: str, database: str, manifest: dict[str, Any]
) -> None:
    other = f"{database}{'&' if '?' in database else '?'}application_name=other"
    done = etl("rejects", "replay", manifest["run_id"], "--dsn", other, "--dry-run", home=tmp_path)
    assert f"warning: run {manifest['run_id']} loaded into " in done.err


@pytest.mark.parametrize("command", [["list"], ["replay", "latest"]], ids=" ".join)
def test_without_runs_it_is_an_error_that_says_what_to_do(command: list[str], tmp_path: Path) -> None:
    done = etl("rejects", *command, home=tmp_path)
    assert (done.code, done.out) == (4, "")
    assert "etl run --source auto PATH" in done.err


def test_a_dry_run_cannot_be_replayed(tmp_path: Path, database: str) -> None:
    load(tmp_path, database, write_maloja(tmp_path / "a.json", [scrobble(1, [""], "One")]), dry_run=True)
    done = etl("rejects", "replay", "latest", "--dsn", database, home=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "was a dry run" in done.err
