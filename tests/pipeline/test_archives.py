"""Exports in gzip and tar files, and in archives inside archives, are loaded, known and replayed as others are."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode
from etl.core.settings import RunSettings
from etl.pipeline.run import check
from tests.helpers.ages import age_all
from tests.helpers.replays import replay, statuses
from tests.helpers.support import content, load, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


def packed(path: Path, kind: str) -> Path:
    """Return an archive of the file at ``path``."""
    archive = path.with_name(f"{path.name}.{kind}")
    if kind == "gz":
        archive.write_bytes(gzip.compress(path.read_bytes()))
    elif kind == "tar.gz":
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(path, "inner/export.json")
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as inner:
            inner.write(path, "export.json")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as outer:
            outer.writestr("inner.zip", buffer.getvalue())
    return archive


@pytest.mark.parametrize("kind", ["gz", "tar.gz", "zip"])
def test_an_export_in_an_archive_is_loaded_once(
    home: Path, database: str, export: Path, undisturbed: list[tuple[str, str]], kind: str
) -> None:
    archive = packed(export, kind)
    first = load(home, database, archive)
    assert (first["exit_code"], first["counts"]["inserted"]) == (ExitCode.OK, 36)
    assert content(database) == undisturbed
    assert statuses(load(home, database, archive)) == ["known"]
    assert statuses(load(home, database, export)) == ["known"]


@pytest.mark.parametrize("kind", ["gz", "tar.gz", "zip"])
def test_rejected_rows_of_an_archive_are_read_again(home: Path, database: str, tmp_path: Path, kind: str) -> None:
    path = write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T"), scrobble(2, [""], "T")])
    found = load(home, database, packed(path, kind))
    again = replay(home, database, found)
    assert (again["counts"]["records"], again["rejected_by_reason"]) == (1, {"missing_artist": 1})
    assert [file["reason"] for file in again["files"]] == [""]


def test_a_gzip_file_that_was_moved_under_another_name_is_found(home: Path, database: str, tmp_path: Path) -> None:
    path = write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T"), scrobble(2, [""], "T")])
    inbox, done = tmp_path / "inbox", tmp_path / "done"
    for folder in (inbox, done):
        folder.mkdir()
    (done / "a.json.gz").write_bytes(b"taken")
    packed(path, "gz").rename(inbox / "a.json.gz")
    age_all(inbox)
    found: dict[str, Any] = load(home, database, inbox, move_to=str(done))
    assert [file.name for file in done.iterdir() if file.read_bytes() != b"taken"] == ["a.json.2.gz"]
    assert [file["reason"] for file in replay(home, database, found)["files"]] == [""]


def test_files_of_one_name_in_an_archive_are_counted_once(home: Path, database: str, tmp_path: Path) -> None:
    first = write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T")])
    second = write_maloja(tmp_path / "b.json", [scrobble(2, ["A"], "T")])
    with tarfile.open(tmp_path / "both.tar", "w") as tar:
        tar.add(first, "export.json")
        tar.add(second, "export.json")
    for found in (check(RunSettings(), [tmp_path / "both.tar"]), load(home, database, tmp_path / "both.tar")):
        assert sorted(statuses(found)) == ["loaded", "refused"]
        assert sum(file["counts"]["records"] for file in found["files"]) == found["counts"]["records"] == 1
