"""The table of files: a row per folder or archive and format, in the order in which people count."""

from __future__ import annotations

import json
import random
import zipfile
from typing import TYPE_CHECKING

from etl.cli.files_table import natural, place_of
from tests.cli.program import etl
from tests.helpers.support import scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

PLAYS = b"uts,artist,track\n1700000000,Ann,Song\n1700000900,Ann,Other\n"


def table(out: str) -> list[str]:
    """Return the lines of the first table, with single blanks."""
    return [" ".join(line.split()) for line in out.partition("\n\n")[0].splitlines()]


def test_natural_order() -> None:
    names = ["file2", "file10", "file10b", "10", "9", "a/2/x", "a/10/x", "b1", "file", "2³"]
    for seed in range(10):
        mixed = random.Random(seed).sample(names, len(names))
        assert sorted(mixed, key=natural) == sorted(names, key=natural)
    ordered = sorted(names, key=natural)
    assert ordered.index("file2") < ordered.index("file10") < ordered.index("file10b")
    assert ordered.index("9") < ordered.index("10")
    assert ordered.index("a/2/x") < ordered.index("a/10/x")


def test_place_of_a_file_is_its_folder_or_the_outermost_archive() -> None:
    assert [place_of(path) for path in ("a/b.json", "b.json", "a/x.zip!in/b.json", "x.zip!y.zip!b.json")] == [
        "a/",
        "",
        "a/x.zip",
        "x.zip",
    ]


def test_files_of_a_folder_and_members_of_an_archive_are_one_row_each(tmp_path: Path) -> None:
    for number in range(1, 13):
        (tmp_path / f"plays{number}.csv").write_bytes(PLAYS.replace(b"Song", b"Song %d" % number))
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        for number in range(20, 22):
            archive.writestr(f"in/plays{number}.csv", PLAYS.replace(b"Song", b"Song %d" % number))
    write_maloja(tmp_path / "maloja.json", [scrobble(1, ["A"], "T")])
    assert table(etl("check", tmp_path).out) == [
        f"15 files below {tmp_path}/",
        "file files read as records duplicate listens",
        *table(etl("check", tmp_path).out)[2:3],
        "maloja.json 1 maloja-export 1 0 1",
        "more.zip 2 lastfm-csv 4 1 3",
        f"{tmp_path.name}/ 12 lastfm-csv 24 12 12",
        "total 15 29 13 16",
    ]


def test_verbose_shows_every_file_in_natural_order(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"plays{number}.csv").write_bytes(PLAYS.replace(b"Song", b"Song %d" % number))
    lines = table(etl("check", "-v", tmp_path).out)
    assert [line.split()[0] for line in lines[3:]] == ["plays1.csv", "plays2.csv", "plays10.csv", "total"]


def test_known_files_are_one_line(any_database: str, tmp_path: Path) -> None:
    folder, home = tmp_path / "plays", tmp_path / "home"
    folder.mkdir()
    for number in range(3):
        write_maloja(folder / f"{number}.json", [scrobble(100 + number, ["A"], "T")])
    etl("run", folder, "--dsn", any_database, home=home)
    write_maloja(folder / "new.json", [scrobble(1, ["A"], "T")])
    lines = table(etl("run", folder, "--dsn", any_database, home=home).out)
    assert lines[0] == f"4 files below {folder}/"
    assert lines[3:] == ["new.json maloja-export 1 1", "3 files known from earlier loads"]
    verbose = table(etl("run", folder, "--dsn", any_database, "-v", home=home).out)
    assert [line.split()[1] for line in verbose[3:-1]] == ["known:"] * 4


def test_refused_files_are_errors_with_a_row_each(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_bytes(PLAYS)
    (tmp_path / "cut.json").write_text(json.dumps({"scrobbles": []})[:-3])
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 cut off")
    done = etl("check", tmp_path)
    assert done.code == 4
    assert "cut.zip refused 0 0" in table(done.out)
    assert f"etl: error: refused: {tmp_path}/cut.zip: " in done.err


def test_known_files_are_counted_in_the_folder_that_all_share(koito_file: str, tmp_path: Path) -> None:
    old, new, home = tmp_path / "old", tmp_path / "new", tmp_path / "home"
    old.mkdir()
    new.mkdir()
    write_maloja(old / "a.json", [scrobble(1, ["A"], "T")])
    etl("run", old, "--dsn", koito_file, home=home)
    write_maloja(new / "b.json", [scrobble(2, ["A"], "T")])
    lines = table(etl("run", old, new, "--dsn", koito_file, home=home).out)
    assert lines[0] == f"2 files below {tmp_path}/"
    assert lines[3:] == ["new/b.json maloja-export 1 1", "1 file known from earlier loads"]
