"""Errors end with the exit code of their cause, say what to do, and show no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.formats import SOURCES
from tests.cli.program import ROOT, SAMPLES, SCRIPT, Done, etl

SPOTIFY = SAMPLES / "spotify"
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def check_error(done: Done, code: int, *texts: str) -> None:
    """Assert that a run ended with ``code``, showed all ``texts``, and put nothing on stdout."""
    assert done.code == code, done.err
    assert done.out == ""
    assert [text for text in texts if text not in done.err] == []
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["run"], ["Missing argument 'PATH'", "Try 'etl run --help'"]),
        (["run", "--nonsense", SPOTIFY], ["No such option: --nonsense"]),
        (
            ["run", "--source", "spotyfy", SPOTIFY],
            ['"spotyfy" is not known', "auto, spotify, lastfm"],
        ),
        (["check", "--source", "tape", SPOTIFY], ['"tape" is not known']),
        (["run", "-q", "-v", SPOTIFY], ["--quiet and --verbose exclude each other"]),
        (["run", "--since", "yesterday", SPOTIFY], ["--since", '"yesterday" is not an ISO 8601', "2024-05-31"]),
        (["run", "--since", "2024-02-01", "--until", "2024-01-01", SPOTIFY], ["--since is later than --until"]),
        (["run", "--spotify-plays", "all", SPOTIFY], ["heard, trackdone"]),
        (["run", "--spotify-time", "noon", SPOTIFY], ["end, start"]),
        (["run", "--artist-separators", "(", SPOTIFY], ["--artist-separators", "divided by ;;"]),
        (["run", "--artist-separators", "", SPOTIFY], ["--artist-separators is empty"]),
        (["run", ""], ["an argument is empty", "A variable"]),
        (["check", SPOTIFY, ""], ["an argument is empty"]),
        (["run", SPOTIFY, "--dsn", ""], ["--dsn is empty"]),
        (["undo", ""], ["an argument is empty"]),
        (["run", SPOTIFY, "--dsn="], ["--dsn is empty"]),
        (["run", "--max-rejects", "-1", SPOTIFY], ["--max-rejects"]),
        (["run", "--workers", "0", SPOTIFY], ["--workers"]),
        (["run", "--dsn", "localhost", SPOTIFY], ['"localhost" is not a database address', "postgresql://"]),
        (["db", "url", "--json", "--dsn", "mysql://localhost/x"], ["is not a database address"]),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(arguments: list[str], texts: list[str], tmp_path: Path) -> None:
    check_error(etl(*arguments, home=tmp_path), 2, *texts)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_ends_with_2_and_is_guessed() -> None:
    check_error(etl("runn"), 2, "No such command 'runn'", "'run'")


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_path_that_does_not_exist_ends_with_4(command: str, tmp_path: Path) -> None:
    check_error(etl(command, tmp_path / "gone.json", home=tmp_path), 4, "gone.json does not exist")


@pytest.mark.parametrize(
    ("paths", "source", "texts"),
    [
        (["pyproject.toml"], "auto", ["pyproject.toml", "not an export that this program can read", "etl sources"]),
        (["data/samples/maloja"], "spotify", ["not a file of spotify", "--source auto"]),
    ],
)
def test_where_nothing_is_recognised_it_ends_with_4(paths: list[str], source: str, texts: list[str]) -> None:
    check_error(etl("check", "--source", source, *paths), 4, *texts)


def test_an_empty_folder_ends_with_4(tmp_path: Path) -> None:
    check_error(etl("check", tmp_path), 4, "the folder is empty")


def test_files_of_another_service_are_ignored(tmp_path: Path) -> None:
    done = etl("check", "--source", "spotify", SAMPLES, "--json", home=tmp_path)
    assert done.code == 0
    statuses = {(Path(file["path"]).relative_to(SAMPLES).parts[0], file["status"]) for file in done.json["files"]}
    others = {(source, "left_aside") for source in SOURCES if source != "spotify"}
    assert statuses == {("spotify", "loaded"), *others}


def test_a_refused_file_ends_with_4_and_a_broken_row_with_5(tmp_path: Path) -> None:
    cases = ROOT / "tests" / "formats" / "cases" / "spotify-extended"
    assert etl("check", cases / "broken_rows.json").code == 5
    assert etl("check", cases / "broken_rows.json", "--max-rejects", "1000").code == 0
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 cut off")
    done = etl("check", cases / "broken_rows.json", tmp_path / "cut.zip")
    assert done.code == 4
    assert "download it again" in done.err


def test_an_unreachable_database_ends_with_3(tmp_path: Path) -> None:
    check_error(etl("run", SPOTIFY, "--dsn", NOWHERE, home=tmp_path), 3, "Connection refused", "ETL_DSN_FILE")
    check_error(
        etl("run", SPOTIFY, "--json", env={"ETL_DSN": NOWHERE}, home=tmp_path), 3, "Check that the server is up"
    )


def test_a_database_without_our_objects_is_refused_with_what_adds_them(koito_database: str, tmp_path: Path) -> None:
    check_error(etl("run", SPOTIFY, "--dsn", koito_database, home=tmp_path), 3, "lacks", "etl db migrate")


def test_an_empty_database_is_refused_with_what_to_do(empty_database: str, tmp_path: Path) -> None:
    check_error(
        etl("run", SPOTIFY, "--dsn", empty_database, home=tmp_path), 3, "is empty", "Start Koito once", "--standalone"
    )


def test_a_missing_user_ends_with_2(database: str, tmp_path: Path) -> None:
    done = etl("run", SPOTIFY, "--dsn", database, "--user", "nobody", home=tmp_path)
    check_error(done, 2, "nobody", "admin")


def test_a_missing_run_ends_with_4(tmp_path: Path) -> None:
    check_error(etl("inspect", "latest", home=tmp_path), 4, "there are no runs", "etl run")
    check_error(etl("runs", "show", home=tmp_path), 4, "there are no runs")
    (tmp_path / "runs" / "20240101T000000Z-auto-abcdef").mkdir(parents=True)
    check_error(etl("runs", "show", "2023", home=tmp_path), 4, 'no run fits "2023"', "20240101T000000Z-auto-abcdef")
    check_error(etl("runs", "show", home=tmp_path), 4, "no readable run.json")
    check_error(etl("inspect", "latest", home=tmp_path), 4, "no Parquet files")


def test_suggested_commands_are_called_as_the_program_was(tmp_path: Path) -> None:
    elsewhere = {"PATH": "/usr/bin:/bin"}
    assert f"`{SCRIPT} run" in etl("inspect", "latest", home=tmp_path, env=elsewhere).err
    on_path = {"PATH": f"{SCRIPT.parent}:/usr/bin:/bin"}
    assert "`etl run" in etl("inspect", "latest", home=tmp_path, env=on_path).err
