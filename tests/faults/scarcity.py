"""Runs the program without enough disk space, or without permission to read or write."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from tests.cli.program import ROOT, SCRIPT, Done, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

AS_ROOT = os.geteuid() == 0
_PR_CAPBSET_DROP = 24
_OVERRIDES = (1, 2, 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER


def run_etl(
    *arguments: str | Path,
    home: Path | None = None,
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
    timeout: float = 60,
    stdout: IO[str] | int = subprocess.PIPE,
    stderr: IO[str] | int = subprocess.PIPE,
) -> Done:
    """Run the program; ``before`` is called in the new process first."""
    done = subprocess.run(
        [SCRIPT, *arguments],
        env=environment(home, {**(env or {}), "PYTHONDONTWRITEBYTECODE": "1"}),  # not half of it, that is
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=before,
        timeout=timeout,
        check=False,
    )
    found = Done(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())
    assert "Traceback" not in found.out + found.err
    assert "internal error" not in found.err
    return found


def short_files(size: int) -> Callable[[], None]:
    """Return a function that limits the files of a process and its children to ``size`` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def give_up_rights() -> None:
    """Make file modes apply to this process, even if it is root's and will run another program."""
    if AS_ROOT:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in _OVERRIDES:
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


def mount(folder: Path, options: str) -> bool:
    """Mount an empty file system on ``folder``; return False if that is not allowed."""
    if not (AS_ROOT and sys.platform == "linux"):
        return False
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[bool]:
    """Mount until the block ends; yield whether it was allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = mount(folder, options)
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def resize(folder: Path, options: str) -> None:
    """Change the size or the write access of the file system mounted on ``folder``."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
