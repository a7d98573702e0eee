"""The tests themselves: their names are short, and none ends what another test has begun."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]

_ENDS_OTHERS = re.compile(
    r"pg_(?:terminate|cancel)_backend\((?!pg_backend_pid\(\)|\{)"
)  # {: in an f-string, a known id


@cache
def trees() -> dict[Path, ast.Module]:
    """Return what each file of the tests holds, by its path."""
    return {path.relative_to(TESTS): ast.parse(path.read_text(encoding="utf-8")) for path in TESTS.rglob("*.py")}


def strings(node: ast.AST) -> Iterator[str]:
    """Yield each string in ``node``; an f-string is one, as it is written."""
    if isinstance(node, ast.JoinedStr):
        yield ast.unparse(node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def test_a_tests_name_has_at_most_70_characters() -> None:
    functions = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names = [node.name for node in functions if node.name.startswith("test_")]
    assert len(names) > 1_000
    assert [name for name in names if len(name) > 70] == []


def test_backends_are_ended_by_their_id_or_in_a_tests_own_database() -> None:
    ending = [(path, text) for path, tree in trees().items() for text in strings(tree) if _ENDS_OTHERS.search(text)]
    assert len(ending) > 1
    assert [(str(path), text) for path, text in ending if "datname = current_database()" not in text] == []
