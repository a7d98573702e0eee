"""Full disks, under the run directory and under the server: reported, and no run claims more than is stored."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.dsn import SQLITE
from etl.core.errors import ExitCode
from etl.core.settings import EMBEDDED
from etl.load.loader import Sizes
from etl.targets.postgres.embedded.server import EmbeddedServer
from etl.targets.postgres.migrate import migrate
from tests.faults.broken import Content, check_completed
from tests.faults.record import record
from tests.faults.scarcity import resize, run_etl, short_files, small_disk
from tests.helpers.disturbances import inserted
from tests.helpers.support import content, counts, execute, load, query, scrobble, write_maloja
from tests.helpers.worlds import wipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.program import Done

pytestmark = pytest.mark.faults


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


def check_claims(done: Done, home: Path, uri: str) -> None:
    """Check that a run that could not write its run directory left complete files and no false claims."""
    assert done.code == ExitCode.USAGE, done.err
    assert "cannot be written: " in done.err
    assert "Free some disk space" in done.err
    assert query(uri, "SELECT count(*)::int FROM etl.files WHERE finished_at IS NOT NULL") == [(0,)]
    (run,) = (home / "runs").iterdir()
    assert run.stat().st_mode & 0o777 == 0o700
    for file in run.iterdir():
        assert file.suffix in (".parquet", ".json") or file.name in (
            ".inserted",
            ".number",
        )  # for an undo, for the order
        if file.suffix == ".parquet":
            pl.read_parquet(file)
    if (run / "run.json").exists():
        reported = json.loads((run / "run.json").read_text())
        assert (reported["status"], reported["exit_code"]) == ("failed", ExitCode.USAGE)
        assert reported["counts"]["inserted"] == inserted(uri)
    assert json.loads(done.out)["counts"]["inserted"] == inserted(uri) == 36
    (listed,) = run_etl("runs", "list", "--json", home=home).json
    assert listed["status"] in ("failed", "unfinished")


@pytest.mark.parametrize("size", [10, 2_500, 3_500])  # 10: room for the number of the run
def test_an_unwritable_run_directory_is_reported_and_completed_by_the_next(
    home: Path, postgres_database: str, export: Path, size: int
) -> None:
    uri = postgres_database  # the limit would be that of Koito's file, too
    load(home.with_name("undisturbed"), uri, export)
    undisturbed = content(uri)
    wipe(uri)
    done = run_etl("run", export, "--dsn", uri, "--json", home=home, before=short_files(size))
    check_claims(done, home, uri)
    check_completed(home, uri, export, undisturbed)
    record("disk", run_directories=1)


@pytest.mark.parametrize("pages", [1, 5])
def test_a_full_disk_under_the_run_directory_ends_the_run_then_completed(
    home: Path, database: str, export: Path, undisturbed: Content, pages: int
) -> None:
    with small_disk(home, f"size={4 * pages}k") as mounted:
        limit = None if mounted else short_files(700 * pages)
        done = run_etl("run", export, "--dsn", database, "--json", home=home, before=limit)
        check_claims(done, home, database)
    check_completed(home, database, export, undisturbed)
    record("disk", run_directories=1)


# --- under Koito's file ------------------------------------------------------------------------------------------


@contextmanager
def koito_on_a_small_disk(disk: Path, template: Path, kilobytes: int) -> Iterator[str]:
    """Yield the address of Koito's file on a disk of its own with ``kilobytes`` free."""
    with small_disk(disk, "size=1g,mode=755") as mounted:
        if not mounted:
            pytest.skip("this account may not mount a disk")
        uri = f"{SQLITE}{shutil.copy(template, disk / 'koito.db')}"
        resize(disk, f"size={shutil.disk_usage(disk).used // 1024 + kilobytes}k")
        yield uri


@pytest.mark.parametrize("kilobytes", [4_300, 6_000])
def test_a_full_disk_under_koitos_file_ends_the_run_then_completed(
    folder: Path, home: Path, large: Path, koito_template: Path, kilobytes: int
) -> None:
    with koito_on_a_small_disk(folder / "disk", koito_template, kilobytes) as uri:
        claimed = load_what_finds_no_room(home, uri, large, "Free some space on the disk")
        resize(folder / "disk", "size=1g")
        load_the_rest(home, uri, large, claimed)
        assert query(uri, "PRAGMA integrity_check") == [("ok",)]
        assert query(uri, "PRAGMA foreign_key_check") == []


def test_a_load_that_will_not_fit_next_to_koitos_file_writes_nothing(
    folder: Path, home: Path, large: Path, koito_template: Path
) -> None:
    with koito_on_a_small_disk(folder / "disk", koito_template, 2_000) as uri:
        before = content(uri)
        check_refused(load(home, uri, large), folder / "disk")
        assert content(uri) == before
        assert query(uri, "SELECT count(*)::int FROM etl.runs") == [(0,)]


# --- under the server ----------------------------------------------------------------------------------------

LARGE = 5_000
"""Listens, each of a track of its own with a long name: some megabytes in the database."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that the server's account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="etl-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    rows = [scrobble(number, [f"Artist {number % 50}"], f"{number} " + "x" * 300) for number in range(LARGE)]
    return write_maloja(tmp_path / "maloja_large.json", rows)


def load_what_finds_no_room(home: Path, uri: str, export: Path, advice: str) -> int:
    """Load more than the disk takes, check what the run reports, and return how many listens it says are stored."""
    found = load(home, uri, export, sizes=Sizes(batch=500, round=1_000))
    assert (found["status"], found["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert advice in found["error"]
    reported = json.loads((Path(found["run_dir"]) / "run.json").read_text())["counts"]
    assert reported["inserted"] + reported["not_reached"] == LARGE
    return int(reported["inserted"])


def check_refused(manifest: dict[str, Any], folder: Path) -> None:
    """Check that a load was refused because it needs more than is free in ``folder``."""
    assert (manifest["status"], manifest["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert "the load needs about " in manifest["error"]
    assert str(folder) in manifest["error"]
    assert (manifest["counts"]["inserted"], manifest["counts"]["not_reached"]) == (0, LARGE)


def load_the_rest(home: Path, uri: str, export: Path, claimed: int) -> None:
    assert claimed <= inserted(uri) < LARGE
    again = load(home, uri, export)
    assert (again["exit_code"], again["imbalances"]) == (ExitCode.OK, [])
    assert inserted(uri) == LARGE
    assert counts(uri) == {"artists": 50, "releases": LARGE, "tracks": LARGE, "listens": LARGE, "track_lookup": LARGE}
    record("disk", servers=1)


@pytest.mark.parametrize("kilobytes", [500, 6_000])
def test_a_full_disk_under_the_server_ends_the_run_then_completed(
    folder: Path, home: Path, large: Path, kilobytes: int
) -> None:
    with small_disk(folder / "disk", "size=1g,mode=755") as mounted:
        server = EmbeddedServer(folder / "disk" / "home")
        try:
            migrate(server.start(), standalone=True)
            if not mounted:
                return  # the test below lacks space, too, without a disk of its own
            execute(server.uri, "CHECKPOINT")
            resize(folder / "disk", f"size={shutil.disk_usage(folder / 'disk').used // 1024 + kilobytes}k")
            claimed = load_what_finds_no_room(home, server.uri, large, "Free some space on the server's disk")
            resize(folder / "disk", "size=1g")
            load_the_rest(home, server.uri, large, claimed)
        finally:
            server.stop()


def test_a_full_disk_of_the_embedded_server_is_found_in_its_log(folder: Path, large: Path) -> None:
    with small_disk(folder / "disk", "size=1g,mode=755") as mounted:
        if not mounted:
            pytest.skip("this account may not mount a disk")
        home = folder / "disk" / "home"
        server = EmbeddedServer(home)
        try:
            migrate(server.start(), standalone=True)
            execute(server.uri, "CHECKPOINT")
            used = shutil.disk_usage(folder / "disk").used // 1024
            resize(folder / "disk", f"size={used + 3_000}k")
            check_refused(load(home, EMBEDDED, large), server.data)
            # enough for the tables, not for the next 16 MB of the journal
            resize(folder / "disk", f"size={used + 12_000}k")
            lost = load(home, EMBEDDED, large)
            resize(folder / "disk", "size=1g")
            assert (lost["status"], lost["exit_code"]) == ("failed", ExitCode.DATABASE)
            assert f"the disk of the embedded server is full ({server.data})" in lost["error"]
            assert "No space left on device" in lost["error"]
            server.start()  # it recovers from its crash, or has ended because the disk was still full then
            load_the_rest(home, server.uri, large, lost["counts"]["inserted"])
        finally:
            server.stop()


def test_a_server_whose_files_must_not_grow_ends_the_run_then_completed(folder: Path, home: Path, large: Path) -> None:
    server = EmbeddedServer(folder)
    try:
        migrate(server.start(), standalone=True)
        execute(server.uri, "ALTER TABLE track_aliases SET (fillfactor = 10)")
        server.stop()
        # more than a file of the journal has, less than the table will take
        assert run_etl("db", "start", home=folder, before=short_files(17 * 1024 * 1024)).code == ExitCode.OK
        claimed = load_what_finds_no_room(home, server.uri, large, "run the same command again")
        server.stop()
        server.start()
        load_the_rest(home, server.uri, large, claimed)
    finally:
        server.stop()
