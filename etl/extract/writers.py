"""Tells whether another program has a file open for writing, where the system says so.

Linux grants a read lease on a file only while nobody has it open for writing, to the owner of the file and to root.
Other systems and network file systems do not tell: there a file counts as complete.
"""

from __future__ import annotations

import fcntl
import signal
import sys
from contextlib import suppress
from errno import EAGAIN


def has_writer(descriptor: int) -> bool:
    """Say whether a program has the file open for writing that is open for reading as ``descriptor``."""
    if sys.platform != "linux":
        return False
    try:
        # Who opens the file in between waits until the lease is returned; the signal about it is one that does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == EAGAIN
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
