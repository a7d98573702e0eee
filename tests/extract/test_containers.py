"""Files in gzip, tar and zip archives, and in archives inside archives, are read in place, within limits."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from etl.core.errors import BrokenFileError
from etl.extract import containers
from etl.extract.archive import list_members
from etl.extract.discover import Discovered, discover
from etl.formats import Refusal, recognise
from tests.helpers.archives import zipped

PLAYS = b'[{"ts":"2020-01-01T00:00:00Z","ms_played":1}]'


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def tarred(members: dict[str, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def contents(found: Discovered) -> dict[str, bytes]:
    return {file.path: file.read() for file in found.files}


def refused(found: Discovered) -> dict[str, str]:
    return {item.path: item.reason for item in found.refused}


def test_a_gzip_file_contains_one_with_the_name_that_gunzip_gives() -> None:
    Path("a.jsonl.gz").write_bytes(gzip.compress(PLAYS))
    Path("b.json").write_bytes(gzip.compress(PLAYS))
    Path("c.json.GZ").write_bytes(gzip.compress(PLAYS) + gzip.compress(b"more") + bytes(512))
    found = discover(["."])
    assert contents(found) == {
        "a.jsonl.gz!a.jsonl": PLAYS,
        "b.json!b.json": PLAYS,
        "c.json.GZ!c.json": PLAYS + b"more",
    }
    assert [file.name for file in found.files] == ["a.jsonl", "b.json", "c.json"]
    assert found.files[0].size == len(PLAYS)
    assert found.refused == []


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("a", "w:gz")])
def test_members_of_a_tar_are_read_whatever_its_form(name: str, mode: str, form: int) -> None:
    long = "/".join(["folder with a name"] * 7) + "/ä.json"
    members = {"listens/2024/3.jsonl": PLAYS * 9, "./b.json": b"[]", long: PLAYS}
    Path(name).write_bytes(tarred(members, mode, form))
    found = discover([name])
    assert contents(found) == {f"{name}!{member}": data for member, data in members.items()}
    assert {file.path: file.size for file in found.files} == {f"{name}!{m}": len(d) for m, d in members.items()}


def test_a_tar_without_magic_is_known_by_its_name() -> None:
    data = bytearray(tarred({"a.json": PLAYS}, form=tarfile.USTAR_FORMAT))
    data[257:265] = bytes(8)
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    Path("old.tar").write_bytes(data)
    assert contents(discover(["old.tar"])) == {"old.tar!a.json": PLAYS}


def test_archives_in_archives_are_read_whatever_their_kinds() -> None:
    inner = {"a.json": PLAYS}
    Path("a.zip").write_bytes(
        zipped(
            {
                "deflated.zip": zipped(inner),
                "b.jsonl.gz": gzip.compress(PLAYS),
                "c.tar.gz": tarred(inner, "w:gz"),
                "d.tar": tarred({"e.zip": zipped(inner)}),
                "plain.gz": PLAYS,
            }
        )
    )
    Path("b.tgz").write_bytes(tarred({"stored.zip": zipped(inner, zipfile.ZIP_STORED), "x.gz": gzip.compress(PLAYS)}))
    Path("c.zip").write_bytes(zipped({"stored.zip": zipped(inner)}, zipfile.ZIP_STORED))
    Path("d.zip.gz").write_bytes(gzip.compress(zipped(inner)))
    found = discover(["."])
    assert contents(found) == dict.fromkeys(
        [
            "a.zip!b.jsonl.gz!b.jsonl",
            "a.zip!c.tar.gz!a.json",
            "a.zip!d.tar!e.zip!a.json",
            "a.zip!deflated.zip!a.json",
            "a.zip!plain.gz",
            "b.tgz!stored.zip!a.json",
            "b.tgz!x.gz!x",
            "c.zip!stored.zip!a.json",
            "d.zip.gz!d.zip!a.json",
        ],
        PLAYS,
    )
    assert found.refused == []


def test_an_archive_packed_by_another_method_inside_a_zip_is_refused() -> None:
    Path("a.zip").write_bytes(zipped({"b.zip": zipped({"a.json": PLAYS})}, zipfile.ZIP_BZIP2))
    assert refused(discover(["."])) == {
        "a.zip!b.zip": "it is an archive compressed with bzip2 inside another archive: unpack it first"
    }


def test_links_in_a_tar_are_left_alone() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo(f"kind {kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    Path("a.tar").write_bytes(buffer.getvalue())
    found = discover(["a.tar"])
    assert (found.files, found.refused) == ([], [])
    assert {item.path: item.reason for item in found.left_aside} == dict.fromkeys(
        ["a.tar!kind 1", "a.tar!kind 2", "a.tar!kind 6"], "it is not a regular file"
    )


def test_members_of_a_tar_that_lead_out_of_it_are_refused() -> None:
    names = ["../up.json", "/etc/passwd.json", "C:/x.json"]
    Path("a.tar").write_bytes(tarred({**dict.fromkeys(names, PLAYS), "fine.json": b"[]"}))
    found = discover(["a.tar"])
    assert contents(found) == {"a.tar!fine.json": b"[]"}
    assert set(refused(found).values()) == {"its name leads out of the archive"}
    assert len(refused(found)) == 3


def test_a_member_without_a_name_is_refused() -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        nameless = zipfile.ZipInfo("x")
        archive.writestr(nameless, PLAYS)
        archive.writestr("fine.json", b"[]")
        nameless.filename = ""
    Path("b.tar").write_bytes(tarred({"": PLAYS, "fine.json": b"[]"}))
    found = discover(["."])
    assert contents(found) == {"a.zip!fine.json": b"[]", "b.tar!fine.json": b"[]"}
    assert refused(found) == {"a.zip!": "it has no name", "b.tar!": "it has no name"}


@pytest.mark.parametrize(
    ("method", "name"), [(9, "Deflate64"), (98, "PPMd"), (93, "Zstandard"), (95, "XZ"), (97, "method 97")]
)
def test_archives_that_python_cannot_unpack_are_refused_with_advice(method: int, name: str) -> None:
    data = bytearray(zipped({"a.json": PLAYS, "b.json": b"[]"}))
    for header, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(header) + place] = method
    Path("a.zip").write_bytes(data)
    found = discover(["a.zip"])
    assert contents(found) == {"a.zip!b.json": b"[]"}
    reason = f"it is compressed with {name}, which this program cannot read: unzip it and give the folder"
    assert refused(found) == {"a.zip!a.json": reason}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_that_python_knows_is_read(method: int) -> None:
    Path("a.zip").write_bytes(zipped({"a.json": PLAYS * 1000}, method))
    assert contents(discover(["a.zip"])) == {"a.zip!a.json": PLAYS * 1000}


@pytest.mark.parametrize("cut", [4, 12, 40])
def test_a_gzip_file_that_was_cut_off_is_refused(cut: int) -> None:
    Path("a.json.gz").write_bytes(gzip.compress(random.Random(1).randbytes(5_000))[:-cut])
    Path("short.json.gz").write_bytes(gzip.compress(PLAYS)[:-cut])
    found = discover(["."])
    assert "ends too early. It may have been cut off: download it again" in refused(found)["short.json.gz"]
    (file,) = found.files
    with pytest.raises(BrokenFileError, match=r"a\.json\.gz!a\.json is damaged.* ends too early"):
        file.read()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_that_was_cut_off_is_refused(mode: str) -> None:
    data = tarred({"a.json": PLAYS, "b.json": bytes(range(256)) * 4000}, mode)
    Path("a.tar").write_bytes(data[: len(data) // 2])
    found = discover(["a.tar"])
    assert found.files == []
    assert "download it again" in refused(found)["a.tar"]


def test_a_damaged_gzip_file_is_refused_by_its_checksum() -> None:
    plays = gzip.compress(random.Random(1).randbytes(5_000))
    for name, data in (("a.json.gz", plays), ("b.tar.gz", tarred({"a.json": PLAYS}, "w:gz"))):
        changed = bytearray(data)
        changed[-8] ^= 1
        Path(name).write_bytes(changed)
    found = discover(["."])
    assert "download it again" in refused(found)["b.tar.gz"]
    (file,) = found.files
    with pytest.raises(BrokenFileError, match="incorrect data check"):
        file.read()


def test_a_gzip_bomb_is_not_inflated_beyond_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "BOMB_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(20_000_000))
    Path("a.json.gz").write_bytes(bomb)
    Path("b.tar.gz").write_bytes(gzip.compress(tarred({"x": bytes(20_000_000)})))
    lying = bomb[:-4] + (100).to_bytes(4, "little")
    Path("c.zip").write_bytes(zipped({"d.json.gz": lying, "e.gz.gz": gzip.compress(lying), "f.json": PLAYS}))
    found = discover(["."])
    assert sorted(refused(found)) == ["b.tar.gz", "c.zip!d.json.gz", "c.zip!e.gz.gz!e.gz"]
    assert all("grows beyond" in reason for reason in refused(found).values())
    assert [file.path for file in found.files] == ["a.json.gz!a.json", "c.zip!f.json"]
    with pytest.raises(BrokenFileError, match="grows beyond"):
        found.files[0].read()


def test_nested_gzip_files_share_the_room_of_their_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "BOMB_BYTES", 1_000_000)
    member = gzip.compress(bytes(400_000))
    Path("a.zip").write_bytes(zipped({f"{number}.json.gz": member for number in range(9)}))
    found = discover(["a.zip"])
    assert [file.size for file in found.files] == [400_000] * 2
    assert set(refused(found).values()) == {"makes its archive unpack to a size that no export has"}
    assert len(refused(found)) == 7


def test_a_tar_with_a_header_that_fills_the_memory_is_refused() -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 32
    Path("a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))
    assert "a header takes" in refused(discover(["a.tar"]))["a.tar"]


def test_a_tar_with_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_MEMBERS", 2)
    Path("a.tar").write_bytes(tarred(dict.fromkeys("abc", b"")))
    assert refused(discover(["a.tar"])) == {"a.tar": "it holds more than 2 files"}


def test_a_backup_is_recognised_and_not_opened() -> None:
    Path("maloja_backup_2024_01_01.tar.gz").write_bytes(tarred({"malojadb.sqlite": b"x"}, "w:gz"))
    Path("all.zip").write_bytes(zipped({"maloja_backup_2024_01_01.tar.gz": tarred({"x": b""}, "w:gz")}))
    assert [file.path for file in discover(["."]).files] == [
        "all.zip!maloja_backup_2024_01_01.tar.gz",
        "maloja_backup_2024_01_01.tar.gz",
    ]


@pytest.mark.parametrize("name", ["takeout.zip", "takeout.tar", "takeout.tgz"])
def test_a_web_page_called_an_archive_is_recognised(name: str) -> None:
    Path(name).write_bytes(b"<!doctype html><title>Sign in</title>")
    Path("all.zip").write_bytes(zipped({name: b"<!doctype html><title>Sign in</title>"}))
    kinds = [recognise(file.peek()) for file in discover(["."]).files]
    assert [kind.name for kind in kinds if kind] == ["web-page-under-another-name"] * 2


def test_a_gzip_file_with_another_name_inside_a_zip_is_recognised() -> None:
    Path("a.zip").write_bytes(zipped({"StreamingHistory0.json": gzip.compress(PLAYS)}))
    (file,) = discover(["a.zip"]).files
    kind = recognise(file.peek())
    assert isinstance(kind, Refusal)
    assert kind.reason(file.peek()) == "Archive that is not opened (gzip). Unpack it first, and give the folder"


def test_an_unreadable_archive_on_disk_is_named_by_its_error() -> None:
    Path("a.zip").write_bytes(bz2.compress(PLAYS))
    with pytest.raises(BrokenFileError, match="is not an archive that can be read"):
        list_members(Path("a.zip"), ())


WITHOUT_FILES = {
    "empty.zip": zipped({}),
    "folders.zip": zipped({"a/": b"", "a/b/": b""}),
    "empty.tar": tarred({}),
    "empty.tgz": gzip.compress(tarred({})),
    "empty.TAR.GZ": gzip.compress(tarred({})),
}


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_archive_without_files_is_listed_as_that(name: str) -> None:
    Path(name).write_bytes(WITHOUT_FILES[name])
    found = discover(["."])
    assert [(item.path, item.reason) for item in found.left_aside] == [(name, "it is an archive without files")]
    assert (found.files, found.refused) == ([], [])
