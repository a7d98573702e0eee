"""Distinguishes run directories from anything else in their folder, and sorts them in the order of their creation.

A name alone proves nothing: people keep their own folders there, links point elsewhere, and the time in a name is only
as right as the clock was. A run directory is a folder (not a link) that has a name as ``create_run`` gives it and the
content of a run. Each run stores a number when it is created, one more than any run before it; this gives the order.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from etl.core.schema import FILES_OF_SOME_RUNS, RUN_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

RUN_JSON = "run.json"
_NUMBER = ".number"
_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z]+-[0-9a-f]{6}")
_FRAMES = {f"{name}.parquet" for name in (*RUN_FILES, *FILES_OF_SOME_RUNS)}


def run_folders(runs: Path) -> list[Path]:
    """Return the run directories in ``runs``, in the order of their creation. Raises ``OSError``."""
    with os.scandir(runs) as entries:
        named = [runs / entry.name for entry in entries if is_run_name(entry.name) and _is_folder(entry)]
    numbers = {path: _number(path) for path in named}
    return sorted((path for path in named if numbers[path] or _is_unnumbered_run(path)), key=_order(numbers))


def is_run_name(name: str) -> bool:
    """Say whether ``create_run`` gives names like this one."""
    return _NAME.fullmatch(name) is not None


def note_number(path: Path) -> None:
    """Store the number of the new run directory ``path``, one more than all others there have. Raises ``OSError``."""
    with os.scandir(path.parent) as entries:
        last = max((_number(path.parent / entry.name) for entry in entries if is_run_name(entry.name)), default=0)
    (path / _NUMBER).write_text(f"{last + 1}\n", encoding="ascii")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _is_unnumbered_run(path: Path) -> bool:
    """Return whether a folder has the content of a run; a run that was killed early has none."""
    names = [inside.name for inside in path.iterdir()]
    return RUN_JSON in names or all(name in _FRAMES or name.startswith(".") for name in names)


def _number(path: Path) -> int:
    """Return the number that a run stored; 0 for a run of an older version, which precedes all with a number."""
    with suppress(OSError, ValueError):
        return int((path / _NUMBER).read_text(encoding="ascii"))
    return 0


def _order(numbers: Mapping[Path, int]) -> Callable[[Path], tuple[int, str, int, str]]:
    """Return the sort key of runs: their numbers; if these are equal, the start in the name, then the last change."""
    return lambda path: (numbers[path], path.name.partition("-")[0], path.stat().st_mtime_ns, path.name)
