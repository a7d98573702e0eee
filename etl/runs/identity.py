"""Tells run directories from anything else in their folder, and puts them into the order in which they were made.

A name is no proof: people keep folders of their own there, links point elsewhere, and the time in a name is as wrong as
the clock was. A run directory is a folder (not a link) with the name that ``create_run`` gives, whose content is a
run's. The order is a number that each run notes as it is made, one more than that of any run before it.
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
    """Return the run directories in ``runs``, in the order in which they were made. Raises ``OSError``."""
    with os.scandir(runs) as entries:
        named = [runs / entry.name for entry in entries if is_run_name(entry.name) and _is_folder(entry)]
    numbers = {path: _number(path) for path in named}
    return sorted((path for path in named if numbers[path] or _is_unnumbered_run(path)), key=_order(numbers))


def is_run_name(name: str) -> bool:
    """Say whether ``create_run`` gives such names."""
    return _NAME.fullmatch(name) is not None


def note_number(path: Path) -> None:
    """Give the new run directory ``path`` its number, after those of all others there. Raises ``OSError``."""
    with os.scandir(path.parent) as entries:
        last = max((_number(path.parent / entry.name) for entry in entries if is_run_name(entry.name)), default=0)
    (path / _NUMBER).write_text(f"{last + 1}\n", encoding="ascii")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _is_unnumbered_run(path: Path) -> bool:
    """Return whether the content of a folder is a run's; one that was killed early holds nothing."""
    names = [inside.name for inside in path.iterdir()]
    return RUN_JSON in names or all(name in _FRAMES or name.startswith(".") for name in names)


def _number(path: Path) -> int:
    """Return the number that a run noted; 0 for one of an older version, which is older than any with a number."""
    with suppress(OSError, ValueError):
        return int((path / _NUMBER).read_text(encoding="ascii"))
    return 0


def _order(numbers: Mapping[Path, int]) -> Callable[[Path], tuple[int, str, int, str]]:
    """Return the key that orders runs: numbers; where two are equal, when they began and were last written to."""
    return lambda path: (numbers[path], path.name.partition("-")[0], path.stat().st_mtime_ns, path.name)
