"""Files that are fully loaded are moved out of the inbox, never over another, and the others stay."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode, SettingsError
from etl.core.workspace import Workspace
from etl.pipeline.replay import replay_settings, replayable
from etl.pipeline.run import replay
from etl.runs.directory import RunDirectory
from etl.targets.pool import Pool
from tests.helpers.ages import age_all
from tests.helpers.disturbances import allow_alias, forbid_alias
from tests.helpers.support import load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE, INBOX = "done", "inbox"


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / INBOX
    folder.mkdir()
    return folder


def export(path: Path, second: int = 1, title: str = "T") -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_maloja(path, [scrobble(second, ["A"], title)]).read_bytes()


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def clear(inbox: Path, uri: str, **settings: Any) -> dict[str, Any]:  # noqa: ANN401
    age_all(inbox)
    return load(inbox.parent / "home", uri, inbox, move_to=str(inbox.parent / DONE), **settings)


def test_loaded_files_move_in_their_folders_and_the_others_stay(inbox: Path, database: str, tmp_path: Path) -> None:
    export(inbox / "a.json")
    export(inbox / "2020" / "b.json", 2)
    (inbox / "notes.txt").write_text("mine")
    (inbox / "cut.zip").write_bytes(b"PK\x03\x04 cut off")

    found = clear(inbox, database)

    assert (found["status"], found["exit_code"], found["error"]) == ("partial", ExitCode.INPUT, None)
    assert below(tmp_path / DONE) == {"a.json", "2020/b.json"}
    assert below(inbox) == {"notes.txt", "cut.zip"}
    moved = {Path(file["path"]).name: file.get("moved_to") for file in found["files"]}
    assert moved == {
        "a.json": f"{tmp_path}/done/a.json",
        "b.json": f"{tmp_path}/done/2020/b.json",
        "notes.txt": None,
        "cut.zip": None,
    }
    assert json.loads((Path(found["run_dir"]) / "run.json").read_text()) == found


def test_a_known_file_moves_too_and_nothing_is_ever_overwritten(inbox: Path, database: str, tmp_path: Path) -> None:
    first = export(inbox / "a.json")
    clear(inbox, database)
    export(inbox / "a.json", 2)
    clear(inbox, database)
    (inbox / "a.json").write_bytes(first)
    again = clear(inbox, database)

    assert [file["status"] for file in again["files"]] == ["known"]
    assert below(inbox) == set()
    assert below(tmp_path / DONE) == {"a.json", "a.2.json", "a.3.json"}
    assert (tmp_path / DONE / "a.json").read_bytes() == (tmp_path / DONE / "a.3.json").read_bytes() == first


def test_a_zip_moves_when_all_that_it_holds_is_loaded(inbox: Path, database: str, tmp_path: Path) -> None:
    one = export(tmp_path / "x" / "one.json")
    for name, members in {
        "good.zip": {"one.json": one, "Payments.json": b"{}", "readme.txt": b"hello"},
        "refused.zip": {"one.json": one, "../evil.json": one},
        "nothing.zip": {"readme.txt": b"hello"},
    }.items():
        with zipfile.ZipFile(inbox / name, "w") as archive:
            for member, data in members.items():
                archive.writestr(member, data)

    found = clear(inbox, database)

    assert below(tmp_path / DONE) == {"good.zip"}
    assert below(inbox) == {"refused.zip", "nothing.zip"}
    moved = {file["moved_to"] for file in found["files"] if "moved_to" in file and "one" in file["path"]}
    assert moved == {f"{tmp_path}/done/good.zip!one.json"}


def test_a_zip_with_files_of_another_source_waits_for_its_run(inbox: Path, database: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(inbox / "all.zip", "w") as archive:
        archive.writestr("one.json", export(tmp_path / "x" / "one.json"))
        archive.write(next(Path("data/samples/listenbrainz").rglob("*.jsonl")), "1.jsonl")
    assert clear(inbox, database, source="maloja")["counts"]["inserted"] == 1
    assert below(inbox) == {"all.zip"}


def test_a_file_with_rejects_is_moved_and_replay_finds_it(inbox: Path, database: str, tmp_path: Path) -> None:
    write_maloja(inbox / "a.json", [scrobble(1, ["A"], "T"), scrobble(2, [""], "T")])
    found = clear(inbox, database)
    assert (found["exit_code"], below(inbox), below(tmp_path / DONE)) == (ExitCode.REJECTS, set(), {"a.json"})

    left = replayable(RunDirectory(Path(found["run_dir"])))
    settings = replay_settings(left, user=None, workers=1, dry_run=False, max_rejects=0)
    again = replay(Workspace(tmp_path / "home", database), settings, left)
    assert again["counts"]["rejected"] == 1
    assert (again["files"][0]["reason"], below(tmp_path / DONE)) == ("", {"a.json"})


def test_a_file_with_unresolved_listens_stays(inbox: Path, database: str) -> None:
    write_maloja(inbox / "a.json", [scrobble(1, ["A"], "T"), scrobble(2, ["A"], "Forbidden")])
    forbid_alias(database, "Forbidden")
    assert clear(inbox, database)["counts"]["unresolved"] == 1
    assert below(inbox) == {"a.json"}
    allow_alias(database)
    assert clear(inbox, database)["exit_code"] == 0
    assert below(inbox) == set()


def test_a_dry_run_moves_nothing(inbox: Path, database: str, tmp_path: Path) -> None:
    export(inbox / "a.json")
    assert clear(inbox, database, dry_run=True)["status"] == "dry_run"
    assert below(inbox) == {"a.json"}
    assert not (tmp_path / DONE).exists()


@pytest.mark.parametrize("change", ["another", "grown", "link"])
def test_a_file_that_is_not_what_was_read_stays_and_the_run_says_so(
    change: str, inbox: Path, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = inbox / "a.json"
    export(path if change != "link" else tmp_path / "a.json")
    if change == "link":
        path.symlink_to(tmp_path / "a.json")
    original = Pool.close

    def then_a_change(pool: Pool) -> None:
        original(pool)
        if change == "grown":
            path.write_bytes(path.read_bytes() + b"\n")
        elif change == "another":
            export(tmp_path / "new.json", 9)
            (tmp_path / "new.json").replace(path)

    monkeypatch.setattr(Pool, "close", then_a_change)
    found = clear(inbox, database)

    assert (found["status"], found["exit_code"]) == ("complete", ExitCode.USAGE)
    assert "was loaded but not moved: it " in found["error"]
    assert below(tmp_path / DONE) == set()


def test_across_file_systems_a_file_is_copied_whole_and_then_removed(inbox: Path, database: str) -> None:
    elsewhere = Path("/dev/shm")  # noqa: S108
    if not os.access(elsewhere, os.W_OK) or elsewhere.stat().st_dev == inbox.stat().st_dev:
        pytest.skip("this machine has one file system")
    target = elsewhere / f"etl-test-{os.getpid()}"
    try:
        target.mkdir()
        (target / "a.json").write_text("another's")
        data = export(inbox / "a.json")
        age_all(inbox)
        found = load(inbox.parent / "home", database, inbox, move_to=str(target))
        assert found["exit_code"] == 0
        assert below(target) == {"a.json", "a.2.json"}
        assert (target / "a.2.json").read_bytes() == data
        assert (target / "a.json").read_text() == "another's"
        assert below(inbox) == set()
    finally:
        for path in target.iterdir():
            path.unlink()
        target.rmdir()


def unusable(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    (tmp_path / "file").write_text("")
    yield tmp_path / INBOX, "would be read again"
    yield tmp_path / INBOX / "done", "would be read again"
    yield tmp_path / "file" / "done", "cannot be created"


def test_a_folder_that_cannot_be_used_is_refused_before_anything_is_loaded(
    inbox: Path, database: str, tmp_path: Path
) -> None:
    export(inbox / "a.json")
    age_all(inbox)
    for target, reported in unusable(tmp_path):
        with pytest.raises(SettingsError, match=reported):
            load(tmp_path / "home", database, inbox, move_to=str(target))
    assert load(tmp_path / "home", database, inbox, move_to=str(inbox / ".done"))["counts"]["inserted"] == 1
    assert below(inbox) == {".done/a.json"}
