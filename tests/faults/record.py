"""Keeps what fault tests did, so that ``tests.faults.report`` can print it: a line of JSON per call, in one file."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TypeAlias

from tests.faults.sections import SECTIONS

Figures: TypeAlias = "dict[str, int | float]"

FILE = "ETL_FAULT_REPORT"
"""The environment variable that names the file; nothing is kept without it."""


def record(section: str, **figures: float) -> None:
    """Add ``figures`` to ``section``; both must be in ``SECTIONS``. Tests may run at the same time."""
    assert figures.keys() <= SECTIONS[section].figures.keys(), figures
    if name := os.environ.get(FILE):
        with Path(name).open("a", encoding="utf-8") as file:  # one small write at the end of a file is never torn
            file.write(json.dumps({"section": section, "figures": figures}) + "\n")


def read_records(file: Path) -> dict[str, Figures]:
    """Return the figures by section that ``record`` wrote into ``file``: sums, largest values for ``..._max``."""
    found: dict[str, Figures] = defaultdict(dict)
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        figures = found[entry["section"]]
        for name, value in entry["figures"].items():
            before = figures.get(name, 0)
            figures[name] = max(before, value) if name.endswith("_max") else before + value
    return dict(found)
