"""The examples of docs/python.md give what the page says."""

from __future__ import annotations

import ast
import doctest
import re
import shutil
from typing import TYPE_CHECKING

import pytest

import etl
from etl.core.dsn import SQLITE
from etl.core.errors import INTERRUPTIONS
from tests.docs.pages import DOCS, ROOT, blocks

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (DOCS / "python.md").read_text(encoding="utf-8")
SESSIONS = [block for block in blocks(PAGE, "python") if block.startswith(">>>")]
MODULES = [block for block in blocks(PAGE, "python") if not block.startswith(">>>")]


def test_the_examples_give_what_the_page_says(tmp_path: Path, koito_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(koito_file.removeprefix(SQLITE), tmp_path / "koito.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ETL_DSN", "koito.db")
    shutil.copytree(ROOT / "data" / "samples" / "maloja", tmp_path / "exports")
    (tmp_path / "inbox").mkdir()
    names: dict[str, object] = {}
    exec(MODULES[0], names)  # noqa: S102 (the module that the page shows)
    examples = doctest.DocTestParser().get_doctest("\n".join(SESSIONS), names, "python.md", None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    problems: list[str] = []
    runner.run(examples, out=problems.append)

    assert (len(examples.examples) > 8, problems) == (True, [])


def test_the_page_names_what_the_package_gives() -> None:
    assert [name for name in etl.__all__ if name != "__version__" and f"`{name}" not in PAGE] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.partition("\n")[0])
def test_module_of_the_page_uses_names_that_exist(module: str) -> None:
    shown = [node for node in ast.walk(ast.parse(module)) if isinstance(node, ast.Attribute)]
    used = [node.attr for node in shown if isinstance(node.value, ast.Name) and node.value.id == "etl"]
    assert used
    assert [name for name in used if name not in etl.__all__] == []


def test_table_of_errors_is_complete_and_has_their_codes() -> None:
    rows = dict(re.findall(r"^\| `(\w+Error)` \| ([\d, ]+) \|", PAGE, re.MULTILINE))
    errors = {name: getattr(etl, name) for name in etl.__all__ if name.endswith("Error") and name != "EtlError"}
    interrupted = rows.pop("InterruptedRunError")
    assert interrupted == ", ".join(str(int(code)) for code in sorted(INTERRUPTIONS))
    assert rows == {name: str(int(kind.exit_code)) for name, kind in errors.items() if name in rows}
    assert {*errors} == {*rows, "InterruptedRunError"}
