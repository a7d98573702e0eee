"""Which files are found below the paths of a run, which are ignored or refused, and why."""

from __future__ import annotations

import os
import socket
import stat
import zipfile
from pathlib import Path

import pytest

from etl.core.errors import BrokenFileError, ExitCode, InputError
from etl.extract import containers
from etl.extract.archive import InputFile
from etl.extract.discover import Discovered, Hidden, RefusedPath, discover
from tests.helpers.archives import zipped

PLAYS = b'[{"ts":"2020-01-01T00:00:00Z","ms_played":1}]'


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, data: bytes = PLAYS) -> Path:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


def paths(found: Discovered) -> list[str]:
    return [file.path for file in found.files]


def reasons(items: list[RefusedPath]) -> dict[str, str]:
    return {item.path: item.reason for item in items}


def test_files_folders_and_zips_are_walked_and_sorted_by_path() -> None:
    write("music/b.json")
    write("music/2019/a.json")
    write("music/export.zip", zipped({"MyData/endsong_1.json": PLAYS, "MyData/endsong_0.json": PLAYS, "empty/": b""}))
    write("single.json", b"[]")
    found = discover(["single.json", Path("./music/")])
    assert paths(found) == [
        "music/2019/a.json",
        "music/b.json",
        "music/export.zip!MyData/endsong_0.json",
        "music/export.zip!MyData/endsong_1.json",
        "single.json",
    ]
    assert found.refused == []
    assert found.left_aside == []
    assert [file.name for file in found.files] == [
        "a.json",
        "b.json",
        "endsong_0.json",
        "endsong_1.json",
        "single.json",
    ]
    assert [file.read() for file in found.files] == [PLAYS] * 4 + [b"[]"]


def test_a_peek_shows_the_beginning_of_a_file_on_disk_and_in_a_zip() -> None:
    data = PLAYS[:-1] + b'{"late_key":1},' * 10_000 + b"]"
    write("a.json", data)
    write("a.zip", zipped({"in/b.json": data}))
    for file in discover(["a.json", "a.zip"]).files:
        peek = file.peek()
        assert len(peek.head) == 65_536
        assert peek.name == file.name
        assert peek.shape == "["
        assert {"ts", "ms_played"} <= peek.keys


def test_overlapping_paths_and_links_count_once(tmp_path: Path) -> None:
    write("music/a.json")
    write("music/b.zip", zipped({"c.json": PLAYS}))
    Path("music/z_link.json").symlink_to("a.json")
    expected = ["music/a.json", "music/b.zip!c.json"]
    assert paths(discover(["music", "music/a.json", "music/b.zip", "music/../music"])) == expected
    assert paths(discover(["music/b.zip", "music/z_link.json", "music"])) == expected
    assert paths(discover([tmp_path / "music" / "a.json"])) == [f"{tmp_path}/music/a.json"]


def test_zips_in_zips_are_read_three_deep() -> None:
    innermost = zipped({"d.json": b"too deep"})
    third = zipped({"c.json": PLAYS, "deeper.zip": innermost})
    write("a.zip", zipped({"b.zip": zipped({"folder/c.zip": third, "b.json": b"[]"})}))
    found = discover(["a.zip"])
    assert paths(found) == ["a.zip!b.zip!b.json", "a.zip!b.zip!folder/c.zip!c.json"]
    assert [file.read() for file in found.files] == [b"[]", PLAYS]
    assert "nested more than 3 levels deep" in reasons(found.refused)["a.zip!b.zip!folder/c.zip!deeper.zip"]
    assert list(Path().iterdir()) == [Path("a.zip")]


def test_hidden_files_are_counted_and_not_read_unless_typed() -> None:
    write("music/.DS_Store")
    write("music/.git/a.json")
    write("music/desktop.ini")
    write(".hidden/b.json")
    write("music/c.zip", zipped({"__MACOSX/x/._d.json": b"", "x/.e.json": b"", ".f/g.json": b"", "x/d.json": PLAYS}))
    found = discover(["music", ".hidden"])
    assert found == Discovered(
        [
            InputFile(".hidden/b.json", Path(".hidden/b.json")),
            InputFile("music/c.zip!x/d.json", Path("music/c.zip"), ("x/d.json",)),
        ],
        [],
        [],
        Hidden(files=5, folders=1),
    )
    assert str(found.hidden) == "5 hidden files and 1 hidden folder"


def test_dot_files_with_the_name_of_a_format_are_found() -> None:
    write("player/.scrobbler.log")
    write("player/.scrobbler-timeless.log")
    write("player/._.scrobbler.log")
    write("player/.rockbox/.scrobbler.log")
    write("card.zip", zipped({".scrobbler.log": PLAYS, ".rockbox/config.cfg": b""}))
    found = discover(["player", "card.zip"])
    assert paths(found) == ["card.zip!.scrobbler.log", "player/.scrobbler-timeless.log", "player/.scrobbler.log"]
    assert found.hidden == Hidden(files=2, folders=1)


@pytest.mark.parametrize("path", ["nowhere.json", "a.json/below", "dangling"])
def test_path_that_does_not_exist(path: str) -> None:
    write("a.json")
    Path("dangling").symlink_to("nothing")
    with pytest.raises(InputError, match=path) as error:
        discover(["a.json", path])
    assert error.value.exit_code == ExitCode.INPUT
    assert error.value.hint


def test_a_link_to_a_folder_is_followed_only_if_the_user_names_it() -> None:
    write("elsewhere/a.json")
    Path("music").mkdir()
    Path("music/link").symlink_to("../elsewhere")
    Path("music/loop").symlink_to("../music")
    found = discover(["music"])
    assert found.files == []
    assert set(reasons(found.left_aside)) == {"music/link", "music/loop"}
    assert "name the folder itself" in reasons(found.left_aside)["music/link"]
    assert paths(discover(["music/link"])) == ["music/link/a.json"]


def test_broken_links_and_loops() -> None:
    write("music/a.json")
    Path("music/dangling").symlink_to("nothing")
    Path("music/x").symlink_to("y")
    Path("music/y").symlink_to("x")
    found = discover(["music"])
    assert paths(found) == ["music/a.json"]
    assert set(reasons(found.left_aside)) == {"music/dangling", "music/x", "music/y"}
    assert found.refused == []


def test_pipes_sockets_and_devices_are_never_opened() -> None:
    Path("music").mkdir()
    os.mkfifo("music/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("music/socket")
        found = discover(["music", "/dev/null", "music/pipe"])
    assert found.files == []
    assert reasons(found.left_aside) == dict.fromkeys(["music/pipe", "music/socket"], "it is not a regular file")
    assert reasons(found.refused) == dict.fromkeys(["/dev/null", "music/pipe"], "it is not a regular file")


def test_files_that_may_not_be_opened_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("music/a.json", "music/locked.json", "music/shut/b.json"):
        write(name)
    opened, scanned = Path.open, os.scandir

    def forbid(path: Path, *args: object, **kwargs: object) -> object:
        if path.name in {"locked.json", "shut"}:
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs) if path.suffix else scanned(path)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", forbid)
    monkeypatch.setattr(os, "scandir", forbid)
    found = discover(["music"])
    assert paths(found) == ["music/a.json"]
    assert reasons(found.refused) == {
        "music/locked.json": "cannot be read: Permission denied",
        "music/shut": "cannot be listed: Permission denied",
    }


def test_private_files_are_never_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["Userdata.json", "Payments.json", "playlist1.json", "StreamingHistory_music_0.json"]
    for name in names:
        write(f"account/{name}")
    write("account.zip", zipped({f"Spotify Account Data/{name}": PLAYS for name in names}))
    asked: list[str] = []
    opened, member = Path.open, zipfile.ZipFile.open
    monkeypatch.setattr(Path, "open", lambda path, *a: asked.append(path.name) or opened(path, *a))  # type: ignore[func-returns-value]
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda z, name, *a: asked.append(name) or member(z, name, *a))  # type: ignore[func-returns-value]
    found = discover(["account", "account.zip"])
    for file in found.files:
        file.peek()
        file.read()
    assert {Path(name).name for name in asked} == {"StreamingHistory_music_0.json", "account.zip"}
    assert paths(found) == [
        "account.zip!Spotify Account Data/StreamingHistory_music_0.json",
        "account/StreamingHistory_music_0.json",
    ]
    assert len(found.left_aside) == 6
    assert set(reasons(found.left_aside).values()) == {"private data of Spotify: not opened"}


def test_download_without_a_streaming_history() -> None:
    write("music/account/Userdata.json")
    write("music/account/notes.json")
    write("technical.zip", zipped({"Spotify Technical Log Information/Added.json": b"[]"}))
    found = discover(["music", "technical.zip"])
    assert paths(found) == ["music/account/notes.json"]
    ignored = reasons(found.left_aside)
    assert set(ignored) == {
        "music/account",
        "music/account/Userdata.json",
        "technical.zip",
        "technical.zip!Spotify Technical Log Information/Added.json",
    }
    assert ignored["music/account"] == ignored["technical.zip"]
    assert "Request the extended streaming history" in ignored["technical.zip"]
    assert set(reasons(discover(["music/account/Userdata.json"]).left_aside)) == {"music/account/Userdata.json"}


def test_download_with_podcasts_only() -> None:
    write("account/Userdata.json")
    write("account/StreamingHistory_podcast_0.json")
    assert "Request the extended streaming history" in reasons(discover(["account"]).left_aside)["account"]


def test_members_that_lead_out_of_their_zip_are_refused() -> None:
    names = ["../up.json", "a/../../up.json", "/etc/passwd.json", "C:/x.json", "a\\..\\up.json", "\\x.json"]
    write("a.zip", zipped({**dict.fromkeys(names, PLAYS), "MyData\\fine.json": PLAYS, "./dot.json": b"[]"}))
    found = discover(["a.zip"])
    assert paths(found) == ["a.zip!./dot.json", "a.zip!MyData\\fine.json"]
    assert [file.name for file in found.files] == ["dot.json", "fine.json"]
    assert [file.read() for file in found.files] == [b"[]", PLAYS]
    assert reasons(found.refused) == {f"a.zip!{name}": "its name leads out of the archive" for name in names}


def test_encrypted_members_are_refused_and_their_neighbours_read() -> None:
    data = bytearray(zipped({"a.json": PLAYS, "b.json": PLAYS}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags] |= 1
    write("a.zip", bytes(data))
    found = discover(["a.zip"])
    assert paths(found) == ["a.zip!b.json"]
    assert "encrypted" in reasons(found.refused)["a.zip!a.json"]


def test_a_bomb_is_refused_by_its_directory_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "BOMB_BYTES", 100_000)
    monkeypatch.setattr(containers, "MAX_BYTES", 10_000_000)
    big = PLAYS * 20_000
    write(
        "a.zip",
        zipped({"bomb.json": big, "small.json": PLAYS * 100, "bomb.zip": zipped({"x": big}, zipfile.ZIP_STORED)}),
    )
    write("b.zip", zipped({"fine.json": big, "huge.json": b" " * 10_000_001}, zipfile.ZIP_STORED))
    found = discover(["a.zip", "b.zip"])
    assert paths(found) == ["a.zip!small.json", "b.zip!fine.json"]
    refused = reasons(found.refused)
    assert "which no export does" in refused["a.zip!bomb.json"]
    assert "which no export does" in refused["a.zip!bomb.zip"]
    assert "is larger than" in refused["b.zip!huge.json"]


def test_a_zip_with_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_MEMBERS", 2)
    write("a.zip", zipped(dict.fromkeys(["a", "b", "c"], b"")))
    assert reasons(discover(["a.zip"]).refused) == {"a.zip": "it holds more than 2 files"}


def test_duplicate_name_in_a_zip() -> None:
    data = zipped({"a.json": PLAYS, "b.json": b"[]"}).replace(b"b.json", b"a.json")
    write("a.zip", data)
    found = discover(["a.zip"])
    assert paths(found) == ["a.zip!a.json"]
    assert "same name" in reasons(found.refused)["a.zip!a.json"]


@pytest.mark.parametrize("length", [0, 3, 50, 130])
def test_a_zip_that_was_cut_off_is_refused(length: int) -> None:
    write("a.zip", zipped({"a.json": PLAYS})[:length])
    found = discover(["a.zip"])
    assert found.files == []
    assert "download it again" in reasons(found.refused)["a.zip"]


def test_a_damaged_member_is_a_broken_file_that_is_named() -> None:
    data = zipped({"a.json": PLAYS}, zipfile.ZIP_STORED).replace(b"2020", b"2021")
    write("a.zip", zipped({"inner.zip": data}))
    (file,) = discover(["a.zip"]).files
    with pytest.raises(BrokenFileError, match=r"a\.zip!inner\.zip!a\.json is damaged") as error:
        file.read()
    assert error.value.hint


def test_a_file_that_vanished_is_a_broken_file_that_is_named() -> None:
    write("a.json")
    (file,) = discover(["a.json"]).files
    Path("a.json").unlink()
    for read in (file.peek, file.read):
        with pytest.raises(BrokenFileError, match=r"a\.json cannot be read: No such file"):
            read()


def test_a_zip_that_changed_is_read_again() -> None:
    for data in (b"[1]", b"[2, 3]"):
        write("a.zip", zipped({"a.json": data}))
        (file,) = discover(["a.zip"]).files
        assert file.read() == data


def test_a_zip_is_known_by_its_content_where_it_has_no_ending() -> None:
    write("download", zipped({"a.json": PLAYS}))
    write("music/download", zipped({"a.json": PLAYS}))
    write("music/book.docx", zipped({"word.xml": b""}))
    assert paths(discover(["download", "music"])) == ["download!a.json", "music/book.docx", "music/download!a.json"]


def test_a_name_that_is_not_utf8_can_be_shown_and_read() -> None:
    path = os.fsdecode(b"music/caf\xe9.json")
    write(path)
    (file,) = discover(["music"]).files
    assert file.path == "music/caf\\xe9.json"
    assert file.read() == PLAYS


def test_nothing_is_written_or_changed() -> None:
    source = write("music/a.zip", zipped({"b.zip": zipped({"c.json": PLAYS})}))
    before = (source.read_bytes(), stat.S_IMODE(source.stat().st_mode), source.stat().st_mtime_ns)
    for file in discover(["music"]).files:
        file.read()
    assert (source.read_bytes(), stat.S_IMODE(source.stat().st_mode), source.stat().st_mtime_ns) == before
    assert [path.name for path in Path().rglob("*")] == ["music", "a.zip"]
