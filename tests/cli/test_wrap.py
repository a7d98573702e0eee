"""Text for a terminal is wrapped by word; a word is never divided, and a command can be pasted."""

from __future__ import annotations

import itertools
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.cli.wrap import width_of, wrapped, wrapped_command

WORDS = st.lists(st.text("abcé東/-.", min_size=1, max_size=30), min_size=1, max_size=30)


@given(WORDS, st.integers(20, 120), st.integers(0, 10))
def test_wrapped_text_keeps_its_words_whole_and_in_order(words: list[str], width: int, indent: int) -> None:
    lines = wrapped(" ".join(words), width, indent)
    assert " ".join(lines).split() == words
    assert [line for line in lines if width_of(line) > width and len(line.split()) > 1] == []
    assert all(line.startswith(" " * indent) for line in lines[1:])


@given(WORDS, st.integers(20, 120))
def test_no_line_ends_before_the_next_word_has_no_room(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width)
    for line, following in itertools.pairwise(lines):
        assert width_of(f"{line} {following.split()[0]}") > width


def test_a_path_that_is_too_long_runs_over() -> None:
    path = f"/{'long/' * 20}file.json"
    assert wrapped(f"etl: refused: {path}: is empty", 40, 5) == ["etl: refused:", f"     {path}:", "     is empty"]


def test_a_command_in_backticks_stays_together() -> None:
    assert wrapped("Load something first with `etl run --source auto PATH`.", 40) == [
        "Load something first with",
        "`etl run --source auto PATH`.",
    ]
    assert wrapped("Say `etl run --home /a/very/long/path/to/some/folder PATH`.", 40)[0] == "Say `etl run --home"


def test_colours_take_no_room() -> None:
    assert wrapped("\x1b[32mcomplete\x1b[0m: 202 listens", 21) == ["\x1b[32mcomplete\x1b[0m: 202 listens"]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_wrapped_command_is_the_same_command_for_a_shell(width: int) -> None:
    command = "etl inspect 20240101T000000Z-auto-abcdef --sql top_artists --home '/my home/of etl'"
    lines = wrapped_command(f"try: {command}", width, 5)
    assert "'/my home/of etl'" in lines[-1]
    pasted = subprocess.run(
        ["bash", "-c", "printf '%s\\n' " + "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert pasted.stdout.splitlines() == shlex.split(f"try: {command}")
    assert all(line.endswith(" \\") for line in lines[:-1])
