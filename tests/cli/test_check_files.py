"""`etl check` shows what every file is; files that are harmless next to good ones are not errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import etl, on_terminal
from tests.formats.test_other_files import FILES, LAST_FM_ERROR, SERVICES

if TYPE_CHECKING:
    from pathlib import Path

PLAYS = b"uts,artist,track\n1700000000,Ann,Song\n"


def test_harmless_files_next_to_good_ones_do_not_change_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_bytes(PLAYS)
    for number, data in enumerate(one for many in SERVICES.values() for one in many):
        (tmp_path / f"other {number}").write_bytes(data)
    for number, data in enumerate((*FILES["media"], *FILES["archive"][:-1], *FILES["database"])):
        (tmp_path / f"file {number}").write_bytes(data)
    (tmp_path / "a.html").write_bytes(b"<html>")
    done = etl("check", tmp_path, "--json")
    assert done.code == 0
    statuses = {file["path"].rpartition("/")[2]: (file["status"], file["title"]) for file in done.json["files"]}
    assert statuses.pop("plays.csv") == ("loaded", "Last.fm table with a header (CSV or TSV)")
    assert {status for status, _ in statuses.values()} == {"left_aside"}
    assert None not in {title for _, title in statuses.values()}
    assert statuses["a.html"][1] == "Web page (HTML)"


def test_an_error_response_or_a_login_page_instead_of_data_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_bytes(PLAYS)
    (tmp_path / "page2.json").write_bytes(LAST_FM_ERROR)
    (tmp_path / "more.csv").write_bytes(b"<html>Log in</html>")
    done = etl("check", tmp_path)
    assert done.code == 4
    assert "Error response from an API (error 8: Operation failed). It was saved instead of the data" in done.err
    assert "An error page or a login page was saved instead of the data" in done.err


def test_check_names_what_each_file_is_in_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_bytes(PLAYS)
    (tmp_path / "streaming.csv").write_bytes(SERVICES["tidal-streaming"][0])
    (tmp_path / "notes.txt").write_bytes(b"words")
    (tmp_path / "a.7z").write_bytes(FILES["archive"][0])
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / ".secret").write_bytes(b"")
    done = etl("check", tmp_path)
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in done.out.splitlines()}
    assert lines["plays.csv"] == "plays.csv lastfm-csv 1 1"
    assert lines["streaming.csv"] == "streaming.csv ignored: Tidal streaming history 0 0"
    assert lines["notes.txt"] == "notes.txt ignored 0 0"
    assert lines["nothing"] == "nothing ignored 0 0"
    assert lines["a.7z"] == "a.7z ignored: Archive that is not opened 0 0"
    assert lines["and 1 hidden file: not read"]
    assert f"ignored: {tmp_path}/nothing: is empty" in done.err


def test_long_paths_leave_room_for_what_each_file_is(tmp_path: Path) -> None:
    deep = tmp_path / ("a folder with a long name " * 3) / ("and another one " * 3)
    deep.mkdir(parents=True)
    (deep / "plays.csv").write_bytes(PLAYS)
    (tmp_path / "daily.csv").write_bytes(b"Date Played,Track Description\n20240101,A - B\n")
    lines = on_terminal(80, "check", str(tmp_path), home=tmp_path / "home")
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []  # a path alone may run over
    assert any(line.startswith("file  ") for line in lines)
    assert any("/plays.csv  lastfm-csv " in line for line in lines)
    assert any(line.startswith("daily.csv ") and " ignored: Apple Music " in line for line in lines)
    assert "Play History Daily Tracks" in " ".join(" ".join(lines).split())


def test_many_files_that_are_ignored_are_one_row(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_bytes(PLAYS)
    for number in range(1, 33):
        (tmp_path / f"photo {number}.jpg").write_bytes(b"\xff\xd8\xff")
    done = etl("check", tmp_path)
    lines = done.out.splitlines()
    assert lines[0].startswith("33 files below")
    photos = f"{tmp_path.name}/ 32 ignored: Picture, music, document or program 0 0"
    assert photos in [" ".join(line.split()) for line in lines]
    assert f"ignored: {tmp_path}/photo 1.jpg, {tmp_path}/photo 2.jpg, {tmp_path}/photo 3.jpg and 29 more: " in done.err
    assert all(f"photo {number}.jpg" in etl("check", tmp_path, "-v").err for number in (1, 4, 32))
    assert len(etl("check", tmp_path, "--json").json["files"]) == 33


def test_many_folders_of_ignored_files_are_not_all_shown(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_bytes(PLAYS)
    for number in range(1, 33):
        (tmp_path / f"album {number}").mkdir()
        (tmp_path / f"album {number}" / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    lines = etl("check", tmp_path).out.splitlines()
    assert [line for line in lines if line.startswith("album")][-1].startswith("album 20/cover.jpg ")
    assert "and 12 more files: ignored" in lines
    verbose = etl("check", tmp_path, "-v").out.splitlines()
    assert [line for line in verbose if line.startswith("album")][-1].startswith("album 32/cover.jpg ")
