"""The standard streams: what a process gets that was started without one, and what happens when nobody reads them."""

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
    """Open the streams that are closed (``>&-``) on the null device, and let none fail for a character it lacks.

    Otherwise the next file or socket would get the number of a stream, and the output would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    sys.stdout = sys.stdout or _open(1)
    sys.stderr = sys.stderr or _open(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # escapes, not an error, on a terminal without UTF-8


def _open(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", closefd=False)


def is_closed(error: OSError) -> bool:
    """Say whether a write to stdout failed because nobody reads it: the pipe is closed, or the terminal is gone."""
    return error.errno == errno.EPIPE or (error.errno == errno.EIO and _is_terminal())


def _is_terminal() -> bool:
    """Say whether stdout is, or was, a terminal: one that is gone denies it."""
    try:
        return stat.S_ISCHR(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def unless_closed() -> AbstractContextManager[None]:
    """Return a context that prints what has been done, as far as anybody reads it: the work and its code stay."""
    return suppress(BrokenPipeError)


def flush_streams() -> None:
    """Write what is buffered, as far as that is possible."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
