"""Files that somebody is still writing to: an inbox leaves them to the next run, and loses nothing of them."""

from __future__ import annotations

import os
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode
from etl.extract.archive import InputFile
from etl.pipeline import inbox as inbox_module
from etl.pipeline.move import move_file
from tests.helpers.ages import age
from tests.helpers.disturbances import inserted
from tests.helpers.support import load

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD, TAIL = "Ann,One,1577836801\nAnn,One,1577836802\n", "Ann,One,1577836803\nAnn,One,1577836804\n"
HEADER = "artist,track,timestamp\n"


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def half(inbox: Path) -> Path:
    """Return a table of which the first half is there."""
    path = inbox / "plays.csv"
    path.write_text(HEADER + HEAD)
    return path


def write_on(path: Path) -> None:
    with path.open("a") as stream:
        stream.write(TAIL)


def clear(inbox: Path, uri: str, **settings: Any) -> dict[str, Any]:  # noqa: ANN401
    return load(inbox.parent / "home", uri, inbox, move_to=str(inbox.parent / "done"), **settings)


def outcomes(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    return [(Path(file["path"]).name, file["status"]) for file in manifest["files"]]


@pytest.mark.parametrize("settings", [{}, {"dry_run": True}], ids=str)
def test_an_inbox_ignores_a_file_that_was_written_to_just_now(
    database: str, inbox: Path, half: Path, settings: dict[str, Any]
) -> None:
    found = clear(inbox, database, **settings)

    assert (outcomes(found), found["exit_code"]) == ([("plays.csv", "left_aside")], ExitCode.OK)
    assert found["files"][0]["reason"] == (
        "was written to less than 5 s ago, so it may still be arriving: the next run reads it"
    )
    assert (inserted(database), half.exists()) == (0, True)


def test_an_arriving_file_does_not_hold_back_the_others(database: str, inbox: Path, half: Path) -> None:
    age(half)
    (inbox / "more.csv").write_text(HEADER + TAIL)
    with zipfile.ZipFile(inbox / "plays.zip", "w") as archive:
        archive.writestr("plays.csv", HEADER + TAIL)
    (inbox / "plays.zip").write_bytes((inbox / "plays.zip").read_bytes()[:60])  # no archive yet

    found = clear(inbox, database)

    assert outcomes(found) == [("more.csv", "left_aside"), ("plays.csv", "loaded"), ("plays.zip", "left_aside")]
    assert (found["exit_code"], inserted(database)) == (ExitCode.OK, 2)
    assert {path.name for path in inbox.iterdir()} == {"more.csv", "plays.zip"}


def test_without_move_to_a_new_file_is_loaded_at_once(home: Path, database: str, inbox: Path, half: Path) -> None:
    assert load(home, database, half)["counts"]["inserted"] == 2
    write_on(half)
    assert load(home, database, inbox)["counts"]["inserted"] == 2


def test_a_file_from_a_clock_far_ahead_is_loaded(database: str, inbox: Path, half: Path) -> None:
    age(half, -3600)

    assert outcomes(clear(inbox, database)) == [("plays.csv", "loaded")]


@pytest.fixture
def grows_when_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Write to a file once, right after its bytes were read."""

    def prepare(growing: Path) -> None:
        head, left = InputFile.head, [growing]

        def then_grow(file: InputFile, size: int) -> bytes:
            data = head(file, size)
            if size == -1 and file.location in left:
                write_on(left.pop())
            return data

        monkeypatch.setattr(InputFile, "head", then_grow)

    return prepare


def test_a_file_that_grows_while_it_is_read_is_refused(
    home: Path, database: str, half: Path, grows_when_read: Callable[[Path], None]
) -> None:
    grows_when_read(half)
    (half.parent / "other.csv").write_text(HEADER + "Bo,Two,1577836900\n")

    found = load(home, database, half.parent)

    assert (outcomes(found), found["exit_code"]) == (
        [("other.csv", "loaded"), ("plays.csv", "refused")],
        ExitCode.INPUT,
    )
    assert "was changed while it was read. Run the same command again" in found["files"][1]["reason"]
    assert load(home, database, half)["counts"]["inserted"] == 4


def test_an_inbox_ignores_a_file_that_grows_while_it_is_read(
    database: str, inbox: Path, half: Path, grows_when_read: Callable[[Path], None]
) -> None:
    age(half)
    grows_when_read(half)

    found = clear(inbox, database)

    assert (outcomes(found), found["exit_code"]) == ([("plays.csv", "left_aside")], ExitCode.OK)
    assert found["files"][0]["reason"] == "was written to while it was read: the next run reads it"
    age(half)
    assert (clear(inbox, database)["counts"]["inserted"], half.exists()) == (4, False)


def other_file_system(inbox: Path) -> Path | None:
    elsewhere = Path("/dev/shm")  # noqa: S108
    if not os.access(elsewhere, os.W_OK) or elsewhere.stat().st_dev == inbox.stat().st_dev:
        return None
    return elsewhere / f"etl-arriving-{os.getpid()}-{time.monotonic_ns()}"


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_what_is_written_while_a_file_is_moved_is_not_lost(
    database: str, inbox: Path, half: Path, monkeypatch: pytest.MonkeyPatch, is_elsewhere: bool
) -> None:
    done = other_file_system(inbox) if is_elsewhere else inbox.parent / "done"
    if done is None:
        pytest.skip("this machine has one file system")
    age(half)
    with monkeypatch.context() as while_it_moves:

        def then_write(*arguments: Any) -> Path:  # noqa: ANN401
            with half.open("a") as writer:
                destination = move_file(*arguments)
                writer.write(TAIL)
            return destination

        while_it_moves.setattr(inbox_module, "move_file", then_write)
        found = load(inbox.parent / "home", database, inbox, move_to=str(done))

    assert (found["exit_code"], found["counts"]["inserted"]) == (ExitCode.USAGE, 2)
    assert "was loaded but not moved: it has changed since it was read; the next run reads it again" in found["error"]
    assert (half.read_text(), list(done.iterdir())) == (HEADER + HEAD + TAIL, [])
    age(half)
    assert load(inbox.parent / "home", database, inbox, move_to=str(done))["counts"]["inserted"] == 2
    assert [path.read_text() for path in done.iterdir()] == [HEADER + HEAD + TAIL]
    for path in (*done.iterdir(), done):
        path.rmdir() if path.is_dir() else path.unlink()


only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell who writes")
OPEN = "another program has it open for writing"


@only_on_linux
def test_an_inbox_ignores_a_file_whose_writer_stalls(database: str, inbox: Path, half: Path) -> None:
    with half.open("a") as writer:
        age(half)
        found = clear(inbox, database)
        assert (outcomes(found), found["exit_code"]) == ([("plays.csv", "left_aside")], ExitCode.OK)
        assert found["files"][0]["reason"] == f"{OPEN}, so it may still be arriving: the next run reads it"
        assert load(inbox.parent / "home", database, half, dry_run=True)["counts"]["inserted"] == 2  # it may be meant
        writer.write(TAIL)
    age(half)
    assert (clear(inbox, database)["counts"]["inserted"], half.exists()) == (4, False)


@only_on_linux
def test_a_file_that_somebody_opens_while_it_is_loaded_is_not_moved(
    database: str, inbox: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(half)
    head, writers = InputFile.head, []

    def then_open(file: InputFile, size: int) -> bytes:
        writers.append(file.location.open("a"))
        return head(file, size)

    monkeypatch.setattr(InputFile, "head", then_open)
    found = clear(inbox, database)
    for writer in writers:
        writer.close()

    assert (outcomes(found), found["exit_code"]) == ([("plays.csv", "loaded")], ExitCode.USAGE)
    assert f"was loaded but not moved: {OPEN}; the next run reads it again" in found["error"]
    assert half.exists()


def test_what_is_written_to_after_it_was_moved_is_named(
    database: str, inbox: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(half)
    (inbox / "z.csv").write_text(HEADER + "Bo,Two,1577836900\n")
    age(inbox / "z.csv")
    done = inbox.parent / "done"

    def first_write(path: Path, *arguments: Any) -> Path:  # noqa: ANN401
        if path.name == "z.csv":
            write_on(done / half.name)
        return move_file(path, *arguments)

    monkeypatch.setattr(inbox_module, "move_file", first_write)
    found = clear(inbox, database)

    assert found["exit_code"] == ExitCode.USAGE
    assert found["error"] == f"{done / half.name} was written to after it was moved there: load that file again"
    assert load(inbox.parent / "home", database, done / half.name)["counts"]["inserted"] == 2


def test_a_new_file_under_the_name_of_one_that_goes_on_is_kept(
    database: str, inbox: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(half)

    def then_another(*arguments: Any) -> Path:  # noqa: ANN401
        destination = move_file(*arguments)
        write_on(destination)
        half.write_text("another")
        return destination

    monkeypatch.setattr(inbox_module, "move_file", then_another)
    found = clear(inbox, database)

    assert f"while it was moved to {inbox.parent}/done/plays.csv: load that file again" in found["error"]
    assert (half.read_text(), (inbox.parent / "done" / "plays.csv").read_text()) == ("another", HEADER + HEAD + TAIL)
