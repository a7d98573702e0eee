"""Homes that are missing or cannot be written: reported with advice that fits the user; nothing is created."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from etl.core import write_error_advice as advice
from etl.core.errors import ExitCode
from tests.cli.program import etl
from tests.helpers.support import load, scrobble, write_maloja

READING = [
    ("runs", "list"),
    ("runs", "show"),
    ("runs", "prune", "--keep", "1"),
    ("report",),
    ("inspect", "--sql", "top_artists"),
    ("report", "latest"),
    ("inspect", "latest"),
    ("explain", "latest", "a.json:1"),
    ("rejects", "list"),
    ("rejects", "replay", "latest"),
    ("verify", "latest"),
    ("undo", "latest", "--yes"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_named_home_that_does_not_exist_is_an_error(tmp_path: Path, words: tuple[str, ...], by: str) -> None:
    home = tmp_path / "mistyped"
    given = ("--home", str(home)) if by == "option" else ()
    done = etl(*words, *given, home=home if by == "variable" else None)
    assert done.code == ExitCode.USAGE, done.err
    assert f"the home {home} does not exist" in done.err
    assert not home.exists()


def test_the_default_home_that_was_never_used_has_no_runs_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.core.workspace.ROOT_HOME", tmp_path / "default")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("etl.core.workspace.user_data_path", lambda _: tmp_path / "default")
    listed = etl("runs", "list")
    assert (listed.code, listed.out) == (ExitCode.OK, "")
    assert f"no runs yet in {tmp_path / 'default' / 'runs'}; `" in listed.err
    assert etl("runs", "list", "--json").json == []
    shown = etl("runs", "show")
    assert shown.code == ExitCode.INPUT
    assert "Load something first" in shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_replay_finds_its_export_from_any_folder(
    tmp_path: Path, any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exports").mkdir()
    write_maloja(tmp_path / "exports" / "maloja.json", [scrobble(1, ["A"], "Track"), scrobble(2, ["A"], "")])
    monkeypatch.chdir(tmp_path / "exports")
    first = load(tmp_path, any_database, Path("maloja.json"))
    assert first["counts"]["rejected"] == 1
    assert [file["path"] for file in first["files"]] == ["maloja.json"]
    monkeypatch.chdir("/")
    done = etl("rejects", "replay", "latest", "--dsn", any_database, "--json", home=tmp_path, cwd=Path("/"))
    (file,) = done.json["files"]
    assert (file["path"], file["reason"], file["location"]) == (
        "maloja.json",
        "",
        str(tmp_path / "exports" / "maloja.json"),
    )


# --- advice ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a missing folder in an existing one."""
    return tmp_path / "not" / "there"


def advise(folder: Path, number: int, monkeypatch: pytest.MonkeyPatch, *, uid: int, contained: bool) -> str:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(advice, "in_container", lambda: contained)
    return advice.write_error_advice(folder, OSError(number, os.strerror(number)))


def test_an_error_names_the_owner_of_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = advice.account(folder.parents[1].stat().st_uid)
    said = advise(folder, errno.EACCES, monkeypatch, uid=4_321, contained=False)
    assert said == (
        f"{folder.parents[1]} belongs to {owner}: run as {owner}, or name another home with --home or ETL_HOME"
    )


def test_in_a_container_the_advice_is_to_chown_the_volume(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = advise(folder, errno.EACCES, monkeypatch, uid=4_321, contained=True)
    assert "the container runs as user id 4321: give the volume to that account (chown)" in said
    assert f"start the container with --user {folder.parents[1].stat().st_uid}" in said


def test_root_is_not_advised_to_become_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = advise(folder, errno.EACCES, monkeypatch, uid=0, contained=False)
    assert said.startswith(f"Root may not write in {folder.parents[1]}")
    assert "run as" not in said


@pytest.mark.parametrize(("contained", "volume"), [(False, False), (True, True)])
def test_a_read_only_file_system_is_called_that(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, contained: bool, volume: bool
) -> None:
    said = advise(folder, errno.EROFS, monkeypatch, uid=4_321, contained=contained)
    assert said.startswith("The file system is read-only: ")
    assert said.endswith("name another home with --home or ETL_HOME")
    assert (f"mount a volume at {folder}" in said) == volume
