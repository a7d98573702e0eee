"""Homes and inputs that cannot be used: closed, read-only, or neither a folder nor a file."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from tests.faults.proxy import Proxy
from tests.faults.record import record
from tests.faults.scarcity import give_up_rights, run_etl, small_disk
from tests.helpers.disturbances import inserted
from tests.helpers.support import scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.faults

STRANGE = ["file", "pipe", "socket", "device", "dangling"]


@pytest.fixture
def short() -> Iterator[Path]:
    """Yield a folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="etl-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@contextmanager
def made(kind: str, folder: Path) -> Iterator[Path]:
    """Make something that is not a folder, and not a regular file except for the kind "file"."""
    path = folder / kind
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "file":
            path.touch()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            listener.bind(str(path))
        elif kind == "device":
            path = Path("/dev/zero")
        else:
            (folder / "closed").touch()
            path.symlink_to("closed/home")
        yield path


# --- homes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_without_a_place_for_the_run_directory_nothing_is_loaded(
    home: Path, database: str, export: Path, options: list[str]
) -> None:
    home.mkdir(mode=0o500)
    with Proxy(database) as proxy:
        done = run_etl("run", export, *options, "--dsn", proxy.uri, home=home, before=give_up_rights)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert f"{home}/runs/" in done.err
    assert "cannot be written: Permission denied" in done.err
    assert "another home with --home or ETL_HOME" in done.err
    assert inserted(database) == 0
    record("disk", closed=1)


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "dsn"])
def test_a_read_only_home_is_reported_before_anything_is_loaded(
    home: Path, database: str, export: Path, embedded: bool
) -> None:
    with small_disk(home, "size=1m,ro") as mounted:
        home.chmod(0o500) if not mounted else None
        with Proxy(database) as proxy:
            address = [] if embedded else ["--dsn", proxy.uri]
            done = run_etl("run", export, *address, home=home, before=give_up_rights)
    assert done.code == ExitCode.USAGE
    assert ("Read-only file system" if mounted else "Permission denied") in done.err
    assert "another home with --home or ETL_HOME" in done.err
    assert inserted(database) == 0
    record("disk", closed=1)


@pytest.mark.parametrize("kind", ["file", "socket", "dangling"])
def test_a_home_that_is_not_a_folder_is_reported(short: Path, database: str, export: Path, kind: str) -> None:
    with made(kind, short) as home:
        for address in ([], ["--dsn", database])[kind not in ("file", "dangling") :]:
            done = run_etl("run", export, *address, home=home, timeout=30)
            assert done.code == ExitCode.USAGE, done.err
            assert str(home) in done.err or str(home.resolve()) in done.err
            assert "--home" in done.err
    assert inserted(database) == 0
    record("disk", closed=1)


@pytest.mark.parametrize("kind", ["file", "socket"])
def test_commands_that_read_runs_report_a_home_that_is_not_a_folder(short: Path, kind: str) -> None:
    with made(kind, short) as home:
        listed = run_etl("runs", "list", "--json", home=home, timeout=30)
        codes = {run_etl(*words, home=home, timeout=30).code for words in (["runs", "show"], ["inspect", "latest"])}
    assert (listed.code, listed.json) == (ExitCode.OK, [])
    assert codes == {ExitCode.INPUT}


def test_runs_that_cannot_be_read_are_reported(home: Path) -> None:
    (home / "runs" / "20200101T000000Z-auto-000000").mkdir(parents=True)
    for folder in (home / "runs", home):
        folder.chmod(0)
        for words in (["runs", "list"], ["inspect", "latest"]):
            done = run_etl(*words, home=home, before=give_up_rights)
            assert (done.code, done.out) == (ExitCode.USAGE, "")
            assert "cannot be read: Permission denied" in done.err
    for folder in (home, home / "runs"):
        folder.chmod(0o700)
    record("disk", closed=2)


def test_an_unreadable_dsn_file_is_reported(tmp_path: Path, export: Path) -> None:
    (tmp_path / "dsn").touch(mode=0)
    env = {"ETL_DSN_FILE": str(tmp_path / "dsn")}
    done = run_etl("run", export, home=tmp_path / "home", env=env, before=give_up_rights)
    assert done.code == ExitCode.USAGE
    assert "Permission denied" in done.err
    assert not (tmp_path / "home").exists()


# --- inputs ----------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_refused_and_its_neighbours_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    for name in ("open", "closed_folder"):
        (folder / name).mkdir(parents=True)
        write_maloja(folder / name / "scrobbles.json", [scrobble(1, ["A"], "T")])
    write_maloja(folder / "closed_file.json", [scrobble(1, ["A"], "T")]).chmod(0)
    (folder / "closed_folder").chmod(0)
    done = run_etl("check", folder, "--json", before=give_up_rights)
    (folder / "closed_folder").chmod(0o700)

    assert done.code == ExitCode.INPUT
    assert done.json["counts"]["listens"] == 1
    refused = {Path(file["path"]).name: file["reason"] for file in done.json["files"] if file["status"] == "refused"}
    assert refused == {
        "closed_file.json": "cannot be read: Permission denied",
        "closed_folder": "cannot be listed: Permission denied",
    }
    record("disk", inputs=2)


def test_a_file_that_nobody_may_read_is_refused_by_name(tmp_path: Path) -> None:
    closed = write_maloja(tmp_path / "scrobbles.json", [scrobble(1, ["A"], "T")])
    closed.chmod(0)
    done = run_etl("check", closed, before=give_up_rights)
    assert done.code == ExitCode.INPUT
    assert f"{closed}: cannot be read: Permission denied" in done.err
    record("disk", inputs=1)


@pytest.mark.parametrize("kind", STRANGE)
def test_an_input_that_is_not_a_file_is_refused_without_waiting_for_it(
    short: Path, home: Path, database: str, export: Path, kind: str
) -> None:
    with made(kind, short) as path:
        checked = run_etl("check", path, timeout=30)
        done = run_etl("run", path, export, "--dsn", database, "--json", home=home, timeout=30)
    assert checked.code == ExitCode.INPUT
    assert str(path) in checked.err
    assert done.code == (ExitCode.OK if kind == "file" else ExitCode.INPUT)
    assert inserted(database) == (0 if kind == "dangling" else 36)
    record("disk", inputs=1)


@pytest.mark.parametrize(
    "words", [["check", "data/samples", "--json"], ["sources"], ["--help"], ["help", "run"], ["runs"], ["--version"]]
)
def test_a_result_that_cannot_be_written_is_reported(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        reported = run_etl(*words, stdout=full)
        silent = run_etl(*words, stderr=full)
    assert reported.code == ExitCode.USAGE
    assert "the result cannot be written: No space left on device" in reported.err
    assert silent.code == ExitCode.OK


# --- Koito's file ------------------------------------------------------------------------------------------------

CLOSED = {
    "a closed folder": (0o644, 0o600, "koito.db cannot be reached: this account may not enter its folder"),
    "a read-only folder": (0o644, 0o555, "koito cannot be written"),
    "a read-only file": (0o444, 0o755, "koito.db cannot be written"),
    "a file that cannot be read": (0o200, 0o755, "koito.db cannot be read"),
}


@pytest.mark.parametrize("kind", CLOSED)
def test_every_command_reports_a_koito_file_without_permissions(
    tmp_path: Path, home: Path, koito_template: Path, export: Path, kind: str
) -> None:
    mode, folder_mode, reported = CLOSED[kind]
    folder = tmp_path / "koito"
    folder.mkdir()
    file = Path(shutil.copy(koito_template, folder / "koito.db"))
    file.chmod(mode)
    folder.chmod(folder_mode)
    commands: list[list[str | Path]] = [["run", export], ["submit", "--artist", "A", "--track", "B"], ["db", "migrate"]]
    try:
        found = [run_etl(*words, "--dsn", file, home=home, before=give_up_rights) for words in commands]
    finally:
        folder.chmod(0o755)
    for done in found:
        assert (done.code, done.out) == (ExitCode.DATABASE, "")
        assert reported in done.err
        assert "root (sudo)" in done.err
    assert [path.name for path in folder.iterdir()] == ["koito.db"]
