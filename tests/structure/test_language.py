"""Every line that a person reads is plain English: phrases that sound translated, or that only we use, stay out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FOLDERS = (".ci", ".github", "benchmarks", "data", "deploy", "docs", "etl", "sql", "tests")
SUFFIXES = {".md", ".py", ".sql", ".html", ".yaml", ".yml", ".toml", ".service", ".timer"}

INSTEAD = {
    r"\banew\b": "again",
    r"\bat work\b": "running",
    r"\bbeside\b": "next to, in addition to",
    r"\bbut for\b": "except",
    r"\bby way of\b": "via",
    r"\bcomes? to\b": "reaches",
    r"\bcosts? (?:only )?itself\b": "is reported and skipped",
    r"\bfurther names?\b": "aliases",
    r"\bin place of\b": "instead of",
    r"\bleft aside\b": "ignored",
    r"\bmeanwhile\b": "in the meantime",
    r"\bstands? in\b": "is in",
    r"\bthat (?:is|are) none\b": "invalid",
}
"""Patterns, and what to write instead."""


def _texts() -> list[Path]:
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return [path for path in [*ROOT.glob("*.md"), *below] if path != Path(__file__)]


@pytest.mark.parametrize("pattern", INSTEAD)
def test_words_that_only_we_use_stay_out(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line, re.IGNORECASE)
    ]
    assert found == [], f"write: {INSTEAD[pattern]}"
