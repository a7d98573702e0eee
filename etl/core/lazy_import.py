"""Postpones the import of a module of another package until something in it is used."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def lazy_import(name: str) -> Iterator[None]:
    """Let a package that is imported in this block not import its module ``name`` before something in it is used."""
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)

    def load(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    vars(stand_in)["__getattr__"] = load
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
            package, _, own = name.rpartition(".")
            if package in sys.modules:
                setattr(sys.modules[package], own, stand_in)
