"""``etl db`` for Koito's file, and the copy that protects it."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import SQLITE
from etl.targets.sqlite.migrate import migrations
from tests.cli.program import SAMPLES, etl
from tests.helpers.koito_sqlite import make_koito_file, opened_file
from tests.helpers.koito_sqlite_actions import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file as Koito leaves it at its first start, in a folder of its own."""
    (tmp_path / "koito").mkdir()
    return make_koito_file(tmp_path / "koito" / "koito.db")


@pytest.fixture
def koito(file: Path) -> Iterator[Path]:
    """Return the file while Koito has it open: its newest rows are in the write-ahead log."""
    with opened_file(file) as run:
        run("UPDATE users SET username = 'eva'")
        yield file


def test_migrate_copies_the_file_first_and_says_where_to(koito: Path, tmp_path: Path) -> None:
    before = ask(koito, SCHEMA)
    done = etl("db", "migrate", "--dsn", koito, home=tmp_path)
    assert done.code == 0, done.err
    assert done.out == f"{len(migrations())} migrations applied\n"
    first, *added = done.err.splitlines()
    copy = Path(first.removeprefix("etl: copied the file first, to "))
    assert added == [f"etl: adding {one.version:04}_{one.name}: {one.summary}" for one in migrations()]
    assert re.fullmatch(r"koito\.db\.\d{8}T\d{6}Z\.bak", copy.name)
    assert copy.parent == koito.parent
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert (ask(copy, SCHEMA), ask(copy, "SELECT username FROM users")) == (before, [("eva",)])

    again = etl("db", "migrate", "--dsn", koito, home=tmp_path)
    assert (again.out, again.err) == ("nothing to add\n", "")
    assert [path.name for path in koito.parent.glob("*.bak")] == [copy.name]


def test_migrate_without_a_copy(file: Path, tmp_path: Path) -> None:
    done = etl("db", "migrate", "--dsn", file, "--no-backup", "--json", home=tmp_path)
    assert list(done.json) == ["applied"]
    assert list(file.parent.glob("*.bak")) == []


def test_migrate_as_json_tells_the_copy(file: Path, tmp_path: Path) -> None:
    done = etl("db", "migrate", "--dsn", file, "--json", home=tmp_path)
    assert Path(done.json["backup"]).is_file()


def test_uninstall_leaves_the_file_as_it_was(file: Path, tmp_path: Path) -> None:
    before = ask(file, SCHEMA)
    assert etl("db", "migrate", "--dsn", file, home=tmp_path).code == 0
    assert etl("run", SAMPLES / "maloja", "--dsn", file, home=tmp_path).code == 0
    listens = ask(file, "SELECT * FROM listens")
    asked = etl("db", "uninstall", "--dsn", file, home=tmp_path)
    assert (asked.code, asked.out) == (2, "")
    assert "our tables (etl_*)" in asked.err
    removed = etl("db", "uninstall", "--dsn", file, "--yes", "--json", home=tmp_path)
    assert (removed.code, removed.json) == (0, {"removed": True})
    assert (ask(file, SCHEMA), ask(file, "SELECT * FROM listens")) == (before, listens)


def test_status_and_url_of_a_file(file: Path, tmp_path: Path) -> None:
    new = etl("db", "status", "--dsn", file, "--json", home=tmp_path)
    expected = {"file": str(file), "koito": 2, "users": "admin", "listens": 0, "migrated": False}
    assert new.json == expected
    assert etl("db", "migrate", "--dsn", file, home=tmp_path).code == 0
    assert "migrated yes\n" in etl("db", "status", home=tmp_path, env={"ETL_DSN": str(file)}).out
    assert etl("db", "url", "--dsn", file, home=tmp_path).out == f"{SQLITE}{file}\n"


def test_start_is_refused_for_a_file_and_stop_is_not(file: Path, tmp_path: Path) -> None:
    env = {"ETL_DSN": str(file)}
    started = etl("db", "start", home=tmp_path, env=env)
    assert (started.code, started.out) == (2, "")
    assert "is a file, which needs no server" in started.err
    assert etl("db", "stop", home=tmp_path, env=env).out == "was not running\n"


def test_backup_of_a_file_that_koito_has_open(koito: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done = etl("db", "backup", copy, "--dsn", koito, home=tmp_path)
    assert (done.code, done.out) == (0, f"written to {copy}\n")
    assert ask(copy, "SELECT username FROM users") == [("eva",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    again = etl("db", "backup", copy, "--dsn", koito, home=tmp_path)
    assert (again.code, again.out) == (2, "")
    assert "exists already" in again.err


def test_backup_into_a_folder_that_is_not_there(file: Path, tmp_path: Path) -> None:
    done = etl("db", "backup", tmp_path / "no" / "copy.db", "--dsn", file, home=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "cannot be written" in done.err


def test_a_restored_copy_loads_what_it_lacks(file: Path, tmp_path: Path) -> None:
    words = ("--dsn", file)
    assert etl("db", "migrate", *words, home=tmp_path).code == 0
    assert etl("db", "backup", tmp_path / "copy.db", *words, home=tmp_path).code == 0
    first = etl("run", SAMPLES / "maloja", *words, "--json", home=tmp_path).json["counts"]["inserted"]
    (tmp_path / "copy.db").replace(file)
    for log in file.parent.glob("koito.db-*"):
        log.unlink()
    again = etl("run", SAMPLES / "maloja", *words, "--json", home=tmp_path).json["counts"]["inserted"]
    assert (again, first > 0) == (first, True)


# --- a run that names no database --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["koito/koito.db", "koito.db"])
def test_a_run_warns_that_it_does_not_load_into_a_nearby_koito(tmp_path: Path, name: str) -> None:
    (tmp_path / "koito").mkdir()
    make_koito_file(tmp_path / name)
    hint = f"etl: this run loads into the embedded server; to load into Koito, give --dsn {name}"
    # nothing is to be loaded, so that no server has to be started
    (tmp_path / "empty.txt").touch()
    words = ("run", "--home", tmp_path / "home", tmp_path / "empty.txt")
    assert etl(*words, cwd=tmp_path).err.splitlines()[0] == hint
    for named in (("--dsn", "embedded"), ("--dsn", name)):
        assert hint not in etl(*words, *named, cwd=tmp_path).err
    assert hint not in etl(*words, cwd=tmp_path, env={"ETL_DSN": "embedded"}).err
