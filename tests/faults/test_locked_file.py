"""Ctrl-C and SIGTERM end every command at once that waits for Koito's file, and leave nothing half-written."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import SQLITE
from etl.core.errors import ExitCode
from tests.backfill.library import add_library, server_options
from tests.backfill.replies import every_image
from tests.backfill.server import serving
from tests.cli.program import environment, running
from tests.helpers.file_lock import locked
from tests.helpers.koito_sqlite import make_koito_file
from tests.helpers.koito_sqlite_actions import ask
from tests.helpers.support import load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.faults

CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED, signal.SIGHUP: ExitCode.HUNG_UP}
each_signal = pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
LOCKER = r"(another program|process \d+ \(.*\)), which has .* locked"
SOON = 10  # seconds; the commands would wait for 30
HISTORY = [scrobble(number, [f"Artist {number}"], "Song", "Album") for number in range(20)]


@dataclass(frozen=True)
class Place:
    """Where a command works."""

    file: Path
    home: Path
    export: Path
    """It has more than what the file holds."""
    run: str
    """What was loaded into the file."""


@pytest.fixture
def place(koito_template: Path, tmp_path: Path) -> Place:
    file, home = tmp_path / "koito.db", tmp_path / "home"
    shutil.copy(koito_template, file)
    first = load(home, f"{SQLITE}{file}", write_maloja(tmp_path / "first.json", HISTORY[:10]))
    return Place(file, home, write_maloja(tmp_path / "maloja_export.json", HISTORY), first["run_id"])


def started(place: Place, *words: str | Path) -> AbstractContextManager[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.faults.victim", *words, "--dsn", place.file]
    return running(*command, env=environment(place.home), stdout=subprocess.DEVNULL)


def wait_until_it_waits(process: subprocess.Popen[str], for_what: str) -> None:
    """Return once the program says that it waits."""
    assert process.stderr
    assert any(re.search(f"waiting for {for_what}", line) for line in process.stderr)


def interrupted(place: Place, number: signal.Signals, *words: str | Path) -> tuple[int, str]:
    """Run a command, end it by a signal once it says that it waits, and return its exit code and its log."""
    with started(place, *words) as process:
        wait_until_it_waits(process, LOCKER)
        process.send_signal(number)
        _, rest = process.communicate(timeout=SOON)
    return process.returncode, rest


def dump(file: Path) -> list[tuple[object, ...]]:
    """Return the objects of the file, and how many rows its tables have."""
    objects = ask(file, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
    tables = [str(name) for kind, name, _ in objects if kind == "table"]
    return [*objects, *((table, ask(file, f'SELECT count(*) FROM "{table}"')) for table in tables)]


@each_signal
@pytest.mark.parametrize(
    ("words", "for_readers"),
    [
        (("submit", "--artist", "New", "--track", "Song"), False),
        (("submit", "--artist", "Artist 1", "--track", "Song", "--album", "Album"), False),
        (("verify",), True),
        (("db", "uninstall", "--yes"), False),
    ],
    ids=["submit", "submit of a known key", "verify", "uninstall"],
)
def test_a_command_that_waits_ends_at_once(
    place: Place, number: signal.Signals, words: Sequence[str], *, for_readers: bool
) -> None:
    before = dump(place.file)
    with locked(place.file, for_readers=for_readers):
        code, log = interrupted(place, number, *words)

    assert code == CODES[number]
    assert "Traceback" not in log
    assert dump(place.file) == before


@each_signal
def test_a_run_that_waits_ends_at_once(place: Place, number: signal.Signals) -> None:
    before, runs = dump(place.file), {path.name for path in (place.home / "runs").iterdir()}
    with locked(place.file):
        code, log = interrupted(place, number, "run", "--json", place.export)

    assert code == CODES[number]
    assert "interrupted: 0 of 20 listens inserted; run the same command again for the rest" in log
    (directory,) = (path for path in (place.home / "runs").iterdir() if path.name not in runs)
    manifest = json.loads((directory / "run.json").read_text())
    assert (manifest["status"], manifest["exit_code"]) == ("interrupted", code)
    assert (manifest["counts"]["inserted"], manifest["counts"]["records"]) == (0, len(HISTORY))
    assert dump(place.file) == before
    again = load(place.home, f"{SQLITE}{place.file}", place.export)
    assert (again["counts"]["inserted"], again["counts"]["already_present"]) == (10, 10)


@each_signal
def test_an_undo_that_waits_ends_at_once(place: Place, number: signal.Signals) -> None:
    before = dump(place.file)
    with locked(place.file):
        code, log = interrupted(place, number, "undo", place.run, "--yes")

    assert code == CODES[number]
    assert "Traceback" not in log
    (directory,) = (place.home / "runs").glob("*-undo-*")
    manifest = json.loads((directory / "run.json").read_text())
    assert (manifest["exit_code"], manifest["counts"]["removed"]) == (code, 0)
    assert dump(place.file) == before


@each_signal
def test_a_migration_that_waits_ends_at_once(tmp_path: Path, place: Place, number: signal.Signals) -> None:
    new = Place(make_koito_file(tmp_path / "new.db"), place.home, place.export, "")
    before = dump(new.file)
    with locked(new.file):
        code, _ = interrupted(new, number, "db", "migrate")

    assert code == CODES[number]
    assert dump(new.file) == before
    assert [ask(copy, "SELECT count(*) FROM users") for copy in tmp_path.glob("new.db.*.bak")] == [[(1,)]]
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


@each_signal
def test_a_backfill_that_waits_ends_at_once(
    tmp_path: Path, place: Place, koito_template: Path, number: signal.Signals
) -> None:
    file = tmp_path / "library.db"
    shutil.copy(koito_template, file)
    add_library(f"{SQLITE}{file}", 5, 5)
    with serving(every_image) as services, locked(file):
        home = tmp_path / "home"
        options = ["--contact", "me@example.org", *server_options(services)]
        code, log = interrupted(Place(file, home, place.export, ""), number, "backfill", "images", *options)

    assert code == CODES[number]
    assert "Traceback" not in log
    (summary,) = (home / "backfill").glob("*/run.json")
    assert json.loads(summary.read_text())["exit_code"] == code
    assert ask(file, "SELECT count(*) FROM artists WHERE image IS NOT NULL") == [(0,)]


@each_signal
def test_a_run_that_waits_for_an_undo_ends_at_once(place: Place, number: signal.Signals) -> None:
    with locked(place.file), started(place, "undo", place.run, "--yes") as undo:
        wait_until_it_waits(undo, LOCKER)
        with started(place, "run", place.export) as run:
            wait_until_it_waits(run, "an undo")
            run.send_signal(number)
            run.communicate(timeout=SOON)
    assert run.returncode == CODES[number]
