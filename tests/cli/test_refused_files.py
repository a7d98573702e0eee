"""Files that are not loaded into: every command says why, in which file, and what to do, and changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.targets.sqlite.migrate import migrate
from tests.cli.program import SAMPLES, etl
from tests.helpers.koito_sqlite import make_koito_file, opened_file
from tests.helpers.support import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMANDS = (
    ("run", SAMPLES / "maloja"),
    ("run", "--dry-run", SAMPLES / "maloja"),
    ("submit", "--artist", "Ann", "--track", "Song"),
    ("db", "migrate"),
    ("db", "status"),
    ("verify",),
    ("backfill", "durations", "--contact", "me@example.org"),
)
ON_ANY_FILE = (("db", "backup"), ("db", "uninstall", "--yes"))
"""What works on each file that SQLite can read."""


def made(*statements: str) -> Callable[[Path], None]:
    """Return a function that creates a file of Koito with our tables and changes it."""

    def make(path: Path) -> None:
        migrate(make_koito_file(path))
        with opened_file(path) as run:
            for sql in statements:
                run(sql)

    return make


def of_another_program(path: Path) -> None:
    with opened_file(path) as run:
        run("CREATE TABLE songs (title)")


def loaded(path: Path) -> bytes:
    """Load the samples into a file at ``path``, and return its bytes."""
    migrate(make_koito_file(path))
    load(path.parent.with_name("home"), f"sqlite:///{path}", SAMPLES / "maloja")
    with opened_file(path) as run:
        run("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def corrupt(path: Path) -> None:
    data = bytearray(loaded(path))
    for page in range(4096, len(data), 4096):
        data[page : page + 200] = bytes(range(200))
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    data = loaded(path)
    path.write_bytes(data[: len(data) // 2])


NEW = "INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 1)"
START = "Start Koito v0.1.8 or newer once first"
NAME = "Give the path of Koito's koito.db"
REFUSED: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "an older Koito": (made("DELETE FROM goose_db_version WHERE version_id = 2"), "at version 1, not 2", START),
    "a newer Koito": (made(NEW), "at version 3, not 2", "Install the newest version of etl"),
    "a column more": (made("ALTER TABLE tracks ADD COLUMN rating"), "version 2: tracks.rating", "was changed"),
    "a column missing": (made("ALTER TABLE tracks DROP COLUMN duration"), "tracks.duration", "was changed"),
    "no user": (made("DELETE FROM users"), "has no user", START),
    "an empty file": (lambda path: path.touch(), "is empty", START),
    "another program's": (of_another_program, "is not Koito's: it holds songs", NAME),
}
UNREADABLE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing": (lambda _: None, "does not exist", NAME),
    "a folder": (lambda path: path.mkdir(), "is a folder", NAME),
    "a pipe": (os.mkfifo, "is not a regular file", NAME),
    "no database": (lambda path: path.write_text("no database " * 400), "file is not a database", NAME),
    "corrupt": (corrupt, "database disk image is malformed", "Restore a copy of the file"),
    "cut off": (cut_off, "database disk image is malformed", "Restore a copy of the file"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "koito").mkdir()
    return tmp_path / "koito" / "koito.db"


def state(path: Path) -> list[object]:
    """Return what is in the folder of the file, and the file's bytes; logs of SQLite and our lock file do not count."""
    return [*sorted(one.name for one in path.parent.iterdir() if one == path), path.is_file() and path.read_bytes()]


def check_refused(path: Path, words: tuple[str | Path, ...], what: str, advice: str) -> None:
    before = state(path)
    done = etl(*words, "--dsn", path, home=path.parent.with_name("home"))
    assert (done.code, done.out) == (ExitCode.DATABASE, ""), (words, done.err)
    assert [text for text in (str(path), what, advice) if text not in done.err] == [], (words, done.err)
    assert state(path) == before


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_not_a_ready_koitos_is_refused_by_every_command(path: Path, kind: str) -> None:
    make, what, advice = REFUSED[kind]
    make(path)
    for words in COMMANDS:
        check_refused(path, words, what, advice)


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_sqlite_cannot_read_is_refused_by_every_command(path: Path, kind: str) -> None:
    make, what, advice = UNREADABLE[kind]
    make(path)
    copy = path.parent.with_name("copy.db")
    for words in (*COMMANDS, *((*one, copy) if "backup" in one else one for one in ON_ANY_FILE)):
        check_refused(path, words, what, advice)
    assert not copy.exists()


@pytest.mark.parametrize("kind", ["an older Koito", "a newer Koito", "a column more"])
def test_a_file_that_is_refused_can_be_copied_and_left(path: Path, kind: str) -> None:
    REFUSED[kind][0](path)
    home = path.parent.with_name("home")
    assert etl("db", "backup", path.with_name("copy.db"), "--dsn", path, home=home).code == 0
    assert etl("db", "uninstall", "--yes", "--dsn", path, home=home).code == 0
    with opened_file(path) as run:
        assert run("SELECT name FROM sqlite_schema WHERE name LIKE 'etl%'") == []
