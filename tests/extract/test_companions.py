"""The files next to an export are found on disk, in archives, and in archives next to it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from etl.core.schema import FileStatus
from etl.extract.companions import read_companions
from etl.extract.discover import discover
from etl.extract.reader import Decoded, FileReader, Opened, Unread
from etl.extract.worker import ReaderProcess
from etl.formats import Companions, ReadOptions, applemusic_activity, spotify_extended
from tests.helpers.applemusic import ACTIVITY, DAILY, LIBRARY, daily, library, played, table
from tests.helpers.archives import zipped

if TYPE_CHECKING:
    from pathlib import Path

    from etl.extract.archive import InputFile

PLAYS = table([played("Home")])
DAYS = daily(("A - Home", "20240203"))
TRACKS = library({"Title": "Home", "Artist": "A"})
BOTH = (("applemusic-daily-tracks", DAYS), ("applemusic-library-tracks", TRACKS))


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def export_below(path: Path) -> InputFile:
    (found,) = [file for file in discover([path]).files if "Activity" in file.name]
    return found


def companions_below(path: Path) -> Companions:
    return read_companions(export_below(path), applemusic_activity.FORMAT)


FOLDER = {ACTIVITY: PLAYS, DAILY: DAYS, LIBRARY: TRACKS, "notes.csv": b"a,b\n1,2\n"}
NESTED = {ACTIVITY: PLAYS, DAILY: DAYS, f"{LIBRARY}.zip": zipped({f"x/{LIBRARY}": TRACKS})}


@pytest.mark.parametrize("files", [FOLDER, NESTED], ids=["plain", "nested"])
def test_companions_are_found_in_every_kind_of_place(tmp_path: Path, files: dict[str, bytes]) -> None:
    inner = zipped({f"Apple_Media_Services/Apple Music Activity/{name}": data for name, data in files.items()})
    on_disk = companions_below(written(tmp_path / "disk", files))
    in_zip = companions_below(written(tmp_path / "zip", {"a.zip": zipped(files)}))
    in_both = companions_below(written(tmp_path / "both", {"a.zip": zipped({"y/Apple_Media_Services.zip": inner})}))
    assert on_disk.files == BOTH
    assert on_disk.digest
    assert on_disk == in_zip == in_both


def test_a_file_alone_is_enough_to_find_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path, FOLDER)
    assert companions_below(tmp_path / ACTIVITY) == companions_below(tmp_path)


def test_names_do_not_matter_but_other_folders_do(tmp_path: Path) -> None:
    written(tmp_path, {"a/Activity.csv": PLAYS, "a/days.csv": DAYS, "b/days.csv": DAYS, "library.json": TRACKS})
    assert companions_below(tmp_path).files == BOTH[:1]
    archive = zipped({"a/Activity.csv": PLAYS, "a/days.csv": DAYS, "b/tracks.json": TRACKS, "tracks.json": TRACKS})
    assert companions_below(written(tmp_path / "zip", {"a.zip": archive})).files == BOTH[:1]


def test_digest_differs_for_other_companions(tmp_path: Path) -> None:
    several = [
        {ACTIVITY: PLAYS},
        {ACTIVITY: PLAYS, DAILY: DAYS},
        {ACTIVITY: PLAYS, LIBRARY: TRACKS},
        {ACTIVITY: PLAYS, DAILY: DAYS, LIBRARY: TRACKS},
        {ACTIVITY: PLAYS, DAILY: daily(("B - Home", "20240203"))},
    ]
    found = [companions_below(written(tmp_path / str(number), files)) for number, files in enumerate(several)]
    assert found[0] == Companions()
    assert len({one.digest for one in found}) == len(several)
    other = companions_below(written(tmp_path / "renamed", {"Activity.csv": PLAYS, "copy.csv": DAYS, "days.csv": DAYS}))
    assert other == found[1]


def test_other_formats_have_none(tmp_path: Path) -> None:
    written(tmp_path, FOLDER)
    assert read_companions(export_below(tmp_path), spotify_extended.FORMAT) == Companions()


@pytest.mark.parametrize("broken", [DAYS[:7], b"[" + TRACKS[:-2]])
def test_a_broken_companion_is_ignored(tmp_path: Path, broken: bytes) -> None:
    name = LIBRARY if broken.startswith(b"[") else DAILY
    written(tmp_path, {ACTIVITY: PLAYS, DAILY: DAYS, LIBRARY: TRACKS, name: broken})
    found = companions_below(tmp_path)
    assert len(found.files) == 1
    assert found.files[0] in BOTH


READER = FileReader("auto", ReadOptions())


def test_a_companion_is_listed_as_what_it_is(tmp_path: Path) -> None:
    cut = library({"Title": "Home", "Artist": "A"})[:-2]
    written(tmp_path, {DAILY: DAYS, LIBRARY: cut})
    sound, broken = [READER.open(file) for file in discover([tmp_path]).files]
    assert isinstance(sound, Unread)
    assert isinstance(broken, Unread)
    assert (sound.status, broken.status) == (FileStatus.LEFT_ASIDE, FileStatus.REFUSED)
    assert "has no plays" in sound.reason
    assert "the file ends at byte" in broken.reason
    other = FileReader("spotify", ReadOptions()).open(discover([tmp_path / DAILY]).files[0])
    assert isinstance(other, Unread)
    assert "not a file of spotify" in other.reason


def test_a_reader_process_finds_the_same_companions(tmp_path: Path) -> None:
    file = export_below(written(tmp_path, FOLDER))
    decoded = []
    with closing(ReaderProcess(READER)) as process:
        for reader in (READER, process):
            opened = reader.open(file)
            assert isinstance(opened, Opened)
            decoded.append(reader.decode(opened))
        assert process.is_there
        changed = process.open(file)
        assert isinstance(changed, Opened)
    here, there = decoded
    assert isinstance(here, Decoded)
    assert isinstance(there, Decoded)
    assert here.rows.equals(there.rows)
    assert here.companions == there.companions == companions_below(tmp_path).digest
    assert here.rows["artist"].to_list() == ["A"]
    (tmp_path / DAILY).write_bytes(daily(("B - Home", "20240203")))
    refused = process.decode(changed)
    assert isinstance(refused, Unread)
    assert "was changed while it was read" in refused.reason
