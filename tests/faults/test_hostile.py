"""Hostile input as people may be sent it: bombs, names that lead out or act on a terminal, keys beyond an index."""

from __future__ import annotations

import json
import random
import stat
import unicodedata
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from etl.cli import build_app
from etl.core.errors import ExitCode
from etl.extract import containers
from etl.extract.discover import discover
from tests.faults.scarcity import run_etl
from tests.helpers.archives import zipped
from tests.helpers.disturbances import inserted
from tests.helpers.support import content, counts, load, query, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

pytestmark = pytest.mark.faults

SCROBBLES = json.dumps({"scrobbles": [scrobble(1, ["Ann"], "Song")]}).encode()


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


# --- zips ------------------------------------------------------------------------------------------------------


def test_a_bomb_of_many_small_files_or_of_zips_in_zips_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "BOMB_BYTES", 1_000_000)
    blank = SCROBBLES + b" " * 500_000
    many = zipped({f"{number}.json": blank for number in range(9)})
    nested = zipped({f"{number}.zip": zipped({f"{place}.json": blank for place in range(9)}) for number in range(9)})
    for name, data in (("many", many), ("nested", nested)):
        (tmp_path / f"{name}.zip").write_bytes(data)
        found = discover([tmp_path / f"{name}.zip"])
        read = sum(len(file.read()) for file in found.files)
        assert 0 < read <= max(1_000_000, 200 * len(data))
        assert {one.reason for one in found.refused} == {"makes its archive unpack to a size that no export has"}


def test_a_zip_that_lies_about_a_size_is_refused_after_what_it_admits(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.json": SCROBBLES + b" " * 10_000_000}))
    for header, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(header) + place
        data[at : at + 4] = (100).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(data)
    done = run_etl("check", tmp_path / "a.zip", "--json")
    assert done.code == ExitCode.INPUT
    assert [file["status"] for file in done.json["files"]] == ["refused"]


def test_archive_members_that_lead_out_are_refused_and_leave_no_trace(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    link = zipfile.ZipInfo("link.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    outside = [
        "../scrobbles.json",
        "../../up.json",
        str(tmp_path / "absolute.json"),
        "x/../../y.json",
        "C:\\scrobbles.json",
        "..\\z.json",
    ]
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        for name in (*outside, "sound/scrobbles.json"):
            archive.writestr(name, SCROBBLES)
        archive.writestr(link, "/etc/passwd")
        archive.writestr("locked.json", SCROBBLES)
    data = bytearray((folder / "export.zip").read_bytes())
    entry = data.rindex(b"PK\x01\x02")  # the last one's
    data[entry + 8] |= 1
    (folder / "export.zip").write_bytes(data)
    before = sorted(tmp_path.rglob("*"))

    done = run_etl("check", folder, "--json")

    assert sorted(tmp_path.rglob("*")) == before
    assert done.code == ExitCode.INPUT
    assert done.json["counts"]["listens"] == 1
    statuses = {file["path"].partition("!")[2]: (file["status"], file["reason"]) for file in done.json["files"]}
    assert {name for name, (status, _) in statuses.items() if status == "loaded"} == {"sound/scrobbles.json"}
    assert statuses["link.json"][0] == "left_aside"
    advice = "unzip it with its password first, and give the folder"
    assert statuses["locked.json"] == ("refused", f"it is encrypted: {advice}")
    assert "root:" not in done.out


# --- names -----------------------------------------------------------------------------------------------------

NAMES = {
    "terminal": "\x1b]0;owned\x07\x1b[31m\u202e\x9b2J\u2066\u200f\U000e0041\x7f",
    "markup": "[red]X[/red] [link=https://example.org]y[/link] [bold]",
    "sql": "'; DROP TABLE listens; -- \" $1 %s \\N {0}",
    "html": "<script>alert(1)</script>&lt;img src=x onerror=alert(1)>",
    "shell": "`id` $(id) ; id | id > /tmp/x ${HOME}",
    "formula": '=cmd|"/C calc"!A0',
    "path": "../../../etc/passwd",
}
ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose files, titles and broken rows are all called by hostile names."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = []
    for number, name in enumerate(NAMES.values()):
        rows.append(scrobble(number, [f"Artist {name}"], f"Title {name}", f"Album {name}"))
        broken: dict[str, Any] = scrobble(number, [f"Artist {name}"], f"Title {name}")
        rows.append({**broken, "time": f"Time {name}"})
    for place, name in enumerate(NAMES.values()):
        write_maloja(folder / f"{name.replace('/', '_')}.json", rows if place else rows[:2])
    (folder / f"{NAMES['terminal']}\n.txt").write_text("no export")
    return folder


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(build_app(), [str(word) for word in words], catch_exceptions=False)


def test_hostile_names_are_inert_in_every_output_and_stored_as_they_are(
    hostile: Path, home: Path, database: str
) -> None:
    ran = invoke("run", hostile, "--dsn", database, "--home", home, "--max-rejects", "99")
    assert ran.exit_code == ExitCode.OK
    files = json.loads(invoke("runs", "show", "--json", "--home", home).stdout)["files"]
    full = next(file["path"] for file in files if file["counts"]["records"] > 2)
    with_names: list[list[str | Path]] = [  # rows 3 and 4 have markup in them, one of them is rejected
        ["explain", "latest", f"{full}:3"],
        ["explain", "latest", f"{full}:4"],
        ["rejects", "list"],
        ["inspect", "latest", "--sql", "FROM listens"],
        ["inspect", "latest", "--sql", "FROM rejects"],
        ["inspect", "latest", "--sql", "FROM keys"],
    ]
    others: list[list[str | Path]] = [
        ["runs", "list"],
        ["runs", "show"],
        ["inspect", "latest"],
        ["inspect", "--dsn", database],
        ["inspect", "--sql", "FROM listens", "--dsn", database],
        ["report", "--dsn", database],
        ["inspect", "latest", "--sql", "top_tracks"],
        ["inspect", "latest", "--sql", "FROM outcome"],
        ["run", hostile, "--force", "--dry-run", "--dsn", database, "--max-rejects", "99"],
    ]
    shown = [ran, invoke("check", hostile), invoke("check", hostile, "--json")]
    for command in (*with_names, *others):
        table, values = invoke(*command, "--home", home), invoke(*command, "--home", home, "--json")
        json.loads(values.stdout)
        assert command not in with_names or all("[red]X[" in done.stdout for done in (table, values)), command
        shown += [table, values]
    reported = "".join(done.stdout + done.stderr for done in shown)
    assert {char for char in reported if char != "\n" and unicodedata.category(char) in ACTIVE} == set()
    listens = json.loads(invoke("inspect", "latest", "--sql", "FROM listens", "--json", "--home", home).stdout)
    assert {row["track"] for row in listens} >= {f"Title {NAMES[kind]}" for kind in ("markup", "sql", "html", "shell")}
    stored = {title for (title,) in query(database, "SELECT title FROM tracks_with_title")}
    assert stored >= {f"Title {name}" for kind, name in NAMES.items() if kind != "terminal"}
    assert inserted(database) == len(NAMES)


def test_options_with_hostile_words_change_no_statement(hostile: Path, home: Path, database: str) -> None:
    for words in (["--user", "admin' OR 1=1 --"], ["--user", "1; DROP TABLE listens"], ["--since", "'; --"]):
        done = run_etl("run", hostile, "--dsn", database, *words, home=home)
        assert done.code == ExitCode.USAGE
        assert words[1] in done.err
    assert query(database, "SELECT count(*)::int FROM listens") == [(0,)]


# --- keys ------------------------------------------------------------------------------------------------------


def incompressible(size: int, seed: int, alphabet: str = "abcdefghijklmnopqrstuvwxyz0123456789") -> str:
    """Return a text that PostgreSQL cannot make smaller for its index."""
    chosen = random.Random(seed)
    text = ""
    while len(text.encode()) < size:
        text += chosen.choice(alphabet)
    return text[: len(text) - (len(text.encode()) > size)]


def test_names_that_fit_an_index_are_loaded_and_longer_ones_rejected(tmp_path: Path, home: Path, database: str) -> None:
    wide = "".join(map(chr, range(0x4E00, 0x9000)))
    rows = [
        scrobble(1, [incompressible(2_000, 1)], incompressible(2_000, 2), incompressible(2_000, 3)),
        scrobble(2, [incompressible(1_998, 4, wide)], incompressible(1_998, 5, wide), incompressible(1_998, 6, wide)),
        scrobble(3, [incompressible(2_000, seed) for seed in range(10, 30)], "Many long names", "Album"),
        scrobble(4, [incompressible(2_001, 7)], "Too long"),
        scrobble(5, ["Ann"], incompressible(2_001, 8)),
        scrobble(6, ["Ann"], "Fine", incompressible(2_001, 9)),
        scrobble(7, ["Ann"], "x" * 1_000_000),
        scrobble(8, ["Ann"], "Fine", "Fine"),
    ]
    export = write_maloja(tmp_path / "maloja_long.json", rows)
    found = load(home, database, export)
    assert (found["exit_code"], found["imbalances"]) == (ExitCode.REJECTS, [])
    assert found["rejected_by_reason"] == {"name_too_long": 4}
    assert (found["counts"]["inserted"], found["counts"]["failed"]) == (4, 0)
    assert counts(database)["track_lookup"] == 4
    before = content(database)
    again = load(home, database, export, force=True)
    assert (again["counts"]["inserted"], again["counts"]["cache_hits"]) == (0, 4)
    assert content(database) == before
