"""stdout has data, stderr the log; JSON parses; control characters are sanitized."""

from __future__ import annotations

import json
import os
import subprocess
import unicodedata
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import SAMPLES, SCRIPT, environment, etl, on_terminal, sent_to_terminal
from tests.helpers.support import scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples
    from tests.cli.program import Done

ESCAPES = "\x1b]0;owned\x07\x1b[31m\u202e\x9b2J"
MARKUP = "[red]X[/red] [link=https://example.org]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "data/samples"],
        ["sources"],
        ["inspect"],
        ["inspect", "latest"],
        ["report"],
        ["inspect", "--sql", "FROM listens"],
        ["inspect", "latest", "--sql", "FROM outcome"],
        ["runs", "list"],
        ["runs", "show"],
        ["db", "status"],
        ["db", "url"],
        ["db", "migrate"],
    ],
    ids=" ".join,
)
def test_json_is_all_of_stdout(arguments: list[str], loaded: LoadedSamples) -> None:
    assert_only_json(etl(*arguments, "--json", home=loaded.home, env={"ETL_DSN": loaded.uri}))


def test_json_of_a_dry_run_is_all_of_stdout(any_database: str, tmp_path: Path) -> None:
    assert_only_json(etl("run", "data/samples", "--dry-run", "--json", "--dsn", any_database, home=tmp_path))


def assert_only_json(done: Done) -> None:
    assert done.code == 0, done.err
    assert done.json
    assert all(line.startswith("etl: ") for line in done.err.splitlines())


def test_run_summary_has_counts_place_and_next_commands(loaded: LoadedSamples) -> None:
    out, err = loaded.done.out, loaded.done.err
    counts, created = loaded.manifest["counts"], loaded.manifest["created"]
    assert loaded.done.code == 0
    reported = [line.removeprefix("etl: ") for line in err.splitlines()]
    assert f"run {loaded.manifest['run_id']}" in reported
    assert [line for line in reported if line.startswith("Spotify account data gives the minute")]
    doubles = loaded.manifest["skipped_by_reason"]["likely_double"]
    left_out = f"likely doubles, skipped because another service recorded the same play: {doubles}; --doubles keep"
    assert [line for line in reported if line.startswith(left_out)]
    assert [line for line in reported if line.startswith("Times without a zone count as UTC: ")]
    assert [line for line in reported if line.startswith("YouTube watch history (Google Takeout) has no albums")]
    assert len([line for line in reported if "only completes the export in the same folder" in line]) == 2
    assert len(reported) == 8
    assert f"complete: {counts['inserted']} listens inserted\n" in out
    assert f"new:  {created['artists']} artists, {created['albums']} albums, {created['tracks']} tracks\n" in out
    assert f"run:      {loaded.manifest['run_dir']}\n" in out
    rows = [line.split() for line in out.splitlines()]
    for reason, count in loaded.manifest["skipped_by_reason"].items():
        assert [reason, str(count)] in rows
    suggested = [line.split() for line in out.splitlines() if " inspect " in line]
    assert [etl(*words[2:], home=loaded.home).code for words in suggested] == [0]


def test_second_run_says_nothing_new(any_database: str, tmp_path: Path) -> None:
    exports = [write_maloja(tmp_path / f"{name}.json", [scrobble(1, [name], "T")]) for name in ("a", "b")]
    _, done = [etl("run", *exports, "--dsn", any_database, home=tmp_path) for _ in range(2)]
    assert "complete: nothing new, all 2 files were loaded before (--force loads them again)" in done.out


def test_dry_run_says_nothing_was_written(database: str, tmp_path: Path) -> None:
    path = write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T")])
    done = etl("run", path, "--dry-run", "--dsn", database, home=tmp_path)
    assert "dry run: 1 listen would be inserted; nothing was written to the database" in done.out


def test_check_counts_equal_those_of_a_run(loaded: LoadedSamples) -> None:
    checked = etl("check", SAMPLES, "--json").json
    manifest = loaded.manifest
    for name in ("records", "skipped", "rejected"):
        assert checked["counts"][name] == manifest["counts"][name]
    assert checked["counts"]["keys"] >= manifest["counts"]["keys"]  # not those of listens that two services have
    assert checked["counts"]["listens"] == manifest["counts"]["inserted"]
    assert checked["counts"]["duplicate_in_input"] == manifest["counts"]["duplicate_in_input"]
    assert checked["skipped_by_reason"] == manifest["skipped_by_reason"]
    assert checked["rejected_by_reason"] == manifest["rejected_by_reason"]
    for one, other in zip(checked["files"], manifest["files"], strict=True):
        assert [one[name] for name in ("path", "sha256", "format", "status")] == [
            other[name] for name in ("path", "sha256", "format", "status")
        ]
        for name in ("records", "skipped", "rejected"):
            assert one["counts"][name] == other["counts"][name]


def test_names_are_sanitized_and_markup_is_text(database: str, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    rows = [scrobble(1, [f"{ESCAPES}A {MARKUP}"], f"\u202eT {MARKUP}", f"\u2066{MARKUP}"), scrobble(2, [""], ESCAPES)]
    write_maloja(folder / f"{ESCAPES}{MARKUP.replace('/', '')}.json", rows)
    (folder / f"{ESCAPES}\n.txt").write_text("no export")
    queries = ("top_tracks", "FROM listens", "FROM rejects", f"SELECT '{ESCAPES}")
    runs = [
        etl("check", folder),
        etl("run", folder, "--dsn", database, "--max-rejects", "1", home=tmp_path),
        etl("runs", "show", home=tmp_path),
        *(etl("inspect", "latest", "--sql", query, home=tmp_path) for query in queries),
    ]
    assert [done.code for done in runs] == [5, 0, 0, 0, 0, 0, 2]
    active = {
        char
        for done in runs
        for char in done.out + done.err
        if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }
    assert active == set()
    assert all(MARKUP in done.out for done in runs[3:5])


def test_path_that_is_not_utf8(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    try:
        os.mkdir(folder)  # noqa: PTH102 (bytes)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T")])
    os.rename(tmp_path / "a.json", folder + b"/a.json")  # noqa: PTH104 (bytes)
    assert "a.json" in etl("check", os.fsdecode(folder)).out
    assert etl("check", os.fsdecode(folder), "--json").json["counts"]["listens"] == 1
    assert etl("check", os.fsdecode(folder + b"/gone")).code == 4


@pytest.mark.parametrize(
    "arguments", [["--json", "FROM listens"], ["SELECT artist FROM listens"]], ids=["json", "table"]
)
def test_non_utf8_output_has_escapes(arguments: list[str], loaded: LoadedSamples) -> None:
    *options, query = arguments
    env = {"PYTHONIOENCODING": "iso-8859-1"}
    done = etl("inspect", loaded.manifest["run_id"], *options, "--sql", query, home=loaded.home, env=env)
    assert done.code == 0, done.err
    assert "\\u" in done.out
    if options:
        assert any("Соня" in row["artist"] for row in done.json)


def test_closed_pipe_gives_no_traceback(loaded: LoadedSamples) -> None:
    with subprocess.Popen(
        [SCRIPT, "inspect", "latest", "--sql", "SELECT range FROM range(100000)"],
        env=environment(loaded.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("loaded_once", ["sqlite"], indirect=True)
@pytest.mark.parametrize("columns", [80, 120])
def test_tables_fit_the_terminal_and_paths_keep_their_ends(columns: int, loaded: LoadedSamples) -> None:
    name = loaded.manifest["run_id"]
    checked, asked, listed = (
        on_terminal(columns, *arguments, home=loaded.home)
        for arguments in (["check", "data/samples"], ["inspect", name, "--sql", "not_loaded"], ["runs", "list"])
    )
    assert max(map(len, (*checked, *asked, *listed))) <= columns
    assert any(line.startswith("spotify/extended/ ") for line in checked)
    assert any("  spotify-extended" in line for line in checked)  # what a row is, is never left out
    assert any("2022-2023_1.json  skipped " in line for line in asked)
    assert any(line.startswith(f"{name}  ") for line in listed)
    assert "records  doubles  skipped  duplicate  listens" in checked[1]


@pytest.mark.parametrize("options", [[], ["-v"]], ids=["folders", "files"])
def test_every_row_of_the_table_of_files_adds_up(options: list[str]) -> None:
    head, _, *lines = etl("check", "data/samples", *options).out.partition("\n\n")[0].splitlines()[1:]
    terms = head.partition("records")[2].split()
    rows = [list(map(int, line.split()[-len(terms) - 1 :])) for line in lines]
    assert len(rows) > 10
    assert [records for records, *others in rows if records != sum(others)] == []
    assert [sum(column) for column in zip(*rows[:-1], strict=True)] == rows[-1]


def test_counts_of_a_file_on_a_very_narrow_terminal_are_all_shown(tmp_path: Path) -> None:
    write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T"), scrobble(1, ["A"], "T"), scrobble(2, [""], "T")])
    code, sent = sent_to_terminal(40, "check", str(tmp_path / "a.json"), home=tmp_path, env={"NO_COLOR": "1"})
    reported = " ".join(sent.partition("\r\n\r\n")[0].split())
    assert code == 5
    assert reported == "a.json read as: maloja-export; records: 3; rejected: 1; duplicate: 1; listens: 1"


def test_rows_with_too_many_columns_have_a_line_per_column(loaded: LoadedSamples) -> None:
    lines = on_terminal(80, "inspect", loaded.manifest["run_id"], "--sql", "FROM listens LIMIT 1", home=loaded.home)
    assert lines[0] == "-- 1"
    assert [line.split()[0] for line in lines[1:4]] == ["file", "row", "listened_at"]


def test_tables_in_a_pipe_are_not_cut(loaded: LoadedSamples) -> None:
    out = etl("inspect", loaded.manifest["run_id"], "--sql", "FROM listens", home=loaded.home).out
    assert "…" not in out
    path = next(file["path"] for file in loaded.manifest["files"] if file["counts"]["inserted"])
    assert json.dumps(path).strip('"') in out
