"""The top level of the repository holds what the project needs there, and nothing else."""

from __future__ import annotations

import subprocess

import pytest

from tests.docs.pages import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")

ALLOWED = {
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "benchmarks",
    "data",
    "deploy",
    "docs",
    "etl",
    "pyproject.toml",
    "requirements.lock",
    "sql",
    "tests",
}


def tracked() -> list[str]:
    """Return the paths of the files that git tracks."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_top_level_holds_only_what_is_listed() -> None:
    assert {path.partition("/")[0] for path in tracked()} == ALLOWED


def test_no_package_or_build_output_is_tracked() -> None:
    assert [path for path in tracked() if path.endswith((".whl", ".pyc", ".so", ".tar"))] == []
