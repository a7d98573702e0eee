"""Every line that a person reads is plain English: phrases that sound translated, or that only we use, stay out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FOLDERS = (".ci", ".github", "benchmarks", "data", "deploy", "docs", "etl", "sql", "tests")
SUFFIXES = {".md", ".py", ".sql", ".html", ".yaml", ".yml", ".toml", ".service", ".timer"}

INSTEAD = {
    r"\ball the same\b": "anyway",
    r"\banew\b": "again",
    r"\bas no export does\b": "which no export does",
    r"\bat work\b": "running",
    r"\bbeside\b": "next to, in addition to",
    r"\bbut for\b": "except",
    r"\bby way of\b": "via",
    r"\bcomes? to\b": "reaches",
    r"\bcosts? (?:(?:only )?itself|\w+ \w+ alone)\b": "affects only, is reported and skipped",
    r"\bdid not come to (?:its|the) end\b": "did not finish",
    r"\bfurther names?\b": "aliases",
    r"\bhalf-made\b": "incomplete",
    r"\bin place of\b": "instead of",
    r"\b(?:is|are) told\b": "is reported, is shown",
    r"\bknows? nothing of\b": "does not have",
    r"\bleaves? (?:it|them|the option) away\b": "omit",
    r"\bleft aside\b": "ignored",
    r"\bmeanwhile\b": "in the meantime",
    r"\bset(?:s|ting)? (?:its|the|their) rights\b": "fix its permissions",
    r"\bset(?:s|ting)? right what\b": "fix what",
    r"\bside by side\b": "at the same time, in parallel",
    r"\bstands? (?:in|on)\b": "is in, is on",
    r"\btells? of\b": "shows, describes",
    r"\bthat (?:is|are) (?:none|no(?! longer))\b": "invalid, that is not",
    r"\btold apart\b": "distinguished",
}
"""Patterns, and what to write instead."""


def _texts() -> list[Path]:
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return [path for path in [*ROOT.glob("*.md"), *below] if path != Path(__file__)]


def _with_words_of_tests(line: str) -> str:
    """Return ``line``; if it defines a test, its name is separated into words."""
    return line.replace("_", " ") if line.lstrip().startswith("def test_") else line


@pytest.mark.parametrize("pattern", INSTEAD)
def test_words_that_only_we_use_stay_out(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, _with_words_of_tests(line), re.IGNORECASE)
    ]
    assert found == [], f"write: {INSTEAD[pattern]}"
