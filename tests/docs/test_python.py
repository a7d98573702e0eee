"""The examples of docs/python.md give what the page says."""

from __future__ import annotations

import doctest
import shutil
from typing import TYPE_CHECKING

import etl
from etl.core.dsn import SQLITE
from tests.docs.pages import DOCS, ROOT, blocks

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PAGE = (DOCS / "python.md").read_text(encoding="utf-8")


def test_the_examples_give_what_the_page_says(tmp_path: Path, koito_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(koito_file.removeprefix(SQLITE), tmp_path / "koito.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETL_HOME", str(tmp_path / "home"))
    shutil.copytree(ROOT / "data" / "samples" / "maloja", tmp_path / "exports")
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks(PAGE, "python")), {}, "python.md", None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    problems: list[str] = []
    runner.run(examples, out=problems.append)

    assert (len(examples.examples) > 8, problems) == (True, [])


def test_the_page_names_what_the_package_gives() -> None:
    assert [name for name in etl.__all__ if name != "__version__" and f"`{name}" not in PAGE] == []
