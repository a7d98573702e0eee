"""README.md says what the program does: its generated parts, its commands, its keys, its links."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.docs.generate import PARTS, README, commands, part_names, written
from tests.support import load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
PAGES = sorted([*ROOT.glob("*.md"), ROOT / "benchmarks" / "README.md"])


def test_the_generated_parts_are_as_the_program_is() -> None:
    assert sorted(part_names(TEXT)) == sorted(PARTS)
    assert written(TEXT) == TEXT, "README.md is behind the program: run `python -m tests.docs.generate`"


def test_the_first_two_blocks_are_one_command_line_each_that_loads_the_samples_and_runs_the_tests() -> None:
    first, second = BLOCKS[:2]
    assert (first.count("\n"), second.count("\n")) == (1, 1)
    assert first.endswith("etl run --source auto data/samples\n")
    assert second.endswith("pytest\n")


def test_ci_runs_the_first_two_blocks_word_for_word() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    function = re.search(r"^readme_block\(\) \{.*?^\}$", script, re.DOTALL | re.MULTILINE)
    assert function
    for number, block in enumerate(BLOCKS[:2], start=1):
        done = subprocess.run(
            ["bash", "-c", f"{function[0]}\nreadme_block {number}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == block


def examples() -> Iterator[str]:
    """Yield every command line of ours that a page shows: in a block of code, or in backticks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for line in re.findall(r"^(?:    |> )?(?:.*&& |.*\* +|ExecSt\w+=)?(\S*\betl [a-z].*)$", text, re.MULTILINE):
            if "`" not in line:
                yield line
        yield from re.findall(r"`(etl [a-z][^`]*)`", text)


@pytest.mark.parametrize("example", sorted(set(examples())))
def test_an_example_has_a_command_that_exists_and_options_that_it_takes(example: str) -> None:
    words = shlex.split(re.sub(r"[|<>].*", "", example), comments=True)[1:]
    known = {name.removeprefix("etl ").split()[0]: set[str]() for name, _ in commands()}
    found = [(name, command) for name, command in commands() if name.split()[1:] == words[: len(name.split()) - 1]]
    if not found:  # a group of commands, named without one of them
        assert words in [[group] for group in known]
        return
    ((_, command),) = found
    options = {option for param in command.params for option in param.opts} | {"-h", "--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= options


def test_every_key_of_run_json_is_explained(database: str, tmp_path: Path) -> None:
    manifest = load(tmp_path, database, write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T")]))
    table = TEXT.partition("| key | holds |")[2].partition("\n\n")[0]
    first_column = "".join(line.split("|")[1] for line in table.splitlines()[2:])
    assert sorted(re.findall(r"`(\w+)`", first_column)) == sorted(manifest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
