"""README.md begins with two commands that do everything, which CI runs word for word, and stays one page."""

from __future__ import annotations

import re
import subprocess

from tests.docs.pages import README, ROOT, blocks

TEXT = README.read_text(encoding="utf-8")
BLOCKS = blocks(TEXT, "sh")


def test_the_first_two_blocks_are_a_command_line_each_to_load_and_to_test() -> None:
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


def test_it_is_one_page() -> None:
    assert len(TEXT.splitlines()) < 180


def test_it_names_only_packages_that_can_be_installed_today() -> None:
    """A line that would fail is in no block that people copy: the first release is still to come."""
    fenced = "".join(block for language in ("", "sh", "console", "text") for block in blocks(TEXT, language))
    assert "koito-etl" not in fenced
