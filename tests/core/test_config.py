"""What is set, where it comes from, and what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import etl
from etl.core.config import SETTINGS, ConfigValue, first_of, load_config, unknown_variables
from etl.core.errors import SettingsError
from etl.core.options import options_of
from etl.core.settings import CONTACT, OutputSettings, RunSettings
from tests.docs.commands import commands

if TYPE_CHECKING:
    from collections.abc import Mapping


def held(folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> dict[str, ConfigValue]:
    path = folder / "etl.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config({"ETL_CONFIG": str(path), **(environ or {})})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    found = held(tmp_path, "# mine\nworkers = 4\nmax_rejects = 7\n", {"ETL_WORKERS": "8"})
    assert found == {
        "workers": ConfigValue(8, "env", "ETL_WORKERS"),
        "max_rejects": ConfigValue(7, "file", f"{tmp_path}/etl.toml, line 3"),
    }


def test_an_empty_variable_is_ignored_and_without_a_file_nothing_is_set() -> None:
    assert load_config({"ETL_WORKERS": "", "ETL_CONFIG": ""}) == {}


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("off", False), ("FALSE", False)])
def test_a_variable_says_yes_or_no_in_many_ways(text: str, value: bool) -> None:
    assert load_config({"ETL_NO_OVERLAP": text})["no_overlap"].value is value


def test_paths_in_the_file_count_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    found = held(tmp_path, 'home = "data"\nmove_to = "/done"\nmetrics = "~/etl.prom"\n')
    assert [one.value for one in found.values()] == [f"{tmp_path}/data", "/done", "/home/ann/etl.prom"]
    assert load_config({"ETL_HOME": "data"})["home"].value == "data"


@pytest.mark.parametrize("names", [("dsn", "dsn_file")])
def test_the_environment_is_the_first_of_two_ways_to_name_the_database(names: tuple[str, ...], tmp_path: Path) -> None:
    found = held(tmp_path, 'dsn = "postgresql:///a"\n', {"ETL_DSN_FILE": "/secret"})
    assert first_of(found, *names) == ConfigValue("/secret", "env", "ETL_DSN_FILE")
    assert first_of(held(tmp_path, 'dsn_file = "b"\ndsn = "embedded"'), *names) == ConfigValue(
        "embedded", "file", f"{tmp_path}/etl.toml, line 2"
    )


@pytest.mark.parametrize(
    ("text", "line", "reported"),
    [
        ("workers = 2\n\nworker = 3", 3, '"worker" is not known. Did you mean workers?'),
        ("[run]\nworkers = 2", 1, '"run" is not known'),
        ("no_overlap = true\nforce = true", 2, '"force" is not known. It can only be an option: --force'),
        ('workers = 2\ntimezone = "Nope"', 2, 'timezone: "Nope" is not'),
        ("zzz = 1", 1, '"zzz" is not known. Known: home, dsn'),
        ("'spotify-plays' = 'heard'", 1, "Did you mean spotify_plays?"),
        ('workers = "two"', 1, 'workers is the text "two", and must be a whole number'),
        ("workers = 2.5", 1, "workers is 2.5, and must be a whole number"),
        ("workers = true", 1, "workers is true, and must be a whole number"),
        ("no_overlap = 1", 1, "no_overlap is 1, and must be true or false"),
        ("user = ['a']", 1, "user is a list, and must be a text"),
        ("home.dir = 1", 1, "home is a table, and must be a text"),
        ("workers = 0", 1, "workers is 0. It must be from 1 to 64"),
        ("max_rejects = -1", 1, "max_rejects is -1. It must be 0 or more"),
        ("progress = 'loud'", 1, 'progress is "loud". Known: auto, plain, none'),
        ("user = ''", 1, "user is empty"),
    ],
)
def test_a_problem_in_the_file_is_reported_with_its_line(text: str, line: int, reported: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape(reported)) as found:
        held(tmp_path, text)
    assert str(found.value).startswith(f"{tmp_path}/etl.toml, line {line}: ")


@pytest.mark.parametrize("text", ["workers = ", "workers", b"user = '\xff'"])
def test_a_file_that_is_not_toml_is_refused(text: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"etl\.toml is not a TOML file"):
        held(tmp_path, text)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert held(tmp_path, b"\xef\xbb\xbfworkers = 3")["workers"].value == 3


def test_a_named_file_must_exist() -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_config({"ETL_CONFIG": "/nonexistent/etl.toml"})


@pytest.mark.parametrize(
    ("name", "text", "reported"),
    [
        ("ETL_WORKERS", "many", 'ETL_WORKERS is "many", and must be a whole number'),
        ("ETL_WORKERS", "65", "ETL_WORKERS is 65. It must be from 1 to 64"),
        ("ETL_NO_OVERLAP", "maybe", 'ETL_NO_OVERLAP is "maybe", and must be true or false'),
        ("ETL_DOUBLES", "maybe", 'ETL_DOUBLES is "maybe". Known: skip, keep'),
        ("ETL_SPOTIFY_TIME", "noon", 'ETL_SPOTIFY_TIME is "noon". Known: end, start'),
    ],
)
def test_a_problem_in_the_environment_is_reported_with_its_variable(name: str, text: str, reported: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(reported)}"):
        load_config({name: text})


def test_misspelt_variables_are_noticed_and_those_of_others_are_not() -> None:
    environ = {"ETL_WORKER": "2", "ETL_DSNFILE": "x", "ETL_PIPELINE_ID": "1", "ETL_FAULT": "", "ETL_TEST_DSN": "x"}
    assert unknown_variables(environ) == {"ETL_DSNFILE": "ETL_DSN_FILE", "ETL_WORKER": "ETL_WORKERS"}


def test_a_command_takes_the_options_that_list_it() -> None:
    by_name = {words.split()[-1]: command for words, command in commands()}
    for option in (*options_of(RunSettings), *options_of(OutputSettings), CONTACT):
        for name in option.commands:
            (param,) = (param for param in by_name[name].params if param.name == option.name)
            assert option.flag in param.opts
            assert param.help == option.about
            assert param.default == (option.default if option.shows_default else None)


def test_run_takes_nearly_every_setting() -> None:
    others = {"home", "dsn", "dsn_file", "contact"}
    assert {option.name for option in SETTINGS if "run" not in option.commands} == others


def test_only_these_modules_use_the_environment() -> None:
    package = Path(etl.__path__[0])
    texts = {str(path.relative_to(package)): path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    assert {name for name, text in texts.items() if re.search(r"\bos\.(environ|getenv)", text)} == {
        "core/config.py",  # ETL_*
        "cli/__init__.py",  # ETL_LOG_FORMAT, before the options are parsed
        "cli/log.py",  # the terminal, NO_COLOR, the journal
        "extract/worker.py",  # hands the environment on to reader processes
    }
