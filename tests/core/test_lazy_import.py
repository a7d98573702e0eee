"""A module that a package imports and nobody uses is imported only if somebody uses it after all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from etl.core.lazy_import import lazy_import
from tests.cli.program import python

if TYPE_CHECKING:
    from pathlib import Path

LOAD = "import sys, etl.targets.postgres.connection, etl.targets.sqlite.connection; "


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a package whose module ``part`` has the value ``one``."""
    name = "lazy_example"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / name / "part.py").write_text("one = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delitem(sys.modules, f"{name}.part", raising=False)
    return name


def test_a_module_is_imported_when_it_is_used(package: str) -> None:
    part = f"{package}.part"
    with lazy_import(part):
        module = __import__(part)
    assert part not in sys.modules
    assert module.part.one == 1
    assert module.part is sys.modules[part]


def test_a_module_may_be_used_at_once(package: str) -> None:
    part = f"{package}.part"
    with lazy_import(part):
        module = __import__(part)
        assert sys.modules[part].one == 1
    assert module.part is sys.modules[part]


def test_a_module_that_cannot_be_imported_says_so(package: str) -> None:
    absent = f"{package}.absent"
    with lazy_import(absent):
        module = __import__(absent)
        with pytest.raises(ModuleNotFoundError):
            _ = sys.modules[absent].anything
    assert not hasattr(module, "absent")


def test_a_module_that_is_there_is_left_alone(package: str) -> None:
    part = f"{package}.part"
    module = __import__(part).part
    with lazy_import(part):
        assert sys.modules[part] is module
    assert sys.modules[part] is module


def test_a_connection_does_not_import_pyarrows_datasets() -> None:
    done = python(f"{LOAD} print('pyarrow' in sys.modules, 'pyarrow.dataset' in sys.modules)")
    assert (done.code, done.out) == (0, "True False\n")


def test_pyarrows_datasets_can_be_used_next_to_a_connection() -> None:
    done = python(f"{LOAD} import pyarrow; print(pyarrow.dataset.Dataset.__name__, 'pyarrow.dataset' in sys.modules)")
    assert (done.code, done.out) == (0, "Dataset True\n")
