"""The pages say what the program does: their generated parts, their commands, their links."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.docs.generate import PARTS, commands, written
from tests.docs.pages import DOCS, README, anchors, blocks, links, pages, part_names, summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = pages()
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
COMMANDS = dict(commands())
DEPLOYED = [path for path in (README.parent / "deploy").rglob("*") if path.is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_generated_parts_are_as_the_program_is(page: Path) -> None:
    behind = f"{page.name} is behind the program: run `python -m tests.docs.generate`"
    assert written(TEXTS[page]) == TEXTS[page], behind


def test_every_generated_part_is_on_a_page() -> None:
    assert {name for text in TEXTS.values() for name in part_names(text)} == set(PARTS)


def test_a_part_that_is_out_of_date_is_found() -> None:
    page = "before\n<!-- generated: services -->\nIt reads nothing.\n<!-- end -->\nafter\n"
    rewritten = written(page)
    assert rewritten.startswith("before\n<!-- generated: services -->\nIt reads exports of ")
    assert rewritten.endswith(".\n<!-- end -->\nafter\n")


def examples() -> Iterator[str]:
    """Yield every command line of ours that a page shows: in a block of code, or in backticks."""
    for text in TEXTS.values():
        for line in re.findall(r"^(?:    |> |\$ )?(?:.*&& |.*\* +|ExecSt\w+=)?(\S*\betl [a-z].*)$", text, re.MULTILINE):
            if "`" not in line:
                yield line
        yield from re.findall(r"`(etl [a-z][^`]*)`", text)


@pytest.mark.parametrize("example", sorted(set(examples())))
def test_an_example_has_a_command_that_exists_and_options_that_it_takes(example: str) -> None:
    words = shlex.split(re.sub(r"[|<>].*", "", example), comments=True)[1:]
    if words[0].isalpha() and "OPTIONS" in example:  # a usage line, which is generated
        return
    if words == ["help", "COMMAND"]:
        return
    found = [command for name, command in COMMANDS.items() if name.split()[1:] == words[: len(name.split()) - 1]]
    if not found:  # a group of commands, named without one of them
        assert words in [name.split()[1:2] for name in COMMANDS]
        return
    (command,) = found
    options = {option for param in command.params for option in param.opts} | {"-h", "--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for path, anchor in links(TEXTS[page]):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{path}#{anchor}"


def test_the_anchors_are_those_of_the_forges() -> None:
    text = "# `etl run`\n## listens.parquet\n## A [link](b.md), twice\n```sh\n# none\n```\n### Skip\n\n### Skip\n"
    assert anchors(text) == {"etl-run", "listensparquet", "a-link-twice", "skip", "skip-1"}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_a_page_says_in_its_first_sentence_what_it_is_about(page: Path) -> None:
    assert len(summary(TEXTS[page])) > 20, "begin it with a sentence: the index shows that"


def test_every_command_has_a_section_with_all_its_options() -> None:
    sections = dict(
        re.findall(r"^## (etl [a-z ]+)\n(.*?)(?=^## |\Z)", TEXTS[DOCS / "commands.md"], re.DOTALL | re.MULTILINE)
    )
    assert list(sections) == list(COMMANDS)
    for words, command in COMMANDS.items():
        options = [name for param in command.params if param.param_type_name == "option" for name in param.opts]
        assert [name for name in options if not re.search(rf"(`|, ){name}\b", sections[words])] == []


def test_what_is_shown_of_a_command_begins_with_that_command() -> None:
    recorded = {name for text in TEXTS.values() for name in part_names(text, "recorded")}
    shown = [block.partition("\n") for text in TEXTS.values() for block in blocks(text, "console")]
    assert {first.removeprefix("$ ") for first, _, output in shown if output.strip()} == recorded


def test_the_readme_links_every_page() -> None:
    linked = {(README.parent / path).resolve() for path, _ in links(TEXTS[README])}
    assert {page for page in DOCS.glob("*.md") if page.name != "README.md"} <= linked


# As an argument everybody can read it in the list of processes; `export` and a line of a file are not processes.
_PASSWORD_ARGUMENT = re.compile(
    r"""(?:^|[\s`|(])(?:pg_\w+|psql|pgcli|etl|docker|podman)\s[^`\n]*"""
    r"""(?:\$\{?ETL_DSN\b|\$\{?PGPASSWORD\b|PGPASSWORD=|postgres(?:ql)?://[^\s:/@]+:[^\s@]+@)"""
)


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ('pg_dump "$ETL_DSN" > koito.dump', True),
        ("then `pg_restore --dbname=${ETL_DSN} koito.dump`", True),
        ("etl run --dsn postgresql://koito:secret@localhost/koitodb inbox", True),
        ("docker run -e ETL_DSN=postgresql://koito:secret@db/koitodb etl", True),
        ("export ETL_DSN=postgresql://koito:PASSWORD@localhost:5432/koitodb", False),
        ("pg_restore --username=koito --dbname=koitodb koito.dump", False),
        ('psql "$(etl db url)"', False),
    ],
)
def test_a_password_on_a_command_line_is_found(line: str, is_found: bool) -> None:
    assert bool(_PASSWORD_ARGUMENT.search(line)) == is_found


def test_no_page_puts_a_password_into_the_list_of_processes() -> None:
    texts = {**TEXTS, **{path: path.read_text(encoding="utf-8") for path in DEPLOYED}}
    found = {
        f"{path.name}: {line}"
        for path, text in texts.items()
        for line in text.splitlines()
        if _PASSWORD_ARGUMENT.search(line)
    }
    assert not found
