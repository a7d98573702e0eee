"""The shape of the code: which module may import which, where SQL lives and who calls it, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "etl").rglob("*.py"))
SQL = ROOT / "sql"
MIGRATIONS = sorted(SQL.glob("*/migrations/*.sql"))
STATEMENTS = sorted([*SQL.glob("*/*.sql"), *SQL.glob("*/library/*.sql"), *SQL.glob("*/views/*/*.sql")])
QUERIES = sorted([*SQL.glob("*/verify/*.sql"), *SQL.glob("*/queries/*/*.sql")])

each_statement = pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: str(path.relative_to(SQL)))
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))

_QUOTED = re.compile(r"--[^\n]*|'(?:[^']|'')*'|(\$\w*\$).*?\1", re.DOTALL)
_SQL = re.compile(
    r"\b(SELECT|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|(CREATE|ALTER|DROP)\s+(TABLE|VIEW|SCHEMA|INDEX)|COPY\s+\S+\s+FROM)\b"
)


@cache
def texts(path: Path) -> list[str]:
    """Return the strings in the code of a module, without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return [node.value for node in constants if isinstance(node.value, str)]


def parts(sql: str) -> list[str]:
    """Return the statements of ``sql``; what is in comments, quotation marks or dollars does not count."""
    return [part for part in _QUOTED.sub(" ", sql).split(";") if part.strip()]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_every_folder_has_its_layer_and_no_module_lies_loose() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (one["layers"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    listed = {name for layer in layers for name in layer.split(" | ")}
    assert listed == {path.name for path in (ROOT / "etl").iterdir() if (path / "__init__.py").is_file()}
    assert {path.name for path in (ROOT / "etl").glob("*.py")} == {"__init__.py", "__main__.py"}


@cache
def called() -> set[str]:
    """Return every string in the code: the names of statements among them."""
    return {text for path in MODULES for text in texts(path)}


@each_statement
def test_a_statement_is_called_and_says_what_it_does(path: Path) -> None:
    assert path.stem in called() or path.stem in {"files", "timings"}
    assert re.match(r"-- \S.+\n", path.read_text(encoding="utf-8"))


@each_statement
def test_a_file_holds_one_statement(path: Path) -> None:
    assert len(parts(path.read_text(encoding="utf-8"))) == 1


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: str(path.relative_to(SQL)))
def test_a_named_query_says_what_it_answers_and_is_one_statement(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r"-- \w.+\n", text)
    assert len(parts(text)) == 1


def test_statements_are_distinguished() -> None:
    assert len(parts("-- a; b\nSELECT 'x; ''y'; SELECT $$ ; $$, $a$ $$; $a$;\n-- c;\n")) == 2


def test_there_is_sql_of_every_kind() -> None:
    assert STATEMENTS
    assert MIGRATIONS
    assert QUERIES
    assert sorted(SQL.rglob("*.sql")) == sorted([*STATEMENTS, *MIGRATIONS, *QUERIES])


@each_module
def test_sql_lives_in_files_of_its_own(path: Path) -> None:
    if path == ROOT / "etl" / "runs" / "inspect.py":  # SQL over Parquet files, for DuckDB
        return
    assert [text for text in texts(path) if _SQL.search(text)] == []


@each_module
def test_a_module_says_what_it_owns_and_is_short(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert lines(path) <= 350


def test_most_files_fit_on_a_few_pages() -> None:
    assert median(lines(path) for path in MODULES) < 150


def test_no_two_classes_share_a_name() -> None:
    named = [
        (node.name, path.relative_to(ROOT))
        for path in MODULES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    names = Counter(name for name, _ in named)
    assert [(name, str(path)) for name, path in named if names[name] > 1] == []
