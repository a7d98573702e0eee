"""Says whether another program has a file open for writing, if the system can tell.

Linux grants a read lease on a file only while no program has it open for writing, and only to the owner of the file and
to root. On other systems and network file systems this cannot be known: there, a file counts as complete.
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
        # A program that opens the file in between waits until the lease is returned; its signal does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == EAGAIN
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
