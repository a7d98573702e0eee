"""Every command helps, quickly, and has --json."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl import __version__
from tests.cli.program import etl, python
from tests.docs.generate import commands

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("polars", "pyarrow", "duckdb", "adbc_driver_manager", "adbc_driver_postgresql", "rich", "jinja2")
OF_OTHER_COMMANDS = ("etl.cli.backfill", "etl.cli.verify")
COMMANDS = [words.split()[1:] for words, _ in commands()]
GROUPS = [[], *dict.fromkeys(tuple(words[:1]) for words in COMMANDS if len(words) > 1)]
SHOW_HEAVY = f"""
import os, sys
import etl.cli
sys.argv = ["etl", *{{arguments}}]
os._exit = lambda code: None  # how the program ends: here something is asked behind it
etl.cli.main()
print([name for name in {HEAVY + OF_OTHER_COMMANDS} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("words", [*COMMANDS, *GROUPS], ids=" ".join)
def test_a_command_helps(words: list[str]) -> None:
    done = etl(*words, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: {' '.join(['etl', *words])} ")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_has_json(words: list[str]) -> None:
    command = dict(commands())[" ".join(["etl", *words])]
    assert "--json" in {option for param in command.params for option in param.opts}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert python(SHOW_HEAVY.format(arguments=arguments)).err.strip() == str(list(OF_OTHER_COMMANDS))


@pytest.mark.parametrize("arguments", [["run", "--help"], ["db", "migrate", "--help"]])
def test_help_of_a_command_imports_no_other(arguments: list[str]) -> None:
    assert python(SHOW_HEAVY.format(arguments=arguments)).err.strip() == "[]"


def test_the_embedded_servers_status_imports_no_dataframes() -> None:
    done = python(SHOW_HEAVY.format(arguments=["db", "status", "--home", "/nonexistent/home"]))
    assert "no" in done.out
    assert "[" in done.err
    assert "duckdb" not in done.err
    assert "adbc" not in done.err


def test_the_short_option_is_the_same() -> None:
    assert etl("run", "-h").out == etl("run", "--help").out


def test_the_version_is_the_packages() -> None:
    assert etl("--version").out == f"etl {__version__}\n"


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_without_a_command_the_help_appears(words: list[str]) -> None:
    assert "Commands:" in etl(*words).out
    assert etl(*words) == etl(*words, "--help")


@pytest.mark.parametrize("words", [*COMMANDS, *GROUPS], ids=" ".join)
def test_help_before_a_command_shows_its_help(words: list[str]) -> None:
    assert etl("help", *words) == etl(*words, "--help")


def test_help_about_an_unknown_command_ends_with_2() -> None:
    assert etl("help", "runn").code == 2


def test_help_works_with_an_invalid_configuration(tmp_path: Path) -> None:
    (tmp_path / "etl.toml").write_text("[broken")
    env = {"ETL_CONFIG": str(tmp_path / "etl.toml")}
    assert etl("help", "run", env=env).code == etl(env=env).code == 0


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("words", [*COMMANDS, *GROUPS], ids=" ".join)
def test_help_fits_the_terminal_and_cuts_nothing(words: list[str], columns: int) -> None:
    lines = etl("help", *words, env={"COLUMNS": str(columns)}).out.splitlines()
    assert [line for line in lines if len(line) > columns and " " in line.strip()] == []
    assert not any(
        line.endswith(("...", "…")) for line in lines if not line.endswith(("PATH...", "{PATH}...", "[ARGS]..."))
    )
    for command in (dict(commands())[" ".join(["etl", *words])],) if words in COMMANDS else ():
        reported = " ".join(" ".join(lines).split())
        for param in command.params:
            assert " ".join((param.help or "").split()) in reported
