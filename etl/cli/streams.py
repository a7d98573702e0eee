"""Prepares the standard streams of a process, and handles streams that are closed or whose reader has ended."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def prepare_streams() -> None:
    """Open closed streams (``>&-``) on the null device, and let streams escape characters that they cannot encode.

    Otherwise, the next file or socket would get the number of a stream, and output would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdout = sys.stdout or _open(1)
    sys.stderr = sys.stderr or _open(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # without UTF-8, unknown characters become escapes


def _open(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", closefd=False)


def is_closed(error: OSError) -> bool:
    """Say whether a write to stdout failed because the pipe was closed or the terminal is gone."""
    return error.errno == errno.EPIPE or (error.errno == errno.EIO and _is_terminal())


def _is_terminal() -> bool:
    """Say whether stdout is, or was, a terminal; isatty() is false for a terminal that is gone."""
    try:
        return stat.S_ISCHR(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def unless_closed() -> AbstractContextManager[None]:
    """Return a context for printing what was done: if the pipe is closed, the command still ends with its own code."""
    return suppress(BrokenPipeError)


def flush_streams() -> None:
    """Write what is buffered, as far as possible."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
