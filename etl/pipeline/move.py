"""Moves a file without overwriting another one; to another file system, it copies the file."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

_CHUNK = 1 << 20


def move_file(path: Path, source: BufferedReader, wanted: Path) -> Path:
    """Move ``path``, which is open as ``source``, to ``wanted``, or to ``wanted`` with a number if the name is taken.

    Returns the new path. Raises ``OSError`` and leaves the file where it was.
    """
    destination = next(name for name in _free_names(wanted) if place(path, source, name))
    try:
        path.unlink()
    except OSError:
        destination.unlink()
        raise
    return destination


def place(path: Path, source: BufferedReader, destination: Path) -> bool:
    """Give ``path``, which is open as ``source``, the name ``destination`` too, unless another file has that name.

    Returns whether the name was free.
    """
    try:
        os.link(path, destination)
    except FileExistsError:
        return False
    except OSError:  # another file system, or one without hard links
        return not destination.exists() and _copied(path, source, destination)
    return True


def _free_names(wanted: Path) -> Iterator[Path]:
    """Yield ``a.json``, ``a.2.json``, ``a.3.json`` and so on."""
    yield wanted
    for number in count(2):
        yield wanted.with_name(f"{wanted.stem}.{number}{wanted.suffix}")


def _copied(path: Path, source: BufferedReader, destination: Path) -> bool:
    """Copy a file so that ``destination`` is complete and on disk, or absent; return whether the name was free."""
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
    try:
        source.seek(0)
        with partial.open("xb") as copy:
            shutil.copyfileobj(source, copy, _CHUNK)
            copy.flush()
            os.fsync(copy.fileno())
        shutil.copystat(path, partial)
        try:
            os.link(partial, destination)
        except FileExistsError:
            return False
        except OSError:  # no hard links here
            destination.touch(exist_ok=False)
            partial.replace(destination)
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return True
