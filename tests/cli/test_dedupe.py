"""``etl dedupe`` as a user types it: what it prints, removes and refuses, and how it is taken back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import etl
from tests.helpers.plays import extended, lastfm
from tests.helpers.support import counts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, any_database: str) -> Path:
    """Return a home after two loads: ten plays that two services recorded, and an eleventh."""
    starts = range(0, 4000, 400)
    paths = [
        extended(tmp_path / "e.json", *((start + 200, "Tide", 200) for start in starts)),
        lastfm(tmp_path / "l.json", *((start + 3, "Tide", "Shore") for start in starts), (9000, "Ebb", "Shore")),
    ]
    for path in paths:
        done = etl("run", path, "--dsn", any_database, "--doubles", "keep", home=tmp_path / "home")
        assert done.code == 0, done.err
    return tmp_path / "home"


def test_dedupe_says_what_it_would_remove(home: Path, any_database: str) -> None:
    done = etl("dedupe", "--dsn", any_database, home=home)

    assert done.code == 0, done.err
    assert done.out.splitlines()[2].split() == ["spotify", "lastfm", "10"]
    assert "would remove 10 of 21 listens" in done.out
    assert counts(any_database)["listens"] == 21
    suggested = next(line for line in done.out.splitlines() if line.startswith("remove:"))
    command, *words = shlex.split(suggested.removeprefix("remove:"))
    assert (command.rsplit("/")[-1], words) == (
        "etl",
        ["dedupe", "--yes", "--dsn", any_database, "--spotify-time", "end"],
    )
    assert "removed 10 of 21 listens" in etl(*words, home=home).out


def test_a_dedupe_that_finds_nothing_is_not_the_latest_to_undo(home: Path, any_database: str) -> None:
    for _ in range(2):
        assert etl("dedupe", "--yes", "--dsn", any_database, home=home).code == 0
    back = etl("undo", "latest", "--yes", "--dsn", any_database, home=home)
    assert "loaded again: 10 listens" in back.out
    assert counts(any_database)["listens"] == 21


def test_the_suggested_command_repeats_what_was_given_and_not_configured(
    home: Path, any_database: str, tmp_path: Path
) -> None:
    settings = tmp_path / "etl.toml"
    settings.write_text(f"dsn = {any_database!r}\n", encoding="utf-8")
    given = ("dedupe", "--user", "admin", "--home", str(home))
    done = etl("--config", str(settings), *given)
    assert done.code == 0, done.err
    assert f"etl dedupe --yes --home {home} --user admin --spotify-time end\n" in done.out


def test_dedupe_yes_removes_them_and_undo_brings_them_back(home: Path, any_database: str) -> None:
    done = etl("dedupe", "--yes", "--dsn", any_database, home=home)
    assert done.code == 0, done.err
    assert "removed 10 of 21 listens" in done.out
    assert counts(any_database)["listens"] == 11

    manifest = etl("runs", "list", "--json", home=home).json[-1]
    assert f"etl undo {manifest['run_id']}" in done.out
    shown = etl("runs", "show", manifest["run_id"], home=home)
    assert "removed 10 of 21 listens" in shown.out
    back = etl("undo", manifest["run_id"], "--dsn", any_database, home=home, stdin=b"y\n")
    assert back.code == 0, back.err
    assert "10 listens" in back.err
    assert "loaded again: 10 listens" in back.out
    assert counts(any_database)["listens"] == 21
    again = etl("undo", manifest["run_id"], "--yes", "--dsn", any_database, home=home)
    assert (again.code, "undone before" in again.out) == (0, True)
    listed = etl("runs", "list", home=home).out.splitlines()
    assert " undone " in next(line for line in listed if manifest["run_id"] in line)


def test_a_refused_undo_of_a_dedupe_loads_nothing(home: Path, any_database: str) -> None:
    manifest = etl("dedupe", "--yes", "--dsn", any_database, "--json", home=home).json
    done = etl("undo", manifest["run_id"], "--dsn", any_database, home=home, stdin=b"n\n")
    assert (done.code, done.out) == (0, "nothing was loaded\n")
    assert counts(any_database)["listens"] == 11


def test_a_library_without_doubles_is_said_to_have_none(home: Path, any_database: str) -> None:
    etl("dedupe", "--yes", "--dsn", any_database, home=home)
    done = etl("dedupe", "--dsn", any_database, home=home)
    assert (done.code, done.out.splitlines()[0]) == (0, "none of the 11 listens is a likely double")


def test_an_unknown_user_has_no_library(home: Path, any_database: str) -> None:
    done = etl("dedupe", "--user", "nobody", "--dsn", any_database, home=home)
    assert (done.code, 'there is no user "nobody"' in done.err) == (2, True)
