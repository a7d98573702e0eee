"""requirements.lock pins everything that pyproject.toml asks for, and what that asks for."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = [Requirement(line) for line in LOCK.splitlines() if line and not line.lstrip().startswith("#")]
VERSIONS = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in PINS}


def direct() -> list[Requirement]:
    """Return what pyproject.toml asks for, to run the program with all extras and to work on it."""
    texts = [*PROJECT["dependencies"], *chain.from_iterable(PROJECT["optional-dependencies"].values())]
    return [found for found in map(Requirement, texts) if found.name != PROJECT["name"]]


def test_every_line_pins_one_version_and_names_no_place_to_get_it_from() -> None:
    assert [str(pin) for pin in PINS if [spec.operator for spec in pin.specifier] != ["=="] or pin.url] == []
    assert len(VERSIONS) == len(PINS)
    assert not re.search(r"https?:|^\s*-", LOCK, re.MULTILINE)


def test_every_requirement_is_pinned_to_a_version_that_the_project_allows() -> None:
    for requirement in direct():
        assert requirement.specifier.contains(VERSIONS[canonicalize_name(requirement.name)]), requirement


def test_what_the_requirements_require_is_pinned_too() -> None:
    todo = [(requirement.name, frozenset(requirement.extras)) for requirement in direct()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        assert canonicalize_name(name) in VERSIONS, f"{name} is not pinned: write requirements.lock again"
        for text in distribution(name).requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                assert needed.specifier.contains(VERSIONS[canonicalize_name(needed.name)], prereleases=True), text
                todo.append((needed.name, frozenset(needed.extras)))


def test_the_dev_extra_includes_every_extra() -> None:
    extras = {*PROJECT["optional-dependencies"]} - {"dev"}
    dev = map(Requirement, PROJECT["optional-dependencies"]["dev"])
    assert [found.extras for found in dev if found.name == PROJECT["name"]] == [extras]
