"""Says how much memory is available, and refuses files that would need more.

Files are read whole. Without enough memory, Linux would kill the process, and the run would lose all other files.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from etl.core.errors import BrokenFileError
from etl.formats import Format
from etl.parsers import Delimited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.formats import Companion

SMALL = 1 << 24
"""Bytes of a file that is read without a check, because every computer has room for it."""
NO_MEMORY = "takes more memory to read than is available"
ADVICE = "Free some memory (a container may have a limit of its own), or divide the file into smaller ones"
# Bytes of memory at the peak of reading, per byte of a file. Measured: JSON and XML 3 to 8, tables 6 to 16; shorter
# records take more.
_PER_BYTE, _PER_BYTE_OF_TABLES = 6, 12
_MEGABYTE, _GIGABYTE = 1024**2, 1024**3
_UNLIMITED = 1 << 62  # cgroups of version 1 report about 2**63
# For each version of cgroups: its folder, the limit, the use, and the reclaimable part of the use (memory.stat).
_CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def per_byte(kind: Format | Companion) -> int:
    """Return how many bytes of memory reading a file of ``kind`` takes for each of its bytes."""
    is_table = isinstance(kind, Format) and isinstance(kind.layout, Delimited)
    return _PER_BYTE_OF_TABLES if is_table else _PER_BYTE


def check_fits(path: str, size: int, cost: int, available: int) -> None:
    """Raise ``BrokenFileError`` if the file ``path`` does not fit: ``size`` bytes, each of which takes ``cost``."""
    if size * cost > available:
        raise BrokenFileError(
            f"{path} has {_shown(size)}: reading it takes about {_shown(size * cost)} of memory, "
            f"and {_shown(available)} are available",
            ADVICE,
        )


def available_memory() -> int:
    """Return how many more bytes of memory this process may use, as far as the system says so."""
    return max(0, min((*_of_system(), *_of_cgroups(), *_of_process())))


def _of_system() -> Iterator[int]:
    with suppress(OSError, ValueError, KeyError):  # not Linux
        kilobytes = _table(Path("/proc/meminfo"))
        yield 1024 * (kilobytes["MemAvailable:"] + kilobytes["SwapFree:"])
        return
    yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_cgroups() -> Iterator[int]:
    """Yield what the limits leave of the cgroup of this process and of each cgroup above it."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root, *files = _CGROUPS["memory" in controllers.split(",")]
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if folder.is_relative_to(root):
                with suppress(OSError, ValueError, KeyError):  # no such limit
                    yield left_of_limit(folder, *files)


def left_of_limit(folder: Path, limit: str, used: str, reclaimable: str) -> int:
    """Return how many bytes the limit of a cgroup leaves, from the files with these names in its ``folder``.

    Raises ``OSError``, ``ValueError`` or ``KeyError`` if there is no limit.
    """
    most = int((folder / limit).read_text(encoding="ascii"))
    cached = _table(folder / "memory.stat")[reclaimable]
    return most if most > _UNLIMITED else most - int((folder / used).read_text(encoding="ascii")) + cached


def _of_process() -> Iterator[int]:
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        with suppress(OSError, ValueError):
            pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
            yield most - int(pages) * os.sysconf("SC_PAGE_SIZE")


def _table(path: Path) -> dict[str, int]:
    """Read lines that consist of a name and a number."""
    rows = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1}


def _shown(size: int) -> str:
    return f"{size / _GIGABYTE:,.1f} GB" if size >= _GIGABYTE else f"{size // _MEGABYTE:,} MB"
